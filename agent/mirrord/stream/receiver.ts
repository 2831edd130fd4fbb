import net from 'node:net'
import tls from 'node:tls'
import { ReportError } from '../../../src/report/report'
import { dataError, encodeFrame } from '../../../src/wire/frame'
import { ACK_COMPLETE, ACK_MIRRORS, type Control, type Frame } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import type { CopyStateFile } from '../copyState'
import type { Redo } from '../redo/redo'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { STREAM_PROTOCOL, packRefuse, packWelcome, readBegin, readHello, type Begin, type Hello } from './hello'
import { KEEPALIVE_MS, SOURCE_SILENT_MS, checkPeerName, identity } from './secure'

/** An address may appear later (a cable, an interface that comes up): listening is tried again. */
const LISTEN_RETRY_MS = 1_000
/** A link counts as up so long after the source was last seen on it; the source tries each every 2 s. */
const LINK_SEEN_MS = 6_000
/** Whoever connects has so long for the TLS handshake, and so long again to say who it is. */
const GREETING_MS = 5_000
/** Connections at once on one link; the source needs one, and one to try it. */
const CONNECTIONS_MAX = 32
/** After a refusal the other end has so long to read it. */
const FAREWELL_MS = 2_000

export interface ReceiverView {
  connected: boolean
  link: string | null
  links: { name: string; state: 'OK' | 'Error' }[]
  receivedBytes: number
  appliedLsn: number
  roleSequence: number
  mirrors: boolean
  /** As the source says; packProgress. */
  progress: number
  copyComplete: boolean
  diverged: boolean
  fault: { code: string; message: string } | null
}

const LOSES_THE_COPY = ['E_REDO', 'E_FRAME_PATH', 'E_MIRRORD_STATE']

interface Connection {
  socket: tls.TLSSocket
  link: string
  stage: 'hello' | 'begin' | 'stream' | 'refused'
  ackWanted: boolean
  heardAtMs: number
}

/** The receiving end: listens on every data link, accepts the peer's newest connection, and applies in order. */
export class Receiver {
  readonly view: ReceiverView
  private readonly servers = new Map<string, tls.Server>()
  private readonly seenAtMs = new Map<string, number>()
  private current: Connection | null = null
  private session: string | null
  private timer: NodeJS.Timeout
  private stopped = false

  constructor(
    private readonly config: MirrordConfig,
    private readonly state: CopyStateFile,
    private readonly redo: Redo,
    private readonly say: (line: string) => void
  ) {
    const { session, appliedLsn, roleSequence, copyComplete, diverged } = state.get()
    this.session = session
    this.view = {
      connected: false,
      link: null,
      links: [],
      receivedBytes: 0,
      appliedLsn,
      roleSequence,
      mirrors: false,
      progress: 0,
      copyComplete,
      diverged,
      fault: null
    }
    this.walkRuns = session !== null && !copyComplete
    this.view.mirrors = this.walkRuns
    for (const link of config.links) this.listen(link.name, link.localAddress)
    this.timer = setInterval(() => this.tick(), KEEPALIVE_MS)
    this.tick()
  }

  /** What was applied is hard, and said so on disk, when this returns. */
  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
    this.drop()
    for (const server of this.servers.values()) server.close()
    this.redo.sync()
    // A mirror whose end mark has been applied is hard now, too.
    const copyComplete = this.hardening || this.view.copyComplete
    this.state.update({ session: this.session, appliedLsn: this.view.appliedLsn, copyComplete, clean: this.hardening || this.view.fault === null })
    this.redo.close()
  }

  private listen(link: string, address: string): void {
    if (this.stopped) return
    const again = (): void => void setTimeout(() => this.listen(link, address), LISTEN_RETRY_MS)
    let server: tls.Server
    try {
      server = tls.createServer({ ...identity(this.config), requestCert: true, rejectUnauthorized: true, handshakeTimeout: GREETING_MS })
      server.maxConnections = CONNECTIONS_MAX
    } catch (error) {
      this.say(`certificates cannot be used: ${(error as Error).message}`)
      return again()
    }
    server.on('connection', (socket: net.Socket) => {
      this.seenAtMs.set(link, Date.now())
      socket.on('error', () => undefined)
    })
    server.on('secureConnection', (socket) => this.accept(socket, link))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // After a handshake that takes too long it would stay open.
      socket.destroy()
      this.strangerCame(link, error)
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (!this.servers.has(link)) this.say(`data link ${link} cannot listen on ${address} yet: ${error.code}`)
      this.servers.delete(link)
      again()
    })
    server.listen(this.config.port, address, () => {
      this.servers.set(link, server)
      this.say(`listening on data link ${link}, ${address}:${this.config.port}`)
    })
  }

  private accept(socket: tls.TLSSocket, link: string): void {
    const connection: Connection = { socket, link, stage: 'hello', ackWanted: false, heardAtMs: Date.now() }
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.closed(connection))
    try {
      checkPeerName(socket, this.config.peerNode)
    } catch (error) {
      return this.refuse(connection, error)
    }
    const splitter = new FrameSplitter(checksum, (frame) => this.onFrame(connection, frame))
    setTimeout(() => {
      if (connection.stage === 'hello') socket.destroy()
    }, GREETING_MS).unref()
    socket.on('data', (chunk) => {
      if (socket.destroyed || connection.stage === 'refused') return
      try {
        connection.heardAtMs = Date.now()
        splitter.push(chunk)
      } catch (error) {
        this.refuse(connection, error)
      }
      if (this.current === connection) this.view.receivedBytes += chunk.length
    })
  }

  private onFrame(connection: Connection, { body, lsn, roleSequence }: Frame): void {
    if (connection.socket.destroyed || connection.stage === 'refused') return
    if (body.kind === 'keepalive') return this.keepalive(connection, body.progress)
    if (connection.stage === 'hello' && body.kind === 'hello') return this.greet(connection, readHello(body.payload))
    if (connection !== this.current) throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before a hello` })
    if (connection.stage === 'begin' && body.kind === 'begin') return this.begin(connection, readBegin(body.payload))
    if (body.kind === 'barrier' || body.kind === 'session') return this.acknowledgeSoon(connection)
    if (connection.stage !== 'stream') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before the stream began` })
    if (roleSequence !== this.view.roleSequence)
      throw dataError('E_FRAME_DAMAGED', { why: `role sequence ${roleSequence} in the stream of ${this.view.roleSequence}` })
    if (lsn !== this.view.appliedLsn + 1) throw dataError('E_FRAME_DAMAGED', { why: `LSN ${lsn} after ${this.view.appliedLsn}` })
    this.apply(body, lsn)
    this.acknowledgeSoon(connection)
  }

  private keepalive(connection: Connection, progress: number): void {
    if (connection === this.current) this.view.progress = progress
  }

  /** Not each of them: a scan of ports would fill the log. */
  private strangerCame(link: string, { code, message }: NodeJS.ErrnoException): void {
    const line = `data link ${link}: a connection is refused: ${code ?? message}`
    if (code === 'ECONNRESET' || line === this.saidOfStrangers) return
    this.saidOfStrangers = line
    this.say(line)
  }

  private saidOfStrangers = ''

  private greet(connection: Connection, hello: Hello): void {
    const { job, node, peerNode, folders } = this.config
    const refused = (why: string): never => {
      throw dataError('E_HELLO', { job, peer: hello.node, why })
    }
    if (hello.job !== job) refused(`it speaks of the job ${hello.job}`)
    if (hello.node !== peerNode) refused(`${peerNode} was expected`)
    if (hello.folders.length !== folders.length) refused(`it has ${hello.folders.length} folders, this node ${folders.length}`)
    const known = this.view.roleSequence
    if (hello.roleSequence < known) throw dataError('E_ROLE_SEQUENCE_OLD', { job, asked: hello.roleSequence, known })
    if (hello.roleSequence > known) this.state.update({ roleSequence: hello.roleSequence })
    this.view.roleSequence = hello.roleSequence
    this.drop()
    this.current = connection
    connection.stage = 'begin'
    const { diverged, sourceOf } = this.state.get()
    const { appliedLsn, copyComplete, roleSequence } = this.view
    const welcome = {
      protocol: STREAM_PROTOCOL,
      job,
      node,
      roleSequence,
      session: this.session,
      receivedLsn: appliedLsn,
      appliedLsn,
      copyComplete,
      diverged,
      lineage: null,
      exposed: false,
      dirty: 'none',
      suspended: null,
      sourceOf
    } as const
    this.send(connection, { kind: 'welcome', folder: 0, payload: packWelcome({ ...welcome, sourceOf: [...sourceOf] }) })
  }

  private begin(connection: Connection, begin: Begin): void {
    const { session, fromLsn, decision } = begin
    const refused = (why: string): never => {
      throw dataError('E_HELLO', { job: this.config.job, peer: this.config.peerNode, why })
    }
    if (decision === 'resume' && (session !== this.session || fromLsn !== this.view.appliedLsn)) refused('it would resume what this node does not have')
    if (decision === 'adopt' && !this.view.copyComplete) refused('it takes this copy for complete')
    const complete = decision !== 'mirror' && this.view.copyComplete
    const sourceOf = decision === 'mirror' ? [] : this.state.get().sourceOf
    this.state.update({ session, appliedLsn: fromLsn, clean: false, copyComplete: complete, diverged: false, sourceOf })
    this.session = session
    this.walkRuns = decision === 'mirror' || (decision === 'resume' && this.walkRuns)
    this.redo.tolerant = begin.tolerant || this.walkRuns
    if (decision !== 'resume') {
      this.syncs++
      this.hardening = false
    }
    Object.assign(this.view, {
      appliedLsn: fromLsn,
      copyComplete: complete,
      diverged: false,
      connected: true,
      link: connection.link,
      mirrors: decision === 'mirror' || (decision === 'resume' && this.view.mirrors)
    })
    this.strictAfterMirror = !begin.tolerant
    connection.stage = 'stream'
    this.say(`${decision} from LSN ${fromLsn} over data link ${connection.link}`)
    this.acknowledgeSoon(connection)
  }

  private strictAfterMirror = true
  /** Until its end mark has been applied; a connection more or less does not matter. */
  private walkRuns: boolean
  /** Its end mark has been applied, and is not hard yet. */
  private hardening = false
  /** Counts what makes the sync at the end of a mirror worthless. */
  private syncs = 0

  private apply(body: Frame['body'], lsn: number): void {
    if ('payload' in body || body.kind === 'ack' || body.kind === 'keepalive' || body.kind === 'barrier' || body.kind === 'differs')
      throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} within the stream` })
    if (body.kind === 'walkBegin') this.mirrorBegins()
    this.redo.apply(body)
    this.view.appliedLsn = lsn
    if (body.kind === 'walkEnd') this.mirrorEnds(lsn)
  }

  /** On disk before the first change: a copy in the middle of a mirror is nobody's data. */
  private mirrorBegins(): void {
    this.state.update({ copyComplete: false })
    this.redo.tolerant = this.walkRuns = true
    this.hardening = false
    this.syncs++
    Object.assign(this.view, { mirrors: true, copyComplete: false })
  }

  /** The copy is complete when it is hard. That may take minutes, in which the stream goes on. */
  private mirrorEnds(lsn: number): void {
    this.redo.tolerant = !this.strictAfterMirror
    this.walkRuns = false
    this.hardening = true
    const sync = ++this.syncs
    const { current } = this
    const failed = (error: unknown): void => {
      if (sync === this.syncs && current !== null) this.refuse(current, error)
    }
    this.redo
      .syncInBackground()
      .then(() => sync === this.syncs && this.copyIsHard(lsn))
      .catch(failed)
  }

  private copyIsHard(lsn: number): void {
    if (this.stopped) return
    this.hardening = false
    this.state.update({ copyComplete: true, appliedLsn: lsn })
    Object.assign(this.view, { mirrors: false, copyComplete: true, fault: null })
    this.say('full mirror ended, the copy is complete')
    if (this.current !== null) this.acknowledgeSoon(this.current)
  }

  /** Acknowledgements of one turn of the loop travel as one. */
  private acknowledgeSoon(connection: Connection): void {
    if (connection.ackWanted) return
    connection.ackWanted = true
    setImmediate(() => {
      connection.ackWanted = false
      if (connection === this.current && !connection.socket.destroyed) this.acknowledge(connection)
    })
  }

  private acknowledge(connection: Connection): void {
    const { appliedLsn, mirrors, copyComplete } = this.view
    const flags = (mirrors ? ACK_MIRRORS : 0) | (copyComplete ? ACK_COMPLETE : 0)
    this.send(connection, { kind: 'ack', folder: 0, receivedLsn: appliedLsn, appliedLsn, flags, redoQueueKib: 0 })
  }

  private send(connection: Connection, body: Control): void {
    connection.socket.write(encodeFrame(body, 0, this.view.roleSequence, checksum))
  }

  /** Says why and closes. What redo could not repeat makes the copy incomplete: only a new mirror helps. */
  private refuse(connection: Connection, error: unknown): void {
    if (connection.stage === 'refused') return
    const { job } = this.config
    const { report } = error instanceof ReportError ? error : dataError('E_REDO', { job, kind: 'work', path: '', why: (error as Error).message })
    const { code, message } = report
    this.say(message)
    if (connection.stage === 'stream' && connection === this.current && LOSES_THE_COPY.includes(code)) this.copyIsLost({ code, message })
    connection.stage = 'refused'
    this.send(connection, { kind: 'refuse', folder: 0, payload: packRefuse({ code, message }) })
    // Read on for a moment: closing with something unread would take our last words away from the source.
    connection.socket.end()
    setTimeout(() => connection.socket.destroy(), FAREWELL_MS).unref()
    this.closed(connection)
  }

  private copyIsLost(fault: { code: string; message: string }): void {
    this.session = null
    this.syncs++
    this.walkRuns = this.hardening = false
    Object.assign(this.view, { fault, copyComplete: false, mirrors: false })
    try {
      this.state.update({ session: null, copyComplete: false })
    } catch (error) {
      // A full disk: the file says already that the last role has not ended in order, and that counts as not complete.
      this.say((error as Error).message)
    }
  }

  private closed(connection: Connection): void {
    if (this.current !== connection) return
    this.current = null
    Object.assign(this.view, { connected: false, link: null })
  }

  private drop(): void {
    const { current } = this
    if (current === null) return
    this.closed(current)
    current.socket.destroy()
  }

  private tick(): void {
    const now = Date.now()
    const { current } = this
    // While redo kept this thread busy, the source could not be heard.
    if (current !== null && now - this.tickedAtMs > 2 * KEEPALIVE_MS) current.heardAtMs = now
    this.tickedAtMs = now
    if (current?.stage === 'stream') this.acknowledge(current)
    if (current !== null && now - current.heardAtMs > SOURCE_SILENT_MS) this.drop()
    const up = (name: string): boolean => this.current?.link === name || now - (this.seenAtMs.get(name) ?? 0) < LINK_SEEN_MS
    this.view.links = this.config.links.map(({ name }) => ({ name, state: up(name) ? 'OK' : 'Error' }))
  }

  private tickedAtMs = Date.now()
}
