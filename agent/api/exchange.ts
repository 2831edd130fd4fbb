import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type * as z from 'zod'
import { type Report, ReportError } from '../../src/report/report'
import type { ApiError } from '../../src/wire'
import { firstProblem } from '../../src/wire/apiSchemas'
import { apiFailure } from './failure'

/** One request and its answer. */
export interface Exchange {
  node: string
  request: IncomingMessage
  path: string
  query: URLSearchParams
  /** What stood in the places of `:name` in the route. */
  parameters: Record<string, string>
  /** The address it came from. */
  from: string
}

/** No command comes near it. */
export const BODY_BYTES_MAX = 64 * 1024
/** A node's view with many jobs and their steps. */
export const PEER_BODY_BYTES_MAX = 4 * 1024 * 1024

export async function readBody<T>(exchange: Exchange, schema: z.ZodType<T>, limitBytes = BODY_BYTES_MAX): Promise<T> {
  const { node } = exchange
  const text = await readText(exchange.request, limitBytes, node)
  let value: unknown
  try {
    // An empty body is an empty request: `curl -X POST` works.
    value = text === '' ? {} : JSON.parse(text)
  } catch {
    throw apiFailure('E_API_REQUEST', { node, what: 'the body is not JSON' })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw apiFailure('E_API_REQUEST', { node, what: firstProblem(result.error) })
}

async function readText(request: IncomingMessage, limitBytes: number, node: string): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw apiFailure('E_API_TOO_LARGE', { node, limitBytes })
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > limitBytes) throw apiFailure('E_API_TOO_LARGE', { node, limitBytes })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

export function countOf(exchange: Exchange, key: string, max: number): number {
  const text = exchange.query.get(key) ?? '0'
  if (!/^\d{1,15}$/.test(text)) throw apiFailure('E_API_REQUEST', { node: exchange.node, what: `${key} must be a whole number` })
  return Math.min(Number(text), max)
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers
  })
  response.end(text)
}

/** By code where HTTP has a word of its own for it, else by the exit code of the shell. */
const STATUS_OF_CODE: Record<string, number> = {
  E_API_ROUTE: 404,
  E_API_METHOD: 405,
  E_API_TOO_LARGE: 413,
  E_SESSION: 401,
  E_LOGIN_REFUSED: 401,
  E_LOGIN_SLOW: 429,
  E_LOGIN_UNAVAILABLE: 503
}
const STATUS_OF_EXIT = { 0: 500, 1: 500, 2: 400, 3: 502, 4: 403, 5: 409, 6: 504 } as const

/** What went wrong as an answer. `unexpected` is told of what was not a report, with the reference the client sees. */
export function failureAnswer(error: unknown, node: string, unexpected: (reference: string, error: unknown) => void): { status: number; error: ApiError } {
  if (error instanceof ReportError) {
    const report = error.report
    return { status: STATUS_OF_CODE[report.code] ?? STATUS_OF_EXIT[report.exitCode], error: toApiError(report, node) }
  }
  const reference = randomBytes(4).toString('hex')
  unexpected(reference, error)
  return { status: 500, error: toApiError(apiFailure('E_API_INTERNAL', { node, reference }).report, node) }
}

export const toApiError = ({ code, message, tryThis, exitCode, node }: Report, self: string): ApiError => ({
  code,
  message,
  tryThis,
  exitCode,
  node: node ?? self
})

/** `::ffff:10.0.0.9` and `10.0.0.9` are one client. */
export const remoteAddress = (request: IncomingMessage): string => (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')

/** The node name in a client certificate of this cluster's CA; null: none, or of somebody else. */
export function certifiedName(request: IncomingMessage): string | null {
  const socket = request.socket as TLSSocket
  if (!socket.authorized) return null
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : null
}
