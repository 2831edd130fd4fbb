import { randomUUID } from 'node:crypto'
import type tls from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import { ReportError } from '../../../src/report/report'
import { AT, FRAME_BYTES_MAX, dataError, encodeFrame, sealFrame } from '../../../src/wire/frame'
import type { Control, Frame } from '../../../src/wire/frameFields'
import type { NeedToVerify } from '../../../src/model'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { STREAM_PROTOCOL, decide, packBegin, packHello, readRefuse, readWelcome, type Begin, type Welcome } from './hello'
import { LinkTable } from './linkTable'
import { KEEPALIVE_MS, LINK_SILENT_MS, connect, type DataLink } from './secure'

/** Between two rounds over all links. */
const RETRY_MS = 500
/** After the target has refused us: it will not change its mind at once. */
const REFUSED_RETRY_MS = 2_000
const BATCH_BYTES = 256 * 1024

export interface SenderStart {
  roleSequence: number
  /** The stream was wanted from the first write on, after this LSN; null: it begins with the first connection. */
  startLsn: number | null
  peerCopyComplete: boolean
}

/** What main has to know; sent on change. */
export interface SenderView {
  connected: boolean
  link: string | null
  links: { name: string; state: 'OK' | 'Error' }[]
  sentBytes: number
  targetAppliedLsn: number
  /** As the target says with each acknowledgement. */
  targetMirrors: boolean
  targetComplete: boolean
  needToVerify: NeedToVerify
  session: string | null
  problem: { code: string; message: string } | null
}

interface SenderHooks {
  /** A full mirror has been agreed on with the target: the walk has to start. */
  mirrorWanted(): void
  say(line: string): void
}

/** The sending end of a job's stream: one connection at a time, over the best link that answers. */
export class Sender {
  readonly view: SenderView
  private readonly links: LinkTable
  private socket: tls.TLSSocket | null = null
  private position = 0
  private sessionStartLsn: number
  private heardAtMs = 0
  private saidAtMs = 0
  private forced = false
  private stopped = false
  private answer: ((frame: Frame) => void) | null = null
  private wake: () => void = () => undefined

  constructor(
    private readonly config: MirrordConfig,
    private readonly log: SharedOrderedLog,
    private readonly start: SenderStart,
    private readonly hooks: SenderHooks
  ) {
    this.links = new LinkTable(config.links)
    this.sessionStartLsn = start.startLsn ?? 0
    this.position = log.ring.tail()
    this.view = {
      connected: false,
      link: null,
      links: this.links.states(),
      sentBytes: 0,
      targetAppliedLsn: this.sessionStartLsn,
      targetMirrors: false,
      targetComplete: false,
      needToVerify: start.startLsn === null ? 'Yes' : 'No',
      session: start.startLsn === null ? null : randomUUID(),
      problem: null
    }
  }

  /** Ends when `stop` is called. */
  async run(): Promise<void> {
    const probing = setInterval(() => this.links.probe(this.config.port, this.view.link, (link) => this.preferBetter(link)), LinkTable.PROBE_MS)
    while (!this.stopped) {
      const refused = await this.oneRound()
      if (!this.stopped) await Promise.race([delay(refused ? REFUSED_RETRY_MS : RETRY_MS), new Promise<void>((resolve) => (this.wake = resolve))])
    }
    clearInterval(probing)
  }

  stop(): void {
    this.stopped = true
    this.socket?.destroy()
    this.wake()
  }

  /** The administrator wants a full mirror from here, whatever the target says of its history. */
  forceMirror(): void {
    this.forced = true
    this.socket?.destroy()
    this.wake()
  }

  /** A link before the one in use answers again: the stream moves over, and nothing is lost. */
  private preferBetter(link: DataLink): void {
    this.hooks.say(`data link ${link.name} is back, the stream returns to it`)
    this.socket?.destroy()
  }

  private async oneRound(): Promise<boolean> {
    for (const link of this.config.links) {
      if (this.stopped) return false
      try {
        this.socket = await connect(this.config, link)
      } catch (error) {
        this.links.failed(link.name)
        this.show({ links: this.links.states() })
        this.problem(error, link)
        continue
      }
      this.links.works(link.name)
      return await this.serve(this.socket, link)
    }
    return false
  }

  /** True: refused. */
  private async serve(socket: tls.TLSSocket, link: DataLink): Promise<boolean> {
    const closed = new Promise<null>((resolve) => socket.once('close', () => resolve(null)))
    let why: unknown = null
    socket.on('error', (error) => (why ??= error))
    const splitter = new FrameSplitter(checksum, (frame) => this.onFrame(frame))
    socket.on('data', (chunk) => {
      try {
        splitter.push(chunk)
      } catch (error) {
        why = error
        socket.destroy()
      }
    })
    const watch = setInterval(() => {
      if (Date.now() - this.heardAtMs < LINK_SILENT_MS) return
      why = dataError('E_LINK_SILENT', { link: link.name, silentMs: LINK_SILENT_MS })
      this.links.failed(link.name)
      socket.destroy()
    }, KEEPALIVE_MS)
    this.heardAtMs = this.saidAtMs = Date.now()
    try {
      const welcome = await this.greet(socket, closed)
      if (welcome === null || !this.begin(socket, welcome)) return true
      this.show({ connected: true, link: link.name, links: this.links.states(), problem: null })
      this.hooks.say(`connected over data link ${link.name}`)
      await this.pump(socket)
      return why !== null
    } catch (error) {
      why = error
      return true
    } finally {
      clearInterval(watch)
      socket.destroy()
      if (this.view.connected) this.hooks.say(`data link ${link.name} disconnected${why instanceof Error ? `: ${why.message}` : ''}`)
      this.show({ connected: false, link: null, links: this.links.states() })
      if (why !== null) this.problem(why, link)
    }
  }

  private async greet(socket: tls.TLSSocket, closed: Promise<null>): Promise<Welcome | null> {
    const answered = new Promise<Frame>((resolve) => (this.answer = resolve))
    const { job, node, folders } = this.config
    this.say(socket, {
      kind: 'hello',
      folder: 0,
      payload: packHello({ protocol: STREAM_PROTOCOL, job, node, roleSequence: this.start.roleSequence, folders: folders.map(({ path }) => path) })
    })
    const frame = await Promise.race([answered, closed])
    if (frame === null) return null
    if (frame.body.kind === 'refuse') throw refusal(frame.body.payload)
    if (frame.body.kind !== 'welcome') throw dataError('E_FRAME_FOREIGN', { why: `${frame.body.kind} where a welcome belongs` })
    return readWelcome(frame.body.payload)
  }

  /** Decides how to go on with what the target has, and says so. False: an administrator has to decide. */
  private begin(socket: tls.TLSSocket, welcome: Welcome): boolean {
    const { session } = this.view
    const overflowed = this.log.streamState() !== 'wanted'
    const decision = decide({ ...this.start, session, keptAfterLsn: this.view.targetAppliedLsn, overflowed, forced: this.forced }, welcome)
    const { peerNode, job } = this.config
    if (decision === 'manually') {
      const why = welcome.diverged ? 'the other one went on writing after this one had taken over' : 'both were the source in one role sequence'
      this.show({ needToVerify: 'Manually' })
      throw dataError('E_DIVERGED', { job, peer: peerNode, why })
    }
    if (decision === 'mirror') this.newSession()
    else this.continueAfter(decision === 'resume' ? welcome.appliedLsn : this.sessionStartLsn)
    const begin: Begin = { decision, session: this.view.session!, fromLsn: this.view.targetAppliedLsn, tolerant: this.config.capture === 'watch' }
    this.say(socket, { kind: 'begin', folder: 0, payload: packBegin(begin) })
    this.hooks.say(`${decision} from LSN ${begin.fromLsn}`)
    if (decision === 'mirror') this.hooks.mirrorWanted()
    return true
  }

  private newSession(): void {
    this.forced = false
    this.sessionStartLsn = this.log.startStream(this.start.roleSequence)
    this.position = this.log.ring.tail()
    this.show({ session: randomUUID(), targetAppliedLsn: this.sessionStartLsn, needToVerify: 'Yes', targetComplete: false, targetMirrors: true })
  }

  private continueAfter(lsn: number): void {
    this.acknowledged(lsn)
    this.position = this.log.ring.tail()
  }

  /** Sends until the connection ends; waits while the socket's buffer is full. */
  private async pump(socket: tls.TLSSocket): Promise<void> {
    while (!socket.destroyed && this.log.streamState() === 'wanted') {
      const batch = this.gather()
      if (batch.length > 0) {
        this.saidAtMs = Date.now()
        this.view.sentBytes += batch.length
        if (!socket.write(batch)) await drained(socket)
        continue
      }
      if (Date.now() - this.saidAtMs >= KEEPALIVE_MS) this.say(socket, { kind: 'keepalive', folder: 0 })
      await this.log.waitForFrame(this.position, KEEPALIVE_MS / 2)
    }
  }

  /** Copies frames out of the ring and seals them: the checksum is not capture's work. */
  private gather(): Buffer {
    const batch = Buffer.allocUnsafe(BATCH_BYTES + FRAME_BYTES_MAX)
    let length = 0
    while (length < BATCH_BYTES) {
      const entry = this.log.ring.read(this.position)
      if (entry === null) break
      batch.set(entry.frame, length)
      sealFrame(batch.subarray(length, length + entry.frame.length), checksum)
      length += entry.frame.length
      this.position = entry.next
    }
    return batch.subarray(0, length)
  }

  private onFrame(frame: Frame): void {
    this.heardAtMs = Date.now()
    const { body } = frame
    if (body.kind === 'ack') {
      this.acknowledged(body.appliedLsn)
      const targetComplete = (body.flags & ACK_COMPLETE) !== 0
      this.show({ targetMirrors: (body.flags & ACK_MIRRORS) !== 0, targetComplete, needToVerify: targetComplete ? 'No' : this.view.needToVerify })
    } else if (body.kind === 'refuse' && this.answer === null) throw refusal(body.payload)
    else if (body.kind !== 'keepalive') {
      this.answer?.(frameCopy(frame))
      this.answer = null
    }
  }

  /** The target has applied it: the ring need not keep it any longer. */
  private acknowledged(lsn: number): void {
    const { ring } = this.log
    let tail = ring.tail()
    for (let entry = ring.read(tail); entry !== null && lsnOf(entry.frame) <= lsn; entry = ring.read(tail)) tail = entry.next
    ring.release(tail)
    if (lsn > this.view.targetAppliedLsn) this.show({ targetAppliedLsn: lsn })
  }

  private say(socket: tls.TLSSocket, body: Control): void {
    this.saidAtMs = Date.now()
    socket.write(encodeFrame(body, 0, this.start.roleSequence, checksum))
  }

  private show(change: Partial<SenderView>): void {
    Object.assign(this.view, change)
  }

  private problem(error: unknown, link: DataLink): void {
    const { report } = error instanceof ReportError ? error : dataError('E_LINK_FAILED', { link: link.name, why: (error as Error).message })
    const problem = { code: report.code, message: report.message }
    if (problem.message !== this.view.problem?.message) this.hooks.say(problem.message)
    this.show({ problem })
  }
}

export const ACK_MIRRORS = 1
export const ACK_COMPLETE = 2

const HIGH = 0x1_0000_0000

function lsnOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset + AT.lsn, 8)
  return view.getUint32(4, true) * HIGH + view.getUint32(0, true)
}

/** A greeting outlives the splitter's buffer. */
function frameCopy(frame: Frame): Frame {
  return 'payload' in frame.body ? { ...frame, body: { ...frame.body, payload: Uint8Array.from(frame.body.payload) } } : frame
}

/** The target's own words: they are shown as they came. */
function refusal(payload: Uint8Array): ReportError {
  const { code, message } = readRefuse(payload)
  return new ReportError({ code, message, tryThis: "Read mirrord's log on the other node.", exitCode: 1 })
}

const drained = (socket: tls.TLSSocket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
