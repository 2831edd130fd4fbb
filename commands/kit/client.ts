import type { Client } from 'undici'
import type { TLSSocket } from 'node:tls'
import type { ApiError } from '../../src/wire'
import { ReportError, type ExitCode } from '../../src/report/report'
import { fail } from './fail'

/** One agent's HTTPS door. The certificate is known by its fingerprint, as ssh knows a host by its key. */
export interface Door {
  address: string
  port: number
  /** null: not known yet; then any certificate will do, and nothing secret may be sent. */
  fingerprint: string | null
  /** A simulated agent is asked this way; null: it did not answer. */
  through?: (call: Call & { answerMs: number }) => Promise<{ status: number; text: string } | null>
}

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  token?: string | null
  /** How long the answer may take after the connection stands. */
  answerMs?: number
  /** A simulated agent: somebody looks on, so time passes as it really does. */
  paced?: boolean
  /** Something is changed by it: when it may have arrived, and no answer came, it was not merely unreachable. */
  changes?: boolean
  /** Whoever waits has gone: the connection is ended. */
  signal?: AbortSignal
}

export const CONNECT_MS = 2_500
export const ANSWER_MS = 5_000
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
/** An answer may come slowly, over a narrow line; one that comes in drops is given up after so many times its time. */
const SLOWLY = 4

/** A refusal by the agent; the status tells an ended session from the rest. */
export class AgentRefusal extends ReportError {
  constructor(
    error: ApiError,
    readonly status: number
  ) {
    super({ code: error.code, message: error.message, tryThis: error.tryThis, exitCode: exitCodeOf(error.exitCode), node: error.node })
  }
}

const exitCodeOf = (value: unknown): ExitCode => ([1, 2, 3, 4, 5, 6].includes(value as number) ? (value as ExitCode) : 1)

export const where = (door: { address: string; port: number }): string => `${door.address.includes(':') ? `[${door.address}]` : door.address}:${door.port}`

/** AB:CD:… whatever way it was written: with or without colons, in small letters, with SHA256 in front. */
export function normalFingerprint(text: string): string {
  const digits = text
    .replace(/^sha-?256[: ]?/i, '')
    .replace(/[^0-9a-f]/gi, '')
    .toUpperCase()
  return (digits.match(/../g) ?? []).join(':')
}

export async function callAgent<T>(door: Door, call: Call): Promise<T> {
  if (door.through) return await callThrough<T>(door, door.through, call)
  const { client, seen } = await clientFor(door)
  const answerMs = call.answerMs ?? ANSWER_MS
  const late = AbortSignal.timeout(Math.ceil(CONNECT_MS + SLOWLY * answerMs))
  try {
    const answer = await client.request({
      method: call.method,
      path: call.path,
      headers: { 'content-type': 'application/json', ...(call.token ? { authorization: `Bearer ${call.token}` } : {}) },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      signal: call.signal === undefined ? late : AbortSignal.any([call.signal, late])
    })
    return readAnswer<T>(door, answer.statusCode, await answer.body.text())
  } catch (thrown) {
    throw explain(door, thrown, seen.fingerprint, call.changes)
  } finally {
    client.destroy().catch(() => undefined)
  }
}

async function callThrough<T>(door: Door, through: NonNullable<Door['through']>, call: Call): Promise<T> {
  const answer = await through({ ...call, answerMs: call.answerMs ?? ANSWER_MS })
  if (answer === null) throw fail('E_UNREACHABLE', { where: where(door), reason: 'nobody answers there in the simulation' })
  return readAnswer<T>(door, answer.status, answer.text)
}

/** The fingerprint of whoever answers there; nothing is sent. */
export async function fingerprintAt(address: string, port: number): Promise<string> {
  const door: Door = { address, port, fingerprint: null }
  const { client, seen } = await clientFor(door)
  try {
    const answer = await client.request({ method: 'GET', path: '/v1/hello', headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS })
    await answer.body.dump()
    return seen.fingerprint ?? ''
  } catch (thrown) {
    throw explain(door, thrown, null)
  } finally {
    client.destroy().catch(() => undefined)
  }
}

class WrongCertificate extends Error {}

/** A connection each call: no request is ever lost on a connection that the other side had closed meanwhile. */
async function clientFor(door: Door): Promise<{ client: Client; seen: { fingerprint: string | null } }> {
  // Loaded at the first call only: help and --version need none of it.
  const undici = await import('undici')
  const seen: { fingerprint: string | null } = { fingerprint: null }
  // A resumed TLS session shows no certificate, so none is kept.
  const connect = undici.buildConnector({ rejectUnauthorized: false, timeout: CONNECT_MS, maxCachedSessions: 0 })
  const client = new undici.Client(`https://${where(door)}`, {
    maxResponseSize: ANSWER_BYTES_MAX,
    connect: (options, callback) =>
      connect(options, (error, socket) => {
        if (error !== null) return callback(error, null)
        seen.fingerprint = normalFingerprint((socket as TLSSocket).getPeerCertificate().fingerprint256 ?? '')
        if (door.fingerprint === null || seen.fingerprint === door.fingerprint) return callback(null, socket)
        socket.destroy()
        return callback(new WrongCertificate('another certificate'), null)
      })
  })
  return { client, seen }
}

function readAnswer<T>(door: Door, status: number, text: string): T {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw fail('E_ANSWER_STRANGE', { where: where(door), what: `status ${status}, not JSON` })
  }
  if (status < 400 && typeof body === 'object' && body !== null) return body as T
  const error = (body as { error?: ApiError } | null)?.error
  if (typeof error?.code === 'string' && typeof error.message === 'string') throw new AgentRefusal(error, status)
  throw fail('E_ANSWER_STRANGE', { where: where(door), what: `status ${status}` })
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network to it',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: `no connection within ${CONNECT_MS / 1000} s`,
  UND_ERR_HEADERS_TIMEOUT: 'it took the request and did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer did not end in time',
  UND_ERR_SOCKET: 'the connection was cut',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak HTTPS'
}

/** `changes`: what was sent may have been carried out. Until the certificate was seen nothing is sent. */
function explain(door: Door, thrown: unknown, seen: string | null, changes = false): unknown {
  if (thrown instanceof ReportError) return thrown
  if (thrown instanceof WrongCertificate) {
    return fail('E_FINGERPRINT_CHANGED', { where: where(door), known: door.fingerprint ?? '', seen: seen ?? '' })
  }
  const error = thrown as { code?: string; name?: string; message?: string }
  const reason = REASONS[error.name === 'TimeoutError' ? 'UND_ERR_BODY_TIMEOUT' : (error.code ?? '')] ?? error.message ?? 'no reason known'
  return fail(changes && seen !== null ? 'E_ANSWER_LOST' : 'E_UNREACHABLE', { where: where(door), reason })
}
