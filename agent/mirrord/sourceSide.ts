import { Worker } from 'node:worker_threads'
import { setTimeout as delay } from 'node:timers/promises'
import { dataError } from '../../src/wire/frame'
import type { MirrordConfig } from '../../src/wire/mirrord'
import { workerFile } from '../native/programs'
import { startFolderCapture, type FolderCapture } from './folderCapture'
import type { Safety } from '../../src/model'
import type { CheckMode } from '../../src/wire/frameFields'
import type { CopyStateFile } from './copyState'
import { firstLsn, lowerCeiling, raiseCeiling } from './order/lsnCeiling'
import { SharedOrderedLog } from './order/sharedOrderedLog'
import type { SenderView } from './stream/sender'
import type { SenderData, SenderNews, SenderOrder } from './stream/sender.worker'
import { WalkThread } from './walk/walkThread'

const DRAIN_POLL_MS = 10
/** How often the session is looked at. */
const TICK_MS = 100
/** After capture has stopped, the last changes get so long to reach the target. */
const LAST_CHANGES_MS = 2_000

export interface SideHooks {
  say(line: string): void
  /** Capture, or a thread, can no longer be trusted. */
  fault(code: string, message: string): void
}

/** A job's data on its source: captures, the order, the walk and the sender. */
export class SourceSide {
  readonly log: SharedOrderedLog
  private readonly walkThread = new WalkThread()
  readonly walk = this.walkThread.control
  view: SenderView | null = null
  walkFailure: string | null = null
  private captures: FolderCapture[] = []
  private sender: Worker | null = null
  private senderEnded: Promise<void> = Promise.resolve()
  private stopping = false
  private heldBack = false

  constructor(
    private readonly config: MirrordConfig,
    readonly roleSequence: number,
    private readonly state: CopyStateFile,
    private readonly hooks: SideHooks
  ) {
    const first = firstLsn(state)
    raiseCeiling(state, first)
    this.log = SharedOrderedLog.create({ queueBytes: config.queueBytes, firstLsn: first })
    this.log.setWatching(config.capture === 'watch')
    this.log.setFull(state.get().safety === 'full')
  }

  private readonly ticking = setInterval(() => raiseCeiling(this.state, this.log.lsn()), TICK_MS)

  /** `equal`: the target has all there is, so the stream begins with the first write and no mirror is needed. */
  async start(equal: boolean): Promise<void> {
    const startLsn = equal ? this.log.startStream(this.roleSequence) : null
    try {
      for (const [folder, { path, exclude }] of this.config.folders.entries()) {
        this.captures.push(await startFolderCapture(this.config.capture, { folder, path, exclude, log: this.log }))
      }
    } catch (error) {
      for (const capture of this.captures.splice(0)) await capture.stop({ force: true }).catch(() => undefined)
      throw error
    }
    for (const capture of this.captures) {
      capture.onFault(({ code, message }) => this.hooks.fault(code, message))
      capture.onNeedsMirror((why) => this.needsMirror(why))
    }
    this.startWalker()
    this.startSender(startLsn, equal)
  }

  private startWalker(): void {
    const folders = this.config.folders.map(({ exclude }, index) => ({ root: this.captures[index]!.underlyingDirectory, exclude }))
    const { log, config } = this
    const given = { log, folders, watching: config.capture === 'watch', dataDirectory: config.dataDirectory }
    const worker = this.walkThread.start(given, (why) => {
      this.walkFailure = why
      this.hooks.say(`the walk failed: ${why}`)
    })
    this.watchThread(worker, 'walk')
  }

  private startSender(startLsn: number | null, peerCopyComplete: boolean): void {
    const workerData: SenderData = {
      config: this.config,
      shared: this.log.shared,
      control: this.walk.shared,
      start: { roleSequence: this.roleSequence, startLsn, peerCopyComplete }
    }
    const worker = new Worker(workerFile('sender'), { workerData })
    this.sender = worker
    this.senderEnded = new Promise((resolve) => worker.once('exit', () => resolve()))
    worker.on('message', (news: SenderNews) => this.onNews(news))
    this.watchThread(worker, 'sender')
  }

  private watchThread(worker: Worker, thread: string): void {
    const died = (why: string): void => {
      if (!this.stopping) this.hooks.fault('E_THREAD', dataError('E_THREAD', { thread, why }).message)
    }
    worker.on('error', (error) => died(error.message))
    worker.on('exit', (code) => died(`exit code ${code}`))
  }

  private onNews(news: SenderNews): void {
    if (news.kind === 'view') this.view = news.view
    if (news.kind === 'say') this.hooks.say(news.line)
    if (news.kind === 'mirrorWanted') this.mirrorWanted()
  }

  /** A mirror that an administrator has stopped begins again when he says so, not by itself. */
  private mirrorWanted(): void {
    if (this.heldBack) this.hooks.say('the full mirror was stopped by an administrator and waits for `mirror start`')
    else this.startWalk()
  }

  private startWalk(): void {
    this.heldBack = false
    this.walkFailure = null
    this.walkThread.mirror()
  }

  private needsMirror(why: string): void {
    this.hooks.say(`a full mirror is needed: ${why}`)
    if (this.log.streamState() === 'wanted') this.mirrorWanted()
  }

  mirror(action: 'start' | 'stop' | 'pause' | 'resume'): void {
    if (action === 'pause' || action === 'resume') return this.walk.pause(action === 'pause')
    if (action === 'stop') return this.stopMirror()
    this.heldBack = false
    const inSession = this.view?.connected === true && this.view.needToVerify !== 'Manually'
    if (inSession) this.startWalk()
    else this.tellSender('forceMirror')
  }

  private stopMirror(): void {
    if (this.walk.state() === 'idle' && this.view?.needToVerify === 'No') return
    this.heldBack = true
    this.walkThread.stop()
  }

  verify(action: 'start' | 'stop', mode: CheckMode): void {
    if (action === 'stop') return this.walk.order('stop')
    this.walk.order(mode === 'full' ? 'verify' : 'difference')
  }

  verifyReport(_from: number, _max: number): never {
    throw dataError('E_MIRRORD_REQUEST', { why: 'no comparison has run' })
  }

  transmit(_action: 'pause' | 'resume'): void {
    throw dataError('E_MIRRORD_REQUEST', { why: 'transmit is not known to this version' })
  }

  setBandwidth(_bytesPerSecond: number | null): void {
    throw dataError('E_MIRRORD_REQUEST', { why: 'bandwidth is not known to this version' })
  }

  setSafety(safety: Safety): void {
    this.log.setFull(safety === 'full')
  }

  expose(): void {
    this.log.openGate()
  }

  selectSource(): void {
    this.tellSender('forceMirror')
  }

  private tellSender(order: SenderOrder): void {
    this.sender?.postMessage(order)
  }

  /** The target has applied all that is in the order now. */
  private upToDate(goal: number): boolean {
    const { view } = this
    return view?.connected === true && view.targetComplete && view.targetAppliedLsn >= goal && this.log.streamState() === 'wanted'
  }

  async drain(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (const capture of this.captures) await capture.flushTimes()
    while (!this.walkedAll() && performance.now() < deadline) await delay(DRAIN_POLL_MS)
    const goal = this.log.lsn()
    while (!this.upToDate(goal)) {
      if (performance.now() >= deadline) throw this.notDrained(goal, timeoutMs)
      await delay(DRAIN_POLL_MS)
    }
  }

  /** Watch capture: what it has marked has been walked. */
  private walkedAll(): boolean {
    return this.config.capture !== 'watch' || (this.log.revisits.empty() && !this.walk.isBusy())
  }

  private notDrained(goal: number, timeoutMs: number): Error {
    const { job } = this.config
    if (this.view?.connected !== true) return dataError('E_DRAIN_IMPOSSIBLE', { job, why: `${this.config.peerNode} is not connected` })
    if (!this.view.targetComplete) return dataError('E_DRAIN_IMPOSSIBLE', { job, why: `the copy on ${this.config.peerNode} is not complete` })
    return dataError('E_DRAIN_TIMEOUT', { job, timeoutMs, behind: goal - this.view.targetAppliedLsn })
  }

  /** Unmounts first: a busy folder refuses, and nothing has changed then. Answers whether the target has everything. */
  async stop(force: boolean): Promise<boolean> {
    while (this.captures.length > 0) {
      await this.captures[0]!.stop({ force })
      this.captures.shift()
    }
    this.stopping = true
    const goal = this.log.lsn()
    const deadline = performance.now() + LAST_CHANGES_MS
    const hopeful = (): boolean => this.view?.connected === true && this.view.targetComplete
    while (hopeful() && !this.upToDate(goal) && performance.now() < deadline) await delay(DRAIN_POLL_MS)
    const clean = this.upToDate(goal)
    this.walkThread.exit()
    this.tellSender('stop')
    await this.senderEnded
    clearInterval(this.ticking)
    lowerCeiling(this.state, this.log)
    return clean
  }
}
