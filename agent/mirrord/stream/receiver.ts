import net from 'node:net'
import tls from 'node:tls'
import { ReportError } from '../../../src/report/report'
import { dataError, encodeFrame } from '../../../src/wire/frame'
import type { Control, Frame } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import type { CopyStateFile } from '../copyState'
import type { Redo } from '../redo/redo'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { STREAM_PROTOCOL, packRefuse, packWelcome, readBegin, readHello, type Begin, type Hello } from './hello'
import { ACK_COMPLETE, ACK_MIRRORS } from './sender'
import { KEEPALIVE_MS, LINK_SILENT_MS, checkPeerName, identity } from './secure'

/** An address may appear later (a cable, an interface that comes up): listening is tried again. */
const LISTEN_RETRY_MS = 1_000
/** A link counts as up so long after the source was last seen on it; the source tries each every 5 s. */
const LINK_SEEN_MS = 12_000

export interface ReceiverView {
  connected: boolean
  link: string | null
  links: { name: string; state: 'OK' | 'Error' }[]
  receivedBytes: number
  appliedLsn: number
  roleSequence: number
  mirrors: boolean
  copyComplete: boolean
  diverged: boolean
  fault: { code: string; message: string } | null
}

interface Connection {
  socket: tls.TLSSocket
  link: string
  stage: 'hello' | 'begin' | 'stream'
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
    this.view = { connected: false, link: null, links: [], receivedBytes: 0, appliedLsn, roleSequence, mirrors: false, copyComplete, diverged, fault: null }
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
    this.state.update({ session: this.session, appliedLsn: this.view.appliedLsn, clean: this.view.fault === null })
    this.redo.close()
  }

  private listen(link: string, address: string): void {
    if (this.stopped) return
    const again = (): void => void setTimeout(() => this.listen(link, address), LISTEN_RETRY_MS)
    let server: tls.Server
    try {
      server = tls.createServer({ ...identity(this.config), requestCert: true, rejectUnauthorized: true })
    } catch (error) {
      this.say(`certificates cannot be used: ${(error as Error).message}`)
      return again()
    }
    server.on('connection', (socket: net.Socket) => {
      this.seenAtMs.set(link, Date.now())
      socket.on('error', () => undefined)
    })
    server.on('secureConnection', (socket) => this.accept(socket, link))
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
    socket.setTimeout(LINK_SILENT_MS, () => socket.destroy())
    socket.on('data', (chunk) => {
      if (socket.destroyed) return
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
    if (connection.socket.destroyed) return
    if (body.kind === 'keepalive') return
    if (connection.stage === 'hello' && body.kind === 'hello') return this.greet(connection, readHello(body.payload))
    if (connection !== this.current) throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before a hello` })
    if (connection.stage === 'begin' && body.kind === 'begin') return this.begin(connection, readBegin(body.payload))
    if (connection.stage !== 'stream') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before the stream began` })
    if (roleSequence !== this.view.roleSequence)
      throw dataError('E_FRAME_DAMAGED', { why: `role sequence ${roleSequence} in the stream of ${this.view.roleSequence}` })
    if (lsn !== this.view.appliedLsn + 1) throw dataError('E_FRAME_DAMAGED', { why: `LSN ${lsn} after ${this.view.appliedLsn}` })
    this.apply(body, lsn)
    this.acknowledgeSoon(connection)
  }

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
    this.redo.tolerant = decision === 'mirror' || begin.tolerant || (decision === 'resume' && this.view.mirrors)
    Object.assign(this.view, {
      appliedLsn: fromLsn,
      copyComplete: complete,
      diverged: false,
      connected: true,
      link: connection.link,
      fault: decision === 'mirror' ? null : this.view.fault,
      mirrors: decision === 'mirror' || (decision === 'resume' && this.view.mirrors)
    })
    this.strictAfterMirror = !begin.tolerant
    connection.stage = 'stream'
    this.say(`${decision} from LSN ${fromLsn} over data link ${connection.link}`)
    this.acknowledgeSoon(connection)
  }

  private strictAfterMirror = true

  private apply(body: Frame['body'], lsn: number): void {
    if ('payload' in body || body.kind === 'ack' || body.kind === 'keepalive') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} within the stream` })
    if (body.kind === 'walkBegin') this.mirrorBegins()
    this.redo.apply(body)
    this.view.appliedLsn = lsn
    if (body.kind === 'walkEnd') this.mirrorEnds(lsn)
  }

  /** On disk before the first change: a copy in the middle of a mirror is nobody's data. */
  private mirrorBegins(): void {
    this.state.update({ copyComplete: false })
    this.redo.tolerant = true
    Object.assign(this.view, { mirrors: true, copyComplete: false })
  }

  private mirrorEnds(lsn: number): void {
    this.redo.sync()
    this.redo.tolerant = !this.strictAfterMirror
    this.state.update({ copyComplete: true, appliedLsn: lsn })
    Object.assign(this.view, { mirrors: false, copyComplete: true, fault: null })
    this.say('full mirror ended, the copy is complete')
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
    this.send(connection, { kind: 'ack', folder: 0, receivedLsn: appliedLsn, appliedLsn, flags })
  }

  private send(connection: Connection, body: Control): void {
    connection.socket.write(encodeFrame(body, 0, this.view.roleSequence, checksum))
  }

  /** Says why and closes. What redo could not repeat makes the copy incomplete: only a new mirror helps. */
  private refuse(connection: Connection, error: unknown): void {
    const report = error instanceof ReportError ? error.report : { code: 'E_REDO', message: (error as Error).message }
    this.say(report.message)
    const lost = connection.stage === 'stream' && connection === this.current && (report.code === 'E_REDO' || report.code === 'E_FRAME_PATH')
    if (lost) {
      this.session = null
      Object.assign(this.view, { fault: { code: report.code, message: report.message }, copyComplete: false, mirrors: false })
      this.state.update({ session: null, copyComplete: false })
    }
    this.send(connection, { kind: 'refuse', folder: 0, payload: packRefuse({ code: report.code, message: report.message }) })
    connection.socket.destroySoon()
    this.closed(connection)
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
    if (this.current?.stage === 'stream') this.acknowledge(this.current)
    const up = (name: string): boolean => this.current?.link === name || now - (this.seenAtMs.get(name) ?? 0) < LINK_SEEN_MS
    this.view.links = this.config.links.map(({ name }) => ({ name, state: up(name) ? 'OK' : 'Error' }))
  }
}
