import { X509Certificate } from 'node:crypto'
import https from 'node:https'
import os from 'node:os'
import tls from 'node:tls'
import { DEFAULT_API_PORT } from '../../src/model'
import { type ExitCode, ReportError } from '../../src/report/report'
import type { ApiError } from '../../src/wire'
import { type JoinAnswer, type JoinRequest, joinAnswerSchema } from '../../src/wire/apiSchemas'
import { plainReason } from '../adapters/failure'
import { tlsPlaces } from '../api/certificates'
import { setupFailure } from './failure'
import { heartbeatKeyFile } from './init'
import { caWord, splitCode } from './invitation'
import { refuseExisting, writeKeyFiles } from './keyFiles'
import { DEFAULT_STATE_DIRECTORY, type Output, readOptions } from './options'
import { makeKeyPair, makeRequest } from './x509'

const USAGE = 'mirrorpair-agent join ADDRESS[:PORT] CODE [--state DIR] [--node NAME] [--force]'
const ANSWER_MS_MAX = 15_000
const ANSWER_BYTES_MAX = 256 * 1024
const CHAIN_MAX = 5

const OPTIONS = {
  state: { type: 'string', default: DEFAULT_STATE_DIRECTORY },
  node: { type: 'string' },
  force: { type: 'boolean', default: false }
} as const

export interface Target {
  host: string
  port: number
}

/** Fetches this node's certificate and the heartbeat key from the node that invited. The private key is made here and stays here. */
export async function join(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  const [address, code, ...more] = positionals
  const target = address === undefined ? null : parseTarget(address)
  if (!target || !code || more.length > 0) throw setupFailure('E_SETUP_USAGE', { what: 'join needs an address and a code', usage: USAGE })
  const halves = splitCode(code)
  if (!halves) throw setupFailure('E_SETUP_CODE', {})
  const { caFile, certFile, keyFile } = tlsPlaces(values.state)
  const heartbeatFile = heartbeatKeyFile(values.state)
  refuseExisting([caFile, certFile, keyFile, heartbeatFile], values.force)

  const node = values.node ?? os.hostname()
  const authority = await findAuthority(target, halves.caWord)
  const pair = await makeKeyPair()
  const answer = await askToJoin(target, authority.toString(), { code: halves.secret, node, certificateRequest: await makeRequest(pair, node) })
  const heartbeatKey = Buffer.from(answer.heartbeatKey ?? '', 'base64')
  writeKeyFiles(
    [
      { file: caFile, content: authority.toString(), secret: false },
      { file: certFile, content: answer.certificate, secret: false },
      { file: keyFile, content: pair.keyPem, secret: true },
      { file: heartbeatFile, content: heartbeatKey, secret: true }
    ],
    values.force
  )
  print(`${node} has its keys in ${values.state}. Next: the same configuration as on the other node, then start the agent.`)
}

/** `10.0.0.1`, `10.0.0.1:7330`, `[2001:db8::1]:7330`, `2001:db8::1`. */
export function parseTarget(text: string): Target | null {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? /^([^:]+)(?::(\d+))?$/.exec(text) ?? /^([0-9a-fA-F:.]+)$/.exec(text)
  const port = Number(match?.[2] ?? DEFAULT_API_PORT)
  return match?.[1] && port >= 1 && port <= 65_535 ? { host: match[1], port } : null
}

const unreachable = ({ host, port }: Target, error: unknown) => setupFailure('E_JOIN_UNREACHABLE', { address: host, port, why: plainReason(error) })

/** The CA that the other side shows, if it is the one the code names. Nothing secret is said on this connection. */
export function findAuthority(target: Target, word: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...target, rejectUnauthorized: false, minVersion: 'TLSv1.3', timeout: ANSWER_MS_MAX })
    socket.once('error', (error) => reject(unreachable(target, error)))
    socket.once('timeout', () => socket.destroy(new Error('no answer in time')))
    socket.once('secureConnect', () => {
      const authority = chainOf(socket).find((certificate) => certificate.ca && caWord(certificate.raw) === word)
      socket.destroy()
      if (authority) resolve(authority)
      else reject(setupFailure('E_JOIN_OTHER_CLUSTER', { address: target.host }))
    })
  })
}

function chainOf(socket: tls.TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let link = socket.getPeerCertificate(true)
  while (link?.raw && chain.length < CHAIN_MAX) {
    chain.push(new X509Certificate(link.raw))
    if (link.issuerCertificate === link) break
    link = link.issuerCertificate
  }
  return chain
}

/** On a second connection that accepts only certificates of that CA. */
export function askToJoin(target: Target, ca: string, request: JoinRequest): Promise<JoinAnswer> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(request)
    const call = https.request(
      {
        ...target,
        method: 'POST',
        path: '/v1/join',
        ca,
        minVersion: 'TLSv1.3',
        timeout: ANSWER_MS_MAX,
        agent: false,
        // The code names the authority; which of its nodes this is does not matter.
        checkServerIdentity: () => undefined,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
          if (text.length > ANSWER_BYTES_MAX) call.destroy(new Error('the answer is too large'))
        })
        response.on('end', () => settle(response.statusCode ?? 0, text, resolve, reject))
      }
    )
    call.on('timeout', () => call.destroy(new Error('no answer in time')))
    call.on('error', (error) => reject(unreachable(target, error)))
    call.end(body)
  })
}

function settle(status: number, text: string, resolve: (answer: JoinAnswer) => void, reject: (error: unknown) => void): void {
  try {
    const body: unknown = JSON.parse(text)
    if (status === 200) {
      resolve(joinAnswerSchema.parse(body))
      return
    }
    const { error } = body as { error: ApiError }
    reject(new ReportError({ ...error, exitCode: error.exitCode as ExitCode }))
  } catch (error) {
    reject(error)
  }
}
