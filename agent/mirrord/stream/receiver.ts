import type tls from 'node:tls'
import { ReportError } from '../../../src/report/report'
import { dataError, encodeFrame } from '../../../src/wire/frame'
import { ACK_COMPLETE, ACK_MIRRORS, ACK_SUSPENDED, type Control, type Difference, type Frame } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { monotonicMs } from '../../adapters/clock'
import type { CopyStateFile } from '../copyState'
import { removeOwnMarks } from '../ownMarks'
import { cureIn } from '../redolog/openLog'
import { TargetLog, type Stopped } from '../redolog/targetLog'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { packRefuse, packSessionNews, packWelcome, readBegin, readHello, readSessionNews, type Begin, type Hello, type SessionNews } from './hello'
import { checkBegin, checkHello, welcomeOf } from './greeting'
import { GREETING_MS, Listener } from './listener'
import { firstView, ofCopy, type ReceiverView } from './receiverView'
import { KEEPALIVE_MS, SOURCE_SILENT_MS } from './secure'

/** After a refusal the other end has so long to read it. */
const FAREWELL_MS = 2_000
/** A full redo log is looked at again so often. */
const ROOM_RETRY_MS = 250
/** Reading goes on when the redo queue has come down to this share of its limit. */
const RESUME_SHARE = 0.9

interface Connection {
  socket: tls.TLSSocket
  link: string
  stage: 'hello' | 'begin' | 'stream' | 'refused'
  ackWanted: boolean
  heardAtMs: number
  hello: Hello | null
  splitter: FrameSplitter
  /** What the redo log has no room for now, and what came after it. */
  waiting: { frames: Buffer[]; lsn: number; chunks: Buffer[] } | null
}

/** The receiving end: accepts the peer's newest connection, and keeps what it says in the redo log. */
export class Receiver {
  readonly view: ReceiverView
  private readonly listener: Listener
  private current: Connection | null = null
  private readonly timer: NodeJS.Timeout
  /** The last frame of the stream, and those of this turn of the loop that are not in the log yet. */
  private lastLsn = 0
  private taken: Buffer[] = []
  private takenLsn = 0
  /** What is hard in the log belongs to the session from this position on. */
  private sessionFrom = 0
  private sessionFromLsn = 0
  private tickedAtMs = monotonicMs()

  private constructor(
    private readonly config: MirrordConfig,
    private readonly state: CopyStateFile,
    /** What this node marked as the source, until its copy is equal to the other one's. */
    private ownMarks: Uint8Array[] | null,
    private readonly say: (line: string) => void
  ) {
    this.view = firstView(state.get())
    this.listener = new Listener(config, { say, accept: (socket, link, stranger) => this.accept(socket, link, stranger) })
    this.timer = setInterval(() => this.tick(), KEEPALIVE_MS)
    this.tick()
  }

  private log!: TargetLog

  reconfigure(links: MirrordConfig['links'], redoQueueBytes: number): void {
    const before = this.config.links
    Object.assign(this.config, { links, redoQueueBytes })
    this.listener.relink(before)
  }

  /** `view` shows something before it listens: a replay after a crash takes its time. */
  static start(
    config: MirrordConfig,
    state: CopyStateFile,
    ownMarks: Uint8Array[] | null,
    say: (line: string) => void
  ): { receiver: Receiver; ready: Promise<void> } {
    const receiver = new Receiver(config, state, ownMarks, say)
    return { receiver, ready: receiver.open() }
  }

  private async open(): Promise<void> {
    this.log = await TargetLog.open(this.config, this.state, {
      hard: () => this.logMoved(),
      applied: () => this.logMoved(),
      differs: (difference) => this.differs(difference),
      say: this.say,
      failed: (error) => this.failed(error)
    })
    this.show()
    this.listener.start()
  }

  /** `drain`: all that is hard in the log is applied first. */
  async stop(drain: boolean): Promise<Stopped> {
    clearInterval(this.timer)
    this.listener.stop()
    this.drop()
    const stopped = await this.log.stop(drain)
    this.show()
    return stopped
  }

  private accept(socket: tls.TLSSocket, link: string, stranger: unknown): void {
    const splitter = new FrameSplitter(
      checksum,
      (frame, bytes) => this.onFrame(connection, frame, bytes),
      () => this.keep(connection)
    )
    const connection: Connection = { socket, link, stage: 'hello', ackWanted: false, heardAtMs: monotonicMs(), hello: null, splitter, waiting: null }
    socket.on('close', () => this.closed(connection))
    if (stranger !== null) return this.refuse(connection, stranger)
    setTimeout(() => void (connection.stage === 'hello' && socket.destroy()), GREETING_MS).unref()
    socket.on('data', (chunk) => {
      connection.heardAtMs = monotonicMs()
      if (this.current === connection) this.view.receivedBytes += chunk.length
      this.push(connection, chunk)
    })
  }

  private push(connection: Connection, chunk: Buffer): void {
    if (connection.socket.destroyed || connection.stage === 'refused') return
    try {
      if (connection.waiting === null) connection.splitter.push(chunk)
      else connection.waiting.chunks.push(chunk)
    } catch (error) {
      this.refuse(connection, error)
    }
  }

  private onFrame(connection: Connection, { body, lsn, roleSequence }: Frame, bytes: Buffer): void {
    if (connection.socket.destroyed || connection.stage === 'refused') return
    if (body.kind === 'keepalive') return this.keepalive(connection, body.progress)
    if (connection.stage === 'hello' && body.kind === 'hello') return this.greet(connection, readHello(body.payload))
    if (connection !== this.current) throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before a hello` })
    if (connection.stage === 'begin' && body.kind === 'begin') return this.begin(connection, readBegin(body.payload))
    if (connection.stage !== 'stream') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} before the stream began` })
    if (body.kind === 'barrier') return this.barrier(connection)
    if (body.kind === 'session') return this.sessionNews(readSessionNews(body.payload))
    if ('payload' in body || body.kind === 'ack' || body.kind === 'differs') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} within the stream` })
    if (roleSequence !== this.view.roleSequence)
      throw dataError('E_FRAME_DAMAGED', { why: `role sequence ${roleSequence} in the stream of ${this.view.roleSequence}` })
    if (lsn !== this.lastLsn + 1) throw dataError('E_FRAME_DAMAGED', { why: `LSN ${lsn} after ${this.lastLsn}` })
    this.lastLsn = lsn
    // A connection that was lost before our last word came through: this we have.
    if (lsn <= this.log.end.lsn) return
    const healing = cureIn(body)
    if (healing !== null) {
      this.keep(connection)
      this.log.beginsAnew(healing)
    }
    this.taken.push(bytes)
    this.takenLsn = lsn
  }

  /** What was taken in this turn goes into the log in one piece, before the splitter's buffer is used again. */
  private keep(connection: Connection): void {
    if (this.taken.length === 0) return
    const { taken } = this
    this.taken = []
    if (connection.waiting !== null) return this.wait(connection.waiting, taken)
    try {
      this.log.append(taken, this.takenLsn)
      this.limit(connection)
    } catch (error) {
      if (!(error instanceof ReportError) || error.report.code !== 'E_REDO_LOG_FULL') throw error
      this.noRoom(connection, error, taken)
    }
  }

  private wait(waiting: Connection['waiting'] & object, taken: Buffer[]): void {
    for (const bytes of taken) waiting.frames.push(Buffer.from(bytes))
    waiting.lsn = this.takenLsn
  }

  private barrier(connection: Connection): void {
    this.keep(connection)
    this.log.flush()
  }

  /** No more is read until redo has caught up: what the source cannot send waits there. */
  private limit(connection: Connection): void {
    if (this.log.queueBytes() > this.config.redoQueueBytes) connection.socket.pause()
  }

  private goOn(): void {
    const { current } = this
    if (current === null || current.waiting !== null || !current.socket.isPaused()) return
    if (this.log.queueBytes() > this.config.redoQueueBytes * RESUME_SHARE) return
    current.heardAtMs = monotonicMs()
    current.socket.resume()
  }

  /** The disk of the log is full: nothing more is read, and what was read is kept and tried again. */
  private noRoom(connection: Connection, { report }: ReportError, taken: Buffer[]): void {
    const { code, message } = report
    if (this.full === null) this.say(message)
    this.full = { code, message }
    this.show()
    connection.socket.pause()
    connection.waiting = { frames: [], lsn: 0, chunks: [] }
    this.wait(connection.waiting, taken)
    setTimeout(() => this.tryRoom(connection), ROOM_RETRY_MS)
  }

  private full: ReceiverView['fault'] = null

  private tryRoom(connection: Connection): void {
    const { waiting } = connection
    if (waiting === null) return
    if (connection === this.current && !connection.socket.destroyed) {
      try {
        this.log.append(waiting.frames, waiting.lsn)
      } catch {
        return void setTimeout(() => this.tryRoom(connection), ROOM_RETRY_MS)
      }
      connection.waiting = null
      for (const chunk of waiting.chunks) this.push(connection, chunk)
    }
    this.full = null
    this.show()
    this.goOn()
  }

  private keepalive(connection: Connection, progress: number): void {
    if (connection === this.current) this.view.progress = progress
  }

  private sessionNews(news: SessionNews): void {
    // An administrator has said that it goes on.
    if (news.state !== 'SUSPENDED') this.log.retry()
    this.view.session = news
  }

  private greet(connection: Connection, hello: Hello): void {
    const { job } = this.config
    checkHello(this.config, hello)
    const known = this.view.roleSequence
    if (hello.roleSequence < known) throw dataError('E_ROLE_SEQUENCE_OLD', { job, asked: hello.roleSequence, known })
    if (hello.roleSequence > known) this.state.update({ roleSequence: hello.roleSequence })
    this.view.roleSequence = hello.roleSequence
    this.drop()
    this.current = connection
    connection.stage = 'begin'
    connection.hello = hello
    // Nothing is acknowledged that this does not say: what was received is made hard while the source decides.
    this.log.flush()
    this.send(connection, {
      kind: 'welcome',
      folder: 0,
      payload: packWelcome(welcomeOf(this.config, this.state.get(), this.log, this.view, this.ownMarks !== null))
    })
    for (const [at, payload] of (this.ownMarks ?? []).entries()) {
      this.send(connection, { kind: 'dirty', folder: 0, last: at === this.ownMarks!.length - 1, payload })
    }
  }

  private begin(connection: Connection, begin: Begin): void {
    const { fromLsn, decision } = begin
    checkBegin(this.config, this.log, begin, this.view.copyComplete)
    if (decision !== 'resume') this.sessionFrom = this.log.begin(begin)
    if (decision !== 'resume') this.sessionFromLsn = fromLsn
    this.lastLsn = fromLsn
    this.log.retry()
    connection.stage = 'stream'
    Object.assign(this.view, { connected: true, link: connection.link })
    this.show()
    this.say(`${decision} from LSN ${fromLsn} over data link ${connection.link}`)
    this.acknowledgeSoon(connection)
  }

  /** More is hard, or applied, or redo has stopped. */
  private logMoved(): void {
    if ((this.log as TargetLog | undefined) === undefined) return
    const { suspended } = this.view
    this.show()
    this.goOn()
    if (this.current?.stage !== 'stream') return
    if (this.view.suspended !== null && this.view.suspended.message !== suspended?.message) this.tellSuspended(this.current, this.view.suspended.message)
    this.acknowledgeSoon(this.current)
  }

  private show(): void {
    const { log } = this
    const copy = ofCopy(this.state.get())
    const { copyComplete } = copy
    if (copyComplete && log.session() !== null) this.forgetOwnMarks()
    Object.assign(this.view, {
      receivedLsn: log.hard.lsn,
      appliedLsn: this.appliedLsn(),
      redoQueueBytes: log.queueBytes(),
      ...copy,
      mirrors: log.session() !== null && !copyComplete,
      suspended: log.suspended,
      fault: this.full ?? log.suspended
    })
  }

  /** The copy is the source's, whatever this node had of its own. */
  private forgetOwnMarks(): void {
    if (this.ownMarks === null) return
    this.ownMarks = null
    removeOwnMarks(this.config)
  }

  /** Redo may still be busy with the session before this one. */
  private appliedLsn(): number {
    const { position, lsn } = this.log.applied
    return position >= this.sessionFrom ? lsn : Math.min(lsn, this.sessionFromLsn)
  }

  private differs(difference: Difference): void {
    if (this.current?.stage === 'stream') this.send(this.current, { kind: 'differs', ...difference })
  }

  /** Why redo has stopped; that it has, each acknowledgement says. */
  private tellSuspended(connection: Connection, why: string): void {
    const { safety, safetySequence } = connection.hello!
    const news: SessionNews = { safety, safetySequence, state: 'SUSPENDED', why, failoverLsn: this.view.receivedLsn, exposed: false }
    this.say(why)
    this.send(connection, { kind: 'session', folder: 0, payload: packSessionNews(news) })
  }

  /** Acknowledgements of one turn of the loop travel as one. */
  private acknowledgeSoon(connection: Connection): void {
    if (connection.ackWanted) return
    connection.ackWanted = true
    queueMicrotask(() => {
      connection.ackWanted = false
      if (connection === this.current && !connection.socket.destroyed) this.acknowledge(connection)
    })
  }

  private acknowledge(connection: Connection): void {
    // The begin of the session, and what it says of the copy, are hard first.
    if (this.log.hard.position < this.sessionFrom) return
    const { mirrors, copyComplete, suspended, redoQueueBytes } = this.view
    const flags = (mirrors ? ACK_MIRRORS : 0) | (copyComplete ? ACK_COMPLETE : 0) | (suspended === null ? 0 : ACK_SUSPENDED)
    const redoQueueKib = Math.ceil(redoQueueBytes / KIB)
    this.send(connection, { kind: 'ack', folder: 0, receivedLsn: this.log.hard.lsn, appliedLsn: this.appliedLsn(), flags, redoQueueKib })
  }

  private send(connection: Connection, body: Control): void {
    connection.socket.write(encodeFrame(body, 0, this.view.roleSequence, checksum))
  }

  /** Says why and closes. */
  private refuse(connection: Connection, error: unknown): void {
    if (connection.stage === 'refused') return
    this.taken = []
    const { report } = error instanceof ReportError ? error : dataError('E_MIRRORD_DEFECT', { why: (error as Error).message })
    const { code, message } = report
    this.say(message)
    connection.stage = 'refused'
    this.send(connection, { kind: 'refuse', folder: 0, payload: packRefuse({ code, message }) })
    // Read on for a moment: closing with something unread would take our last words away from the source.
    connection.socket.end()
    setTimeout(() => connection.socket.destroy(), FAREWELL_MS).unref()
    this.closed(connection)
  }

  /** The redo log or its thread is gone: only a new start helps, and the agent sees to it. */
  private failed(error: Error): void {
    this.say(error.message)
    if (this.current !== null) this.refuse(this.current, error)
    throw error
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
    const now = monotonicMs()
    const { current } = this
    // While this thread was busy, or did not read, the source could not be heard.
    if (current !== null && (now - this.tickedAtMs > 2 * KEEPALIVE_MS || current.socket.isPaused())) current.heardAtMs = now
    this.tickedAtMs = now
    if (current?.stage === 'stream') this.acknowledge(current)
    if (current !== null && now - current.heardAtMs > SOURCE_SILENT_MS) this.drop()
    const up = (name: string): boolean => this.current?.link === name || this.listener.seen(name)
    this.view.links = this.config.links.map(({ name }) => ({ name, state: up(name) ? 'OK' : 'Error' }))
  }
}

const KIB = 1024
