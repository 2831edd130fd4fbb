import type { Worker } from 'node:worker_threads'
import { dataError } from '../../src/wire/frame'
import type { LiveMirrordConfig, MirrordConfig } from '../../src/wire/mirrord'
import { startThread } from '../native/programs'
import { realPath } from './folderCapture'
import type { Stopped } from './redolog/targetLog'
import type { SideHooks } from './sourceSide'
import { makeReadOnly, makeWritable } from './standbyMount'
import type { ReceiverView } from './stream/receiverView'
import type { ReceiverData, ReceiverNews, ReceiverOrder } from './stream/receiver.worker'

/** While the redo log is applied before a takeover, the log says so often how much is left. */
const DRAIN_SAY_MS = 2_000
const MIB = 1024 * 1024

/** A job's data on its target: the receiver's thread, and the one that applies. */
export class TargetSide {
  view: ReceiverView | null = null
  private readonly worker: Worker
  private readonly ended: Promise<void>
  private stopping = false
  private stopped: Stopped = { drained: false, why: 'its thread has ended' }

  constructor(
    private readonly config: MirrordConfig,
    stateFile: string,
    private readonly hooks: SideHooks,
    { listen, ownMarks }: { listen: boolean; ownMarks: Uint8Array[] | null }
  ) {
    const workerData: ReceiverData = { config, stateFile, listen, ownMarks }
    this.worker = startThread('receiver', { workerData })
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve()))
  }

  /** Resolves when it listens, or will as soon as the addresses are there, and nobody else can change the copy. */
  async start(): Promise<void> {
    await this.startThread()
    for (const { path } of this.config.folders) {
      if (!makeReadOnly(realPath(path))) this.hooks.say(`${path} is not made read-only for others: that needs root`)
    }
  }

  /** Applies what a target, which ended in whatever way, has left in its redo log. */
  static async applyRest(config: MirrordConfig, stateFile: string, hooks: SideHooks): Promise<Stopped> {
    const side = new TargetSide(config, stateFile, hooks, { listen: false, ownMarks: null })
    await side.startThread()
    return side.stop({ drain: true })
  }

  private startThread(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.worker.on('message', (news: ReceiverNews) => {
        if (news.kind === 'say') this.hooks.say(news.line)
        if (news.kind === 'view') this.view = news.view
        if (news.kind === 'stopped') this.stopped = news.stopped
        if (news.kind === 'ready') resolve()
      })
      this.worker.on('error', (error) => {
        reject(error)
        if (!this.stopping) this.hooks.fault('E_THREAD', dataError('E_THREAD', { thread: 'receiver', why: error.message }).message)
      })
    })
  }

  reconfigure({ links, redoQueueBytes }: LiveMirrordConfig): void {
    const order: ReceiverOrder = { do: 'reconfigure', links, redoQueueBytes }
    this.worker.postMessage(order)
  }

  /** A drill: nothing is received or confirmed until then. */
  standStill(untilMs: number): void {
    const order: ReceiverOrder = { do: 'still', untilMs }
    this.worker.postMessage(order)
  }

  /**
   * Nothing more is received; the folders are ordinary ones again, and all in them is hard. `drain`: what was received and is hard in
   * the redo log is applied first, so that a source begins with all that was acknowledged; its first LSN is the state file's
   * `appliedLsn` then. `drained` false: some of it could not be applied, `why` says what stood in the way.
   */
  async stop({ drain }: { drain: boolean }): Promise<Stopped> {
    this.stopping = true
    const left = setInterval(() => this.hooks.say(`${Math.ceil((this.view?.redoQueueBytes ?? 0) / MIB)} MiB of the redo log are left to apply`), DRAIN_SAY_MS)
    const order: ReceiverOrder = { do: 'stop', drain }
    this.worker.postMessage(order)
    await this.ended
    clearInterval(left)
    if (this.stopped.why !== null) this.hooks.say(`the last changes are not applied, or not hard: ${this.stopped.why}`)
    for (const { path } of this.config.folders) makeWritable(realPath(path))
    return this.stopped
  }
}
