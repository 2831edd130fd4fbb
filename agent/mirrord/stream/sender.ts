import { randomUUID } from 'node:crypto'
import type tls from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'
import { ReportError } from '../../../src/report/report'
import { AT, FRAME_BYTES_MAX, dataError, encodeFrame } from '../../../src/wire/frame'
import { ACK_COMPLETE, ACK_MIRRORS, type Control, type Frame } from '../../../src/wire/frameFields'
import type { NeedToVerify } from '../../../src/model'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { STREAM_PROTOCOL, decide, packBegin, packHello, readRefuse, readWelcome, type Begin, type Welcome } from './hello'
import { LinkTable } from './linkTable'
import { Patience, type Outcome } from './patience'
import { KEEPALIVE_MS, LINK_SILENT_MS, PEER_SILENT_MS, connect, type DataLink } from './secure'

/** How often the silence of the other end is looked at. */
const WATCH_MS = 250
const BATCH_BYTES = 256 * 1024 + FRAME_BYTES_MAX
/** Buffers are used again: a new one for each batch keeps the garbage collector busier than the stream. */
const SPARE_BATCHES_MAX = 4
/** After a batch smaller than this more is gathered for a moment; the first write after a pause goes at once. */
const SMALL_BATCH_BYTES = 64 * 1024
const GATHER_MS = 1

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
  /** Why the target lost its copy; until it is whole again. */
  targetFault: { code: string; message: string } | null
}

interface SenderHooks {
  /** A full mirror has been agreed on with the target: the walk has to start. */
  mirrorWanted(): void
  say(line: string): void
  /** How far the walk is; packProgress. */
  progress(): number
}

/** The target has said these about itself, and only a full mirror can help. */
const FAULT_CODES = ['E_REDO', 'E_FRAME_PATH', 'E_MIRRORD_STATE']

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
  private asking: Promise<void> | null = null
  private readonly patience = new Patience()

  constructor(
    private readonly config: MirrordConfig,
    private readonly log: SharedOrderedLog,
    private readonly start: SenderStart,
    private readonly hooks: SenderHooks
  ) {
    this.links = new LinkTable(config.links, config.port)
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
      problem: null,
      targetFault: null
    }
  }

  /** Ends when `stop` is called. */
  async run(): Promise<void> {
    void this.probe()
    const probing = setInterval(() => void this.probe(), LinkTable.PROBE_MS)
    while (!this.stopped) {
      const begunMs = performance.now()
      const outcome = await this.oneRound()
      const waitMs = this.patience.waitMs(outcome, performance.now() - begunMs)
      if (!this.stopped) await Promise.race([delay(waitMs), new Promise<void>((resolve) => (this.wake = resolve))])
    }
    clearInterval(probing)
  }

  private async probe(): Promise<void> {
    const better = await this.links.probe(this.view.link)
    this.show({ links: this.links.states() })
    if (better !== null && this.view.connected && better.name !== this.view.link) this.preferBetter(better)
  }

  stop(): void {
    this.stopped = true
    this.socket?.destroy()
    this.wake()
  }

  /** The administrator wants a full mirror from here, whatever the target says of its history. */
  forceMirror(): void {
    this.forced = true
    this.patience.reset()
    this.socket?.destroy()
    this.wake()
  }

  /** A link before the one in use answers again: the stream moves over, and nothing is lost. */
  private preferBetter(link: DataLink): void {
    this.hooks.say(`data link ${link.name} is back, the stream returns to it`)
    this.socket?.destroy()
  }

  private async oneRound(): Promise<Outcome> {
    for (const link of this.links.inOrder()) {
      if (this.stopped) break
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
    return 'unreachable'
  }

  private async serve(socket: tls.TLSSocket, link: DataLink): Promise<Outcome> {
    const closed = new Promise<null>((resolve) => socket.once('close', () => resolve(null)))
    let why: unknown = null
    const giveUp = (error: unknown): void => {
      why ??= error
      socket.destroy()
    }
    socket.on('error', giveUp)
    const splitter = new FrameSplitter(checksum, (frame) => this.onFrame(frame))
    socket.on('data', (chunk) => {
      try {
        splitter.push(chunk)
      } catch (error) {
        giveUp(error)
      }
    })
    this.heardAtMs = this.saidAtMs = Date.now()
    const watch = setInterval(() => this.watch(socket, link, giveUp), WATCH_MS)
    try {
      const welcome = await this.greet(socket, closed)
      if (welcome !== null) {
        this.begin(socket, welcome)
        this.show({ connected: true, link: link.name, links: this.links.states(), problem: null })
        this.hooks.say(`connected over data link ${link.name}`)
        await this.pump(socket)
      }
    } catch (error) {
      why ??= error
    } finally {
      clearInterval(watch)
      socket.destroy()
      this.disconnected(link, why)
    }
    return outcomeOf(why)
  }

  /** Each of our words also says how far the walk is. Silence alone is not the end: the link is asked. */
  private watch(socket: tls.TLSSocket, link: DataLink, giveUp: (error: unknown) => void): void {
    const now = Date.now()
    if (this.view.connected && now - this.saidAtMs >= KEEPALIVE_MS && !socket.writableNeedDrain) {
      this.say(socket, { kind: 'keepalive', folder: 0, progress: this.hooks.progress() })
    }
    const silentMs = now - this.heardAtMs
    if (silentMs < LINK_SILENT_MS || socket.destroyed) return
    const silent = (): void => {
      this.links.failed(link.name)
      giveUp(dataError('E_LINK_SILENT', { link: link.name, silentMs: Date.now() - this.heardAtMs }))
    }
    if (silentMs >= PEER_SILENT_MS) silent()
    else if (this.asking === null) {
      this.asking = this.links.answers(link).then((answered) => {
        this.asking = null
        if (!answered && !socket.destroyed && Date.now() - this.heardAtMs >= LINK_SILENT_MS) silent()
      })
    }
  }

  private disconnected(link: DataLink, why: unknown): void {
    if (this.view.connected) this.hooks.say(`data link ${link.name} disconnected${why instanceof Error ? `: ${why.message}` : ''}`)
    this.show({ connected: false, link: null, links: this.links.states() })
    if (why === null) return
    this.problem(why, link)
    if (outcomeOf(why) === 'fault') this.show({ targetFault: this.view.problem, targetComplete: false, targetMirrors: false, needToVerify: 'Yes' })
  }

  private async greet(socket: tls.TLSSocket, closed: Promise<null>): Promise<Welcome | null> {
    const answered = new Promise<Frame>((resolve) => (this.answer = resolve))
    const { job, node, folders } = this.config
    this.say(socket, {
      kind: 'hello',
      folder: 0,
      payload: packHello({
        protocol: STREAM_PROTOCOL,
        job,
        node,
        roleSequence: this.start.roleSequence,
        lineage: null,
        safety: 'off',
        safetySequence: 1,
        folders: folders.map(({ path }) => path)
      })
    })
    const frame = await Promise.race([answered, closed])
    if (frame === null) return null
    if (frame.body.kind === 'refuse') throw refusal(frame.body.payload)
    if (frame.body.kind !== 'welcome') throw dataError('E_FRAME_FOREIGN', { why: `${frame.body.kind} where a welcome belongs` })
    return readWelcome(frame.body.payload)
  }

  /** Decides how to go on with what the target has, and says so. Throws when an administrator has to decide. */
  private begin(socket: tls.TLSSocket, welcome: Welcome): void {
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
    const begin: Begin = {
      decision,
      session: this.view.session!,
      lineage: this.view.session!,
      fromLsn: this.view.targetAppliedLsn,
      tolerant: this.config.capture === 'watch'
    }
    this.say(socket, { kind: 'begin', folder: 0, payload: packBegin(begin) })
    this.hooks.say(`${decision} from LSN ${begin.fromLsn}`)
    if (decision === 'mirror') this.hooks.mirrorWanted()
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
      const buffer = this.spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES)
      const batch = this.gather(buffer)
      if (batch.length > 0) {
        this.view.sentBytes += batch.length
        const room = socket.write(batch, () => this.giveBack(buffer))
        if (!room) await drained(socket)
        if (batch.length < SMALL_BATCH_BYTES) await delay(GATHER_MS)
        continue
      }
      this.giveBack(buffer)
      await this.log.waitForFrame(this.position, KEEPALIVE_MS / 2)
    }
  }

  private readonly spare: Buffer[] = []

  private giveBack(buffer: Buffer): void {
    if (this.spare.length < SPARE_BATCHES_MAX) this.spare.push(buffer)
  }

  /** Copies frames out of the ring and seals them: the checksum is not capture's work. */
  private gather(buffer: Buffer): Buffer {
    const ends: number[] = []
    this.position = this.log.ring.copyOut(this.position, buffer, ends)
    let start = 0
    for (const end of ends) {
      buffer.writeUInt32LE(checksum(buffer.subarray(start, end)) >>> 0, start + AT.checksum)
      start = end
    }
    return buffer.subarray(0, start)
  }

  private onFrame(frame: Frame): void {
    this.heardAtMs = Date.now()
    const { body } = frame
    if (body.kind === 'ack') {
      this.log.targetSaid(body.receivedLsn, body.appliedLsn)
      this.acknowledged(body.appliedLsn)
      const targetComplete = (body.flags & ACK_COMPLETE) !== 0
      this.show({ targetMirrors: (body.flags & ACK_MIRRORS) !== 0, targetComplete, needToVerify: targetComplete ? 'No' : this.view.needToVerify })
      if (targetComplete) {
        this.show({ targetFault: null })
        this.patience.reset()
      }
    } else if (body.kind === 'refuse' && this.answer === null) throw refusal(body.payload)
    else if (body.kind !== 'keepalive') {
      this.answer?.(frameCopy(frame))
      this.answer = null
    }
  }

  /** The target has applied it: the ring need not keep it any longer. */
  private acknowledged(lsn: number): void {
    const { ring } = this.log
    ring.release(ring.positionAfter(lsn))
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

/** A greeting outlives the splitter's buffer. */
function frameCopy(frame: Frame): Frame {
  return 'payload' in frame.body ? { ...frame, body: { ...frame.body, payload: Uint8Array.from(frame.body.payload) } } : frame
}

/** The target's own words: they are shown as they came. */
class Refusal extends ReportError {}

function refusal(payload: Uint8Array): Refusal {
  const { code, message } = readRefuse(payload)
  return new Refusal({ code, message, tryThis: "Read mirrord's log on the other node.", exitCode: 1 })
}

function outcomeOf(why: unknown): Outcome {
  if (!(why instanceof ReportError) || why.report.code === 'E_LINK_SILENT') return 'lost'
  return why instanceof Refusal && FAULT_CODES.includes(why.report.code) ? 'fault' : 'refused'
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
