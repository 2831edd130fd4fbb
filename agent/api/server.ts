import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import path from 'node:path'
import { plainReason } from '../adapters/failure'
import { openSockets } from '../adapters/openSockets'
import type { Engine } from '../engine/engine'
import type { EventHistory } from '../adapters/eventHistory'
import type { DrillDoor } from '../drill/drills'
import type { AgentsPort, ClockPort, LicencePort, LogPort, Places } from '../ports'
import { AuditLog } from './auditLog'
import { readCertificates } from './certificates'
import type { Door } from './door'
import { remoteAddress } from './exchange'
import { apiFailure } from './failure'
import { Login, type LoginOptions } from './login'
import { createRouter } from './router'
import { createRoutes } from './routes'
import { Sessions } from './sessions'

export interface ApiOptions {
  places: Places
  engine: Engine
  /** From createPeerPort: takes what the other node says. */
  peer: Door['peer']
  log: LogPort
  /** What the log has told. */
  events: Pick<EventHistory, 'find'>
  agents: AgentsPort
  licence: LicencePort
  clock: Pick<ClockPort, 'nowMs' | 'wallMs'>
  version: string
  drills: DrillDoor
  accountFiles?: LoginOptions['accountFiles']
}

export interface Api {
  /** Rejects with E_API_LISTEN or E_API_CERTIFICATE. */
  listen(): Promise<void>
  /** Ends all connections too. */
  close(): Promise<void>
  /** Of the first address, for tests that let the system choose. */
  port(): number
}

interface Listening {
  server: https.Server
  sockets: ReturnType<typeof openSockets>
}

const HANDSHAKE_MS_MAX = 5_000
const HEADERS_MS_MAX = 5_000
const REQUEST_MS_MAX = 30_000
const KEEP_ALIVE_MS = 30_000
/** Longer than the longest poll. */
const SILENT_MS_MAX = 60_000
const CHECK_INTERVAL_MS = 1_000
const HEADER_BYTES_MAX = 16 * 1024
const CONNECTIONS_MAX = 512
/** One client cannot take all of them. */
const CONNECTIONS_OF_ADDRESS_MAX = 64
const LISTEN_AGAIN_MS = 5_000

/** The HTTPS door of a node. */
export function createApi(options: ApiOptions): Api {
  const { places, log, clock } = options
  const state = (file: string) => path.join(places.stateDirectory, file)
  let auditBroken = false
  const onAuditFailed = (why: string) => {
    if (!auditBroken) log.event('warning', `The audit log cannot be written: ${why}`)
    auditBroken = true
  }
  const login = new Login(places, { nowMs: clock.nowMs, ...(options.accountFiles ? { accountFiles: options.accountFiles } : {}) })
  const door: Door = {
    ...options,
    login,
    sessions: new Sessions(state('sessions.json'), clock.wallMs),
    audit: new AuditLog(state('audit.log'), clock.wallMs, onAuditFailed)
  }
  const servers = new Map<string | undefined, Listening>()
  let following: NodeJS.Timeout | undefined

  const listenOn = async (host: string | undefined): Promise<void> => {
    const server = createServer(door)
    const sockets = openSockets(server)
    await bind(server, host, places)
    servers.set(host, { server, sockets })
  }
  /** A link's address may come up after the agent, and the configuration may name others. */
  const follow = async (): Promise<void> => {
    const wanted = ownAddresses(places)
    for (const [host, listening] of servers) {
      if (wanted.includes(host)) continue
      servers.delete(host)
      void end(listening)
    }
    for (const host of wanted) if (!servers.has(host)) await listenOn(host).catch(() => undefined)
  }

  return {
    listen: async () => {
      await listenOn(ownAddresses(places)[0])
      await follow()
      following = setInterval(() => void follow(), LISTEN_AGAIN_MS).unref()
    },
    close: async () => {
      clearInterval(following)
      await Promise.all([...[...servers.values()].map(end), login.close()])
    },
    port: () => ([...servers.values()][0]?.server.address() as AddressInfo | undefined)?.port ?? places.config.api.port
  }
}

/** undefined: all of the machine. Else the node's own first, then those of its links, which the peer uses. */
function ownAddresses({ node, config }: Places): (string | undefined)[] {
  if (config.api.listen === 'all') return [undefined]
  return [...new Set([config.nodes[node]?.address, ...config.links.flatMap((link) => link.addresses[node] ?? [])])]
}

function createServer(door: Door): https.Server {
  const { places, log } = door
  const { ca, cert, key } = readCertificates(places.stateDirectory, places.node)
  const options: https.ServerOptions = {
    ca,
    key,
    // With the CA behind it: who joins checks it against the one-time code.
    cert: `${cert.trimEnd()}\n${ca}`,
    minVersion: 'TLSv1.3',
    requestCert: true,
    // Shells have no certificate; the route of the peer looks for itself.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: HEADER_BYTES_MAX
  }
  let server: https.Server
  try {
    server = https.createServer(options, createRouter(createRoutes(door), places.node, log))
  } catch (error) {
    throw apiFailure('E_API_CERTIFICATE', { node: places.node, file: path.join(places.stateDirectory, 'tls', 'node.crt'), why: plainReason(error) })
  }
  server.maxConnections = CONNECTIONS_MAX
  server.setTimeout(SILENT_MS_MAX)
  limitEachAddress(server)
  return server
}

function limitEachAddress(server: https.Server): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const from = remoteAddress({ socket } as never)
    const count = (open.get(from) ?? 0) + 1
    if (count > CONNECTIONS_OF_ADDRESS_MAX) {
      socket.destroy()
      return
    }
    open.set(from, count)
    socket.once('close', () => {
      const left = (open.get(from) ?? 1) - 1
      if (left > 0) open.set(from, left)
      else open.delete(from)
    })
  })
  // A client that talks no TLS, or goes away in the middle, is no event worth a word.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
}

function bind(server: https.Server, host: string | undefined, { node, config }: Places): Promise<void> {
  const { port } = config.api
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error) => reject(apiFailure('E_API_LISTEN', { node, address: host ?? 'every address', port, why: plainReason(error) })))
    server.listen({ port, ...(host ? { host } : {}) }, () => {
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve()
    })
  })
}

function end({ server, sockets }: Listening): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    sockets.destroy()
  })
}
