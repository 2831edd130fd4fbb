import type { PeerCertificate } from 'node:tls'
import { Pool } from 'undici'
import type { ReportError } from '../../src/report/report'
import type { PeerMessage, PeerReply } from '../../src/wire'
import { peerReplySchema } from '../../src/wire/apiSchemas'
import { plainReason } from '../adapters/failure'
import { beforeSending, requestInTime } from '../adapters/requestInTime'
import type { PeerPort, Places } from '../ports'
import { type NodeCertificates, readCertificates } from './certificates'
import { PEER_BODY_BYTES_MAX } from './exchange'
import { apiFailure } from './failure'

/** A peer of the same rack answers in a fraction of it. */
const CONNECT_MS_MAX = 900
/** One way is tried at least so long before the next one, if time is left; longer than connecting, so that its failure is told from a lost answer. */
const ATTEMPT_MS_MIN = 1_500
/** Long polls must not stand in the way of what is urgent. */
const CONNECTIONS_MAX = 6
const KEEP_ALIVE_MS = 20_000

export interface PeerPortOptions {
  places: Places
  /** Does the heartbeat of this link arrive? Links that are up are tried first. */
  linkUp: (link: string) => boolean
}

/** The port with its other end, which the HTTPS door calls. */
export interface PeerChannel extends PeerPort {
  receive(message: PeerMessage): Promise<PeerReply>
  close(): Promise<void>
}

interface Way {
  /** A link, or `node` for the node's own address as the last resort. */
  name: string
  localAddress: string | null
  host: string
}

/** Talks to the other node's agent over the best link that works. */
export function createPeerPort({ places, linkUp }: PeerPortOptions): PeerChannel {
  const { node } = places
  const peer = Object.keys(places.config.nodes).find((name) => name !== node) as string
  const pools = new Map<string, Pool>()
  let receiver: ((message: PeerMessage) => Promise<PeerReply>) | null = null
  let certificates: NodeCertificates | null = null

  const poolOf = (way: Way): Pool => {
    certificates ??= readCertificates(places.stateDirectory, node)
    const key = `${way.name} ${way.localAddress} ${way.host}`
    const pool = pools.get(key) ?? openPool(way, places.config.api.port, peer, certificates)
    pools.set(key, pool)
    return pool
  }

  /** A way that is not there any more, or has other addresses now. */
  const leave = (ways: Way[]): void => {
    const keys = new Set(ways.map((way) => `${way.name} ${way.localAddress} ${way.host}`))
    for (const [key, pool] of pools) {
      if (keys.has(key)) continue
      pools.delete(key)
      // What is under way on it ends in peace.
      void pool.close()
    }
  }

  const send = async (message: PeerMessage, timeoutMs: number): Promise<PeerReply> => {
    const deadlineMs = performance.now() + timeoutMs
    const ways = waysTo(peer, places, linkUp)
    leave(ways)
    const tried: string[] = []
    for (const [index, way] of ways.entries()) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) break
      try {
        return await attempt(poolOf(way), message, attemptMs(message, leftMs, ways.length - index))
      } catch (error) {
        if (isReport(error)) throw error
        tried.push(`${way.name} ${way.host}: ${reason(error)}`)
        // A command must not be carried out twice: once it may have left this node, no other way is tried.
        if (message.kind === 'command' && !beforeSending(error)) throw unreachable(node, peer, tried, true)
      }
    }
    throw unreachable(node, peer, tried, false)
  }

  return {
    send,
    onMessage: (receive) => {
      receiver = receive
    },
    receive: (message) => {
      if (receiver) return receiver(message)
      const report = unreachable(node, node, ['its engine is still starting'], false).report
      return Promise.resolve({ ok: false, error: report })
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    }
  }
}

/** A command gets all the time there is: once it has left, no other way is tried. What may be said twice leaves time for the other ways. */
function attemptMs(message: PeerMessage, leftMs: number, waysLeft: number): number {
  if (message.kind === 'command') return leftMs
  // Asked again anyway, and soon: a way that is slow must not use up the time of the others.
  if (message.kind === 'vote') return leftMs / waysLeft
  const waitMs = message.kind === 'ticket' ? message.waitMs : 0
  return Math.min(leftMs, waitMs + Math.max(ATTEMPT_MS_MIN, leftMs / waysLeft))
}

const unreachable = (node: string, peer: string, tried: string[], maybe: boolean): ReportError =>
  apiFailure('E_PEER_UNREACHABLE', { node, peer, tried: tried.join('; ') || 'no time left', maybe })

/** Links that are up, in the order of the file; then the others; then the node's address, whatever the way there. */
function waysTo(peer: string, { node, config }: Places, linkUp: (link: string) => boolean): Way[] {
  const links = config.links.flatMap(({ name, addresses }) => {
    const [localAddress, host] = [addresses[node], addresses[peer]]
    // A serial line carries heartbeats and nothing else.
    return localAddress === undefined || host === undefined ? [] : [{ name, localAddress, host, up: linkUp(name) }]
  })
  const address = config.nodes[peer]?.address as string
  const own: Way = { name: 'node', localAddress: null, host: address }
  return [...links.filter((link) => link.up), ...links.filter((link) => !link.up), own]
}

function openPool(way: Way, port: number, peer: string, certificates: NodeCertificates): Pool {
  const host = way.host.includes(':') ? `[${way.host}]` : way.host
  return new Pool(`https://${host}:${port}`, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    ...(way.localAddress ? { localAddress: way.localAddress } : {}),
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: {
      ...certificates,
      minVersion: 'TLSv1.3',
      timeout: CONNECT_MS_MAX,
      maxCachedSessions: 0,
      // The name counts, not the address: an address can be taken by another machine.
      checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
        certificate.subject?.CN === peer ? undefined : new Error(`the certificate there belongs to ${certificate.subject?.CN}, not to ${peer}`)
    }
  })
}

async function attempt(pool: Pool, message: PeerMessage, timeoutMs: number): Promise<PeerReply> {
  const headers = { 'content-type': 'application/json' }
  const request = { method: 'POST', path: '/v1/peer', headers, body: JSON.stringify(message) } as const
  const { status, text } = await requestInTime(pool, request, timeoutMs, PEER_BODY_BYTES_MAX)
  if (status === 200) return peerReplySchema.parse(JSON.parse(text))
  const { error } = JSON.parse(text) as { error?: { message?: string } }
  throw new Error(error?.message ?? `status ${status}`)
}

const isReport = (error: unknown): boolean => (error as Error).name === 'ReportError'

function reason(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return 'no answer in time'
  return plainReason(error)
}
