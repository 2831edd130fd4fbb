import type { Worker } from 'node:worker_threads'
import type { Difference } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { dataError } from '../../../src/wire/frame'
import { startThread } from '../../native/programs'
import type { CopyStateFile } from '../copyState'
import type { RedoData } from '../redo/redo.worker'
import type { Problem, RedoNews, RedoOrder } from '../redo/redoRunner'
import type { Begin } from '../stream/hello'
import type { Checkpoint } from './checkpoint'
import { segmentOf } from './format'
import { logIsLost, openLog, type Cure, type OpenedLog } from './openLog'
import { RedoLog, type LogEnd } from './redoLog'
import { Segments } from './segments'

export interface TargetLogHooks {
  /** More is hard. */
  hard(): void
  /** More is applied, or redo has come to a stop, or goes on. */
  applied(): void
  /** A comparison has found this; said before the `applied` that covers it. */
  differs(difference: Difference): void
  say(line: string): void
  /** Nothing more can be received. */
  failed(error: Error): void
}

export interface Stopped {
  /** All that was hard in the log is applied. */
  drained: boolean
  why: string | null
}

/** What a target has received: the redo log, the thread that applies it, and what the copy's state file says of both. */
export class TargetLog {
  applied: LogEnd
  suspended: Problem | null = null
  private worker: Worker | null = null
  private incompleteSince: number
  private cure: Cure | null
  private stopped: ((stopped: Stopped) => void) | null = null
  private readonly log: RedoLog

  private constructor(
    private readonly opened: OpenedLog,
    private readonly copy: CopyStateFile,
    private readonly hooks: TargetLogHooks
  ) {
    const { directory, checkpoint, end, sequence } = opened
    this.applied = { position: checkpoint.point.frame, lsn: checkpoint.lsn }
    this.incompleteSince = opened.incompleteSince
    this.cure = opened.cure
    const segments = new Segments(directory, Buffer.from(checkpoint.logId, 'hex'))
    void segments.prepare(segmentOf(end.position))
    this.log = new RedoLog(directory, segments, end, sequence, {
      hard: ({ position }) => {
        this.order({ do: 'hard', position })
        hooks.hard()
      },
      failed: (error) => hooks.failed(error)
    })
  }

  /** Resolves when the folders are where redo can go on: after a crash that takes as long as the replay. */
  static async open(config: MirrordConfig, copy: CopyStateFile, hooks: TargetLogHooks): Promise<TargetLog> {
    if (logIsLost(config.dataDirectory, copy.get())) TargetLog.giveUp(config, copy, hooks, 'its redo log is gone, or damaged')
    const log = new TargetLog(openLog(config.dataDirectory, copy.get()), copy, hooks)
    const lost = await log.startRedo(config)
    if (lost === null) return log
    await log.log.close()
    TargetLog.giveUp(config, copy, hooks, lost)
    return TargetLog.open(config, copy, hooks)
  }

  /** On disk before the log is begun anew. */
  private static giveUp({ job }: MirrordConfig, copy: CopyStateFile, hooks: TargetLogHooks, why: string): void {
    hooks.say(dataError('E_REDO_NOT_EXACT', { job, why }).message)
    copy.update({ session: null, copyComplete: false })
  }

  get end(): LogEnd {
    return this.log.end
  }

  get hard(): LogEnd {
    return this.log.hard
  }

  /** Of the session that the log holds; null: none can be resumed. */
  session(): string | null {
    const { session } = this.copy.get()
    return session === this.sessionAtEnd ? session : null
  }

  private sessionAtEnd: string | null = null

  /** Received, and not applied yet. */
  queueBytes(): number {
    return Math.max(0, this.log.end.position - this.applied.position)
  }

  private startRedo({ job, folders }: MirrordConfig): Promise<string | null> {
    const { directory, checkpoint, end, state } = this.opened
    this.sessionAtEnd = state.session
    const workerData: RedoData = { job, folders, directory, checkpoint, hard: end.position }
    const worker = startThread('redo', { workerData })
    this.worker = worker
    return new Promise((resolve, reject) => {
      worker.on('message', (news: RedoNews) => {
        if (news.kind === 'opened') {
          if (news.changes > 0) this.hooks.say(`redo repeated ${news.changes} changes after an end in the middle of the work`)
          resolve(news.lost)
        } else this.heard(news)
      })
      worker.on('error', (error) => {
        reject(error)
        this.hooks.failed(error)
      })
      worker.once('exit', () => {
        this.worker = null
        this.stopped?.({ drained: false, why: 'the redo thread has ended' })
      })
    })
  }

  private order(order: RedoOrder): void {
    this.worker?.postMessage(order)
  }

  private heard(news: RedoNews): void {
    switch (news.kind) {
      case 'progress':
        this.applied = { position: news.position, lsn: news.lsn }
        this.suspended = news.suspended
        if (news.suspended !== null) this.cureIfPossible()
        return this.hooks.applied()
      case 'differs':
        return this.hooks.differs(news.difference)
      case 'checkpoint':
        return this.checkpoint(news.checkpoint)
      case 'stopped':
        return this.stopped?.(news)
      default:
    }
  }

  private checkpoint(checkpoint: Checkpoint): void {
    this.log.checkpoint(checkpoint)
    const { healing, point, lsn } = checkpoint
    if (healing !== null || point.frame < this.incompleteSince || this.copy.get().copyComplete) return
    this.copy.update({ copyComplete: true, appliedLsn: lsn })
    this.hooks.say('the copy is complete')
    this.hooks.applied()
  }

  /** Everything comes anew: what could not be applied is passed over. */
  private cureIfPossible(): void {
    if (this.suspended === null || this.cure === null || this.cure.position < this.applied.position) return
    this.copy.update({ copyComplete: false })
    this.incompleteSince = Math.max(this.incompleteSince, this.cure.position + 1)
    this.order({ do: 'cure', ...this.cure })
  }

  /** Redo tries again what it could not do. */
  retry(): void {
    if (this.suspended !== null) this.order({ do: 'retry' })
  }

  /** Frames that follow each other. */
  append(frames: readonly Uint8Array[], lsn: number): void {
    this.log.append(frames, lsn)
  }

  /** Before the frame with which everything begins anew is appended; what comes before it is appended. */
  beginsAnew(healing: Cure['healing']): void {
    this.cure = { position: this.log.end.position, healing }
    if (healing === 'mirror') this.incomplete()
    this.cureIfPossible()
  }

  /** On disk before the first change: a copy in the middle of a mirror is nobody's data. */
  private incomplete(): void {
    this.copy.update({ copyComplete: false })
    this.incompleteSince = this.log.end.position + 1
  }

  /** A session begins; its frames follow. Answers the position from which on what is hard belongs to it. */
  begin(begin: Begin): number {
    const { decision, session, lineage } = begin
    if (decision === 'mirror' || decision === 'verify' || decision === 'difference') this.incomplete()
    const sourceOf = decision === 'adopt' ? this.copy.get().sourceOf : []
    this.copy.update({ session, lineage, diverged: false, exposed: null, clean: false, sourceOf })
    if (decision === 'mirror' || decision === 'verify') this.cure = { position: this.log.end.position, healing: decision }
    const position = this.log.appendBegin(begin)
    this.sessionAtEnd = session
    this.log.flush()
    this.cureIfPossible()
    return position
  }

  /** Who sent it waits for it. */
  flush(): void {
    this.log.flush()
  }

  /** What is hard in the log is kept; `drain`: it is applied first. */
  async stop(drain: boolean): Promise<Stopped> {
    await this.log.close()
    const stopped = await new Promise<Stopped>((resolve) => {
      this.stopped = resolve
      if (this.worker === null) resolve({ drained: false, why: 'the redo thread has ended' })
      this.order({ do: 'stop', drain })
    })
    this.copy.update({ appliedLsn: this.applied.lsn, clean: stopped.why === null })
    return stopped
  }
}
