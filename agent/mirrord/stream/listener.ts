import net from 'node:net'
import tls from 'node:tls'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { monotonicMs } from '../../adapters/clock'
import { checkPeerName, identity } from './secure'

/** An address may appear later (a cable, an interface that comes up): listening is tried again. */
const LISTEN_RETRY_MS = 1_000
/** A link counts as up so long after the source was last seen on it; the source tries each every 2 s. */
const LINK_SEEN_MS = 6_000
/** Whoever connects has so long for the TLS handshake, and so long again to say who it is. */
export const GREETING_MS = 5_000
/** Connections at once on one link; the source needs one, and one to try it. */
const CONNECTIONS_MAX = 32

export interface ListenerHooks {
  /** Somebody with a certificate of the cluster. `stranger`: it is not the peer's. */
  accept(socket: tls.TLSSocket, link: string, stranger: unknown): void
  say(line: string): void
}

/** Listens on every data link. */
export class Listener {
  private readonly servers = new Map<string, tls.Server>()
  private readonly seenAtMs = new Map<string, number>()
  private stopped = false
  private saidOfStrangers = ''

  constructor(
    private readonly config: MirrordConfig,
    private readonly hooks: ListenerHooks
  ) {}

  start(): void {
    for (const link of this.config.links) this.listen(link.name, link.localAddress)
  }

  stop(): void {
    this.stopped = true
    for (const server of this.servers.values()) server.close()
  }

  /** One that stays goes on listening. What is connected stays so until the source leaves it. */
  relink(before: MirrordConfig['links']): void {
    const stays = before.filter((link) => this.wants(link.name, link.localAddress)).map(({ name }) => name)
    for (const [name, server] of this.servers) {
      if (stays.includes(name)) continue
      this.servers.delete(name)
      server.close()
    }
    for (const { name, localAddress } of this.config.links) if (!stays.includes(name)) this.listen(name, localAddress)
  }

  private wants(link: string, address: string): boolean {
    return this.config.links.some(({ name, localAddress }) => name === link && localAddress === address)
  }

  /** Was the source there on this link lately? */
  seen(link: string): boolean {
    return monotonicMs() - (this.seenAtMs.get(link) ?? Number.NEGATIVE_INFINITY) < LINK_SEEN_MS
  }

  private listen(link: string, address: string): void {
    if (this.stopped || !this.wants(link, address) || this.servers.has(link)) return
    const again = (): void => void setTimeout(() => this.listen(link, address), LISTEN_RETRY_MS)
    let server: tls.Server
    try {
      server = tls.createServer({ ...identity(this.config), requestCert: true, rejectUnauthorized: true, handshakeTimeout: GREETING_MS })
      server.maxConnections = CONNECTIONS_MAX
    } catch (error) {
      this.hooks.say(`certificates cannot be used: ${(error as Error).message}`)
      return again()
    }
    server.on('connection', (socket: net.Socket) => {
      this.seenAtMs.set(link, monotonicMs())
      socket.on('error', () => undefined)
    })
    server.on('secureConnection', (socket) => this.accept(socket, link))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // After a handshake that takes too long it would stay open.
      socket.destroy()
      this.strangerCame(link, error)
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (!this.servers.has(link)) this.hooks.say(`data link ${link} cannot listen on ${address} yet: ${error.code}`)
      if (this.servers.get(link) === server) this.servers.delete(link)
      again()
    })
    server.listen(this.config.port, address, () => {
      if (this.stopped || !this.wants(link, address)) return void server.close()
      this.servers.set(link, server)
      this.hooks.say(`listening on data link ${link}, ${address}:${this.config.port}`)
    })
  }

  private accept(socket: tls.TLSSocket, link: string): void {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    let stranger: unknown = null
    try {
      checkPeerName(socket, this.config.peerNode)
    } catch (error) {
      stranger = error
    }
    this.hooks.accept(socket, link, stranger)
  }

  /** Not each of them: a scan of ports would fill the log. */
  private strangerCame(link: string, { code, message }: NodeJS.ErrnoException): void {
    const line = `data link ${link}: a connection is refused: ${code ?? message}`
    if (code === 'ECONNRESET' || line === this.saidOfStrangers) return
    this.saidOfStrangers = line
    this.hooks.say(line)
  }
}
