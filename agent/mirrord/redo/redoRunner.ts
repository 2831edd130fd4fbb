import { setImmediate as turn } from 'node:timers/promises'
import { ReportError } from '../../../src/report/report'
import { dataError } from '../../../src/wire/frame'
import type { Difference, FrameBody } from '../../../src/wire/frameFields'
import { bootId } from '../../adapters/processes'
import { saveCheckpoint, type Checkpoint, type Healing } from '../redolog/checkpoint'
import { fold, isTolerant, type LogState } from '../redolog/fold'
import { LogReader, type LogEntry, type LogPoint } from '../redolog/logReader'
import { removeMarker } from './marker'
import { recover } from './recover'
import { Redo } from './redo'
import type { RedoFolder } from './targetFolder'

/** How long redo works before it looks at what else there is. */
const SLICE_MS = 10
const CHECKPOINT_MS = 5_000
const CHECKPOINT_BYTES = 64 * 1024 * 1024
/** Redo waits for the disk when so much more would have to be replayed after a crash. */
const AHEAD_BYTES_MAX = 256 * 1024 * 1024

export type RedoOrder =
  | { do: 'hard'; position: number }
  /** After a redo error: once more. */
  | { do: 'retry' }
  /** After a redo error: all up to this position is brought anew by what begins there. */
  | { do: 'cure'; position: number; healing: Healing }
  /** `drain`: not before all that is hard in the log is applied. */
  | { do: 'stop'; drain: boolean }

export interface Problem {
  code: string
  message: string
}

export type RedoNews =
  /** `lost`: why the copy cannot be continued; then redo does nothing. */
  | { kind: 'opened'; changes: number; lost: string | null }
  /** Applied up to here. */
  | { kind: 'progress'; position: number; lsn: number; suspended: Problem | null }
  | { kind: 'differs'; difference: Difference }
  | { kind: 'checkpoint'; checkpoint: Checkpoint }
  | { kind: 'stopped'; drained: boolean; why: string | null }

const NO_ROOM = 'E_REDO_LOG_FULL'
const isNoRoom = (error: unknown): boolean => error instanceof ReportError && error.report.code === NO_ROOM

/** Reads the redo log as far as it is hard, and applies it in order. */
export class RedoRunner {
  private readonly redo: Redo
  private readonly reader: LogReader
  private state: LogState
  private entry: LogEntry | null = null
  private suspended: Problem | null = null
  private stopping: (RedoOrder & { do: 'stop' }) | null = null
  private wake: () => void = () => undefined
  private from: number[] = []
  private checkpointing: Promise<void> | null = null
  private checkpointWanted = false
  private checkpointedAtMs = performance.now()
  private said = ''
  private woken = false
  /** What was written may be lost: only a start from the checkpoint helps. */
  private failure: Error | null = null
  /** Up to here the log is passed over, because what begins there brings everything anew. */
  private cure: (RedoOrder & { do: 'cure' }) | null = null

  constructor(
    private readonly job: string,
    private readonly directory: string,
    folders: RedoFolder[],
    private checkpoint: Checkpoint,
    private hard: number,
    private readonly tell: (news: RedoNews) => void
  ) {
    this.redo = new Redo(job, folders, { differs: (difference) => tell({ kind: 'differs', difference }), makeHard: (withIt) => this.makeHard(withIt) })
    this.reader = new LogReader(directory, Buffer.from(checkpoint.logId, 'hex'), checkpoint.point)
    const { lsn, session, healing, watched } = checkpoint
    this.state = { lsn, session, healing, watched }
  }

  order(order: RedoOrder): void {
    if (order.do === 'hard') this.hard = order.position
    if (order.do === 'stop') this.stopping = order
    // What is left is applied all the same: its end makes it hard, and needs no checkpoint for that.
    if (order.do === 'stop' && this.waitsForRoom()) this.suspended = null
    if (order.do === 'retry') this.suspended = null
    if (order.do === 'cure' && this.suspended !== null) {
      this.cure = order
      this.suspended = null
    }
    this.woken = true
    this.wake()
  }

  /** Ends after a `stop`, or when the copy cannot be continued. */
  async run(): Promise<void> {
    if (!(await this.open())) return
    while (!this.mayStop()) {
      this.woken = false
      const more = this.suspended === null && this.slice()
      this.progress()
      this.checkpointSometimes()
      if (this.ahead() > AHEAD_BYTES_MAX) await this.checkpointing
      if (this.failure !== null) throw this.failure
      if (more) await turn()
      else if (!this.mayStop()) await this.sleep()
    }
    await this.end()
  }

  /** False: nothing can be done here. */
  private async open(): Promise<boolean> {
    for (;;) {
      try {
        const { marks, from, changes, lost } = recover(this.redo, this.directory, this.checkpoint, this.hard)
        this.tell({ kind: 'opened', changes, lost })
        if (lost !== null) return false
        this.redo.markFor(marks)
        this.marks = marks
        this.from = from
        this.save({ ...this.checkpoint, clean: false, bootId: bootId() })
        this.suspended = null
        this.progress()
        return true
      } catch (error) {
        this.suspend(error)
        this.tell({ kind: 'opened', changes: 0, lost: null })
        this.progress()
        while (this.suspended !== null && this.stopping === null) {
          this.woken = false
          await this.sleep()
          // Room comes without anybody saying so.
          if (this.waitsForRoom()) break
        }
        if (this.stopping === null) continue
        this.tell({ kind: 'stopped', drained: false, why: (error as Error).message })
        return false
      }
    }
  }

  private marks: ReturnType<typeof recover>['marks'] = []

  private mayStop(): boolean {
    if (this.stopping === null) return false
    return !this.stopping.drain || this.suspended !== null || this.drained()
  }

  private drained(): boolean {
    return this.entry === null && this.reader.end().position >= this.hard && this.reader.point().frame >= this.reader.end().position
  }

  /** False: there is nothing left for now. */
  private slice(): boolean {
    for (const until = performance.now() + SLICE_MS; performance.now() < until; ) {
      this.entry ??= this.reader.read(this.hard)
      if (this.entry === null) return this.nothingLeft()
      try {
        this.one(this.entry)
      } catch (error) {
        this.suspend(error)
        return false
      }
      this.entry = null
    }
    return true
  }

  private nothingLeft(): false {
    if (this.drained()) return false
    throw dataError('E_REDO_LOG', { directory: this.directory, why: `it cannot be read at ${this.reader.end().position}` })
  }

  private one(entry: LogEntry): void {
    if (this.cure !== null && entry.position >= this.cure.position) this.cured(this.cure)
    const after = fold(this.state, entry)
    if (this.cure !== null) return void (this.state = after)
    if (entry.kind === 'frame') {
      const { body } = entry.frame
      if (this.isStep(body) && entry.position >= (this.from[body.folder] ?? 0)) {
        this.redo.tolerant = isTolerant({ ...this.state, healing: this.state.healing ?? after.healing })
        this.redo.apply(body, entry.position)
      }
    }
    if (this.state.healing !== null && after.healing === null) this.checkpointWanted = true
    this.state = after
  }

  private cured({ healing }: RedoOrder & { do: 'cure' }): void {
    this.cure = null
    this.state = { ...this.state, healing }
    this.makeHard(false)
  }

  /** What else could be in the log the receiver has refused. */
  private isStep(body: FrameBody): body is Parameters<Redo['apply']>[0] {
    return !('payload' in body) && body.kind !== 'ack' && body.kind !== 'keepalive' && body.kind !== 'barrier' && body.kind !== 'differs'
  }

  private suspend(error: unknown): void {
    const { report } = error instanceof ReportError ? error : dataError('E_REDO', { job: this.job, kind: 'work', path: '', why: (error as Error).message })
    this.suspended = { code: report.code, message: report.message }
  }

  /** The disk of the log is full: the checkpoint of before counts, and another one is tried from time to time. */
  private waitsForRoom(): boolean {
    return this.suspended?.code === NO_ROOM
  }

  private progress(): void {
    const { suspended } = this
    const position = this.pointNow(false).frame
    const text = `${position} ${suspended?.message}`
    if (text === this.said) return
    this.said = text
    this.tell({ kind: 'progress', position, lsn: this.state.lsn, suspended })
  }

  private async sleep(): Promise<void> {
    if (this.woken) return
    let timer: NodeJS.Timeout | null = null
    await new Promise<void>((resolve) => {
      this.wake = resolve
      timer = setTimeout(resolve, CHECKPOINT_MS)
    })
    clearTimeout(timer!)
  }

  /** Before the entry at hand, or behind it. */
  private pointNow(withIt: boolean): LogPoint {
    return this.entry === null || withIt ? this.reader.point() : this.reader.before(this.entry)
  }

  private snapshot(withIt = false): Checkpoint {
    const { lsn, session, healing, watched } = withIt && this.entry !== null ? fold(this.state, this.entry) : this.state
    return { ...this.checkpoint, point: this.pointNow(withIt), lsn, session, healing, watched }
  }

  private ahead(): number {
    return this.pointNow(false).frame - this.checkpoint.point.frame
  }

  private checkpointSometimes(): void {
    const ahead = this.ahead()
    const isTime = performance.now() - this.checkpointedAtMs >= CHECKPOINT_MS
    const due = (ahead >= CHECKPOINT_BYTES && !this.waitsForRoom()) || (ahead > 0 && isTime)
    if ((due || this.checkpointWanted) && this.checkpointing === null) this.checkpointing = this.checkpointInBackground()
  }

  /** Redo goes on meanwhile. */
  private async checkpointInBackground(): Promise<void> {
    this.checkpointWanted = false
    const checkpoint = this.snapshot()
    for (const { tree } of this.redo.folders) tree.linked.checkpointBegins()
    try {
      await this.redo.syncInBackground()
      // A later one may have been made at once meanwhile.
      if (checkpoint.point.frame >= this.checkpoint.point.frame) this.save(checkpoint)
      if (this.waitsForRoom()) this.suspended = null
    } catch (error) {
      if (!isNoRoom(error)) this.failure = error as Error
      else if (this.stopping === null) this.suspend(error)
    } finally {
      this.checkpointing = null
      this.checkpointedAtMs = performance.now()
      this.wake()
    }
  }

  private makeHard(withIt: boolean): void {
    try {
      this.redo.sync()
      for (const { tree } of this.redo.folders) tree.linked.checkpointBegins()
      this.save(this.snapshot(withIt))
    } catch (error) {
      this.failure = error as Error
      throw error
    }
  }

  private save(checkpoint: Checkpoint): void {
    saveCheckpoint(this.directory, checkpoint)
    this.checkpoint = checkpoint
    for (const { tree } of this.redo.folders) tree.linked.checkpointEnds()
    for (const mark of this.marks) mark.checkpoint(checkpoint.point.frame)
    this.tell({ kind: 'checkpoint', checkpoint })
  }

  /** Whoever has the folder next finds nothing of redo in it, and nothing that is not hard. */
  private async end(): Promise<void> {
    await this.checkpointing
    const drained = this.drained() && this.suspended === null
    let why: string | null = this.suspended?.message ?? null
    try {
      this.redo.sync()
      this.save({ ...this.snapshot(), clean: this.suspended === null })
      if (this.suspended === null) for (const { tree } of this.redo.folders) removeMarker(tree.root)
    } catch (error) {
      why = (error as Error).message
    }
    this.redo.close()
    this.reader.close()
    this.tell({ kind: 'stopped', drained, why })
  }
}
