import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Safety } from '../../src/model'
import { dataError } from '../../src/wire/frame'
import type { CheckMode } from '../../src/wire/frameFields'
import type { LiveMirrordConfig, MirrordConfig, SessionView } from '../../src/wire/mirrord'
import { startThread } from '../native/programs'
import { isBeingKilled } from '../adapters/processes'
import type { Restored } from './capture/table/restore'
import type { CopyStateFile } from './copyState'
import { dirtyDirectory, openDirtyMap, type DirtyMap } from './dirty/dirtyMap'
import { startFolderCapture, type FolderCapture } from './folderCapture'
import type { KeeperLink } from './keeper/keeperLink'
import type { Leases } from './leases'
import { firstLsn, lowerCeiling, raiseCeiling } from './order/lsnCeiling'
import { SharedOrderedLog } from './order/sharedOrderedLog'
import { refuseEarlier, refuseUsed, type Regrouping, undo } from './regroup'
import { SourceSession } from './sourceSession'
import { SourceWalks } from './sourceWalks'
import type { SenderView } from './stream/senderView'
import type { SenderData, SenderNews, SenderOrder } from './stream/sender.worker'
import { WalkThread } from './walk/walkThread'

const DRAIN_POLL_MS = 10
/** How often the session is looked at, beside each news of the sender. */
const TICK_MS = 100
/** After capture has stopped, the last changes get so long to reach the target. */
const LAST_CHANGES_MS = 2_000
/** Before a hand-over: applications are served meanwhile. */
const CATCH_UP_MS = 5_000
/** In it they wait: what the target has not got by then is compared afterwards. */
const HAND_OVER_CHANGES_MS = 1_000

export interface SideHooks {
  say(line: string): void
  /** Capture, or a thread, can no longer be trusted. */
  fault(code: string, message: string): void
  /** Serves on when this process dies; null: the mounts end with it. */
  keeper: KeeperLink | null
  /** By which numbers it holds the folders. */
  slots: readonly number[]
  leases: Leases
}

function servedAgain(path: string, { nodes, handles, lostHandles }: Restored): string {
  const lost = lostHandles === 0 ? '' : `; ${lostHandles} open files are not there any more, somebody changed the folder below the mount`
  return `${path} is served again, ${nodes} nodes, ${handles} open files${lost}`
}

/** A job's data on its source: captures, the order, the walk and the sender. */
export class SourceSide {
  readonly log: SharedOrderedLog
  view: SenderView | null = null
  beganEqual = false
  private readonly walkThread = new WalkThread()
  readonly walk = this.walkThread.control
  readonly walks: SourceWalks
  private readonly session: SourceSession
  private captures: FolderCapture[] = []
  private sender: Worker | null = null
  private senderEnded: Promise<void> = Promise.resolve()
  private stopping = false
  private ticking: NodeJS.Timeout | null = null

  /** `peerCopyComplete`: the engine has recorded so. */
  constructor(
    private config: MirrordConfig,
    readonly roleSequence: number,
    peerCopyComplete: boolean,
    private readonly state: CopyStateFile,
    private readonly hooks: SideHooks
  ) {
    const first = firstLsn(state)
    raiseCeiling(state, first)
    this.log = SharedOrderedLog.create({ queueBytes: config.queueBytes, firstLsn: first })
    this.log.setWatching(config.capture === 'watch')
    hooks.leases.use(this.log, roleSequence)
    const say = (line: string): void => hooks.say(line)
    this.session = new SourceSession(config.partnerTimeoutMs, roleSequence, this.log, state, peerCopyComplete, {
      say,
      tell: (news) => this.tellSender({ do: 'session', news })
    })
    this.walks = new SourceWalks(config, this.walkThread, state, { say, forceMirror: () => this.tellSender({ do: 'forceMirror' }) })
  }

  /**
   * `equal`: the target has all there is, so the stream begins with the first write and no mirror is needed. `keepMarks`: what earlier runs have marked here
   * may still be missing there.
   */
  async start(equal: boolean, keepMarks: boolean): Promise<void> {
    this.beganEqual = equal
    const startLsn = equal ? this.log.startStream(this.roleSequence) : null
    this.walks.dirtyLineage = this.state.get().lineage ?? randomUUID()
    const dirty = this.config.capture === 'fuse' ? await this.openDirty(!equal && keepMarks) : null
    try {
      for (const [folder, { path, exclude }] of this.config.folders.entries()) {
        const { keeper, slots } = this.hooks
        const onRestored = (restored: Restored): void => this.hooks.say(servedAgain(path, restored))
        const given = { folder, slot: slots[folder] ?? folder, path, exclude, log: this.log, keeper, onRestored }
        this.captures.push(await startFolderCapture(this.config.capture, { ...given, dirty: dirty?.forCapture(folder) }))
      }
    } catch (error) {
      for (const capture of this.captures.splice(0)) await capture.stop({ force: true }).catch(() => undefined)
      await dirty?.close()
      throw error
    }
    dirty?.serve(this.captures.map(({ underlyingDirectory }) => underlyingDirectory))
    this.walks.dirty = dirty
    for (const capture of this.captures) {
      capture.onFault(({ code, message }) => this.hooks.fault(code, message))
      capture.onNeedsMirror((why) => this.hooks.say(`what is marked is compared: ${why}`))
    }
    this.startWalker()
    this.startSender(startLsn)
    this.ticking = setInterval(() => this.tick(), TICK_MS)
  }

  private async openDirty(keep: boolean): Promise<DirtyMap> {
    const { dataDirectory, folders } = this.config
    const lineage = this.walks.dirtyLineage
    const dirty = await openDirtyMap({ directory: dirtyDirectory(dataDirectory), folders: folders.length, lineage, keep, lsn: () => this.log.lsn() })
    dirty.onLost((why, stuck) => {
      this.hooks.say(`the dirty map is not known for now: ${why}`)
      // Writes to new places wait until the disk of the state directory takes something again: rather the other node serves.
      if (stuck) this.hooks.fault('E_DIRTY_STUCK', dataError('E_DIRTY_STUCK', { job: this.config.job, why }).message)
    })
    return dirty
  }

  private startWalker(): void {
    const folders = this.config.folders.map(({ exclude }, index) => ({ root: this.captures[index]!.underlyingDirectory, exclude }))
    const { log, config } = this
    const given = { log, folders, watching: config.capture === 'watch', dataDirectory: config.dataDirectory }
    this.watchThread(
      this.walkThread.start(given, (why) => this.walks.failed(why)),
      'walk'
    )
  }

  private startSender(startLsn: number | null): void {
    const { config, roleSequence } = this
    const start = { roleSequence, startLsn, freshLineage: this.walks.dirtyLineage, ...this.walks.copy() }
    const workerData: SenderData = { config, shared: this.log.shared, control: this.walk.shared, differs: this.walkThread.differs.shared, start }
    const worker = startThread('sender', { workerData })
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
    if (news.kind === 'say') this.hooks.say(news.line)
    if (news.kind === 'begun') this.walks.begun(news.begun, news.dirty).catch((error: Error) => this.walks.failed(error.message))
    if (news.kind !== 'view') return
    this.view = news.view
    this.walks.look(news.view)
    this.tellCopy()
    this.session.look(news.view)
  }

  private tick(): void {
    try {
      raiseCeiling(this.state, this.log.lsn())
    } catch (error) {
      // There are millions left; it is tried again.
      this.hooks.say((error as Error).message)
    }
    this.session.look(this.view)
    this.tellCopy()
    this.log.waiters.giveUpKilled(isBeingKilled)
  }

  /** The sender decides how to go on with a target by this. */
  private tellCopy(): void {
    const copy = this.walks.copy()
    const text = JSON.stringify(copy)
    if (text !== this.saidCopy) this.tellSender({ do: 'copy', ...copy })
    this.saidCopy = text
  }

  private saidCopy = ''

  mirror(action: 'start' | 'stop' | 'pause' | 'resume'): void {
    this.walks.mirror(action)
  }

  verify(action: 'start' | 'stop', mode: CheckMode): Promise<void> {
    return this.walks.verify(action, mode)
  }

  transmit(action: 'pause' | 'resume'): void {
    this.tellSender({ do: 'transmit', paused: action === 'pause' })
  }

  setBandwidth(bytesPerSecond: number | null): void {
    this.tellSender({ do: 'bandwidth', bytesPerSecond })
  }

  reconfigure(live: LiveMirrordConfig): void {
    if (live.bandwidthBytesPerSecond !== this.config.bandwidthBytesPerSecond) this.setBandwidth(live.bandwidthBytesPerSecond)
    this.config = { ...this.config, ...live }
    this.session.partnerTimeoutMs = live.partnerTimeoutMs
    this.tellSender({ do: 'links', links: live.links })
  }

  setSafety(safety: Safety): void {
    this.session.setSafety(safety)
  }

  expose(roleSequence: number): { exposure: SessionView['exposure'] } {
    if (roleSequence !== this.roleSequence) throw dataError('E_ROLE_SEQUENCE_OLD', { job: this.config.job, asked: roleSequence, known: this.roleSequence })
    return { exposure: this.session.expose() }
  }

  selectSource(): void {
    if (this.view?.connected !== true) this.tellSender({ do: 'select' })
  }

  sessionView(): SessionView {
    return this.session.sessionView()
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
    await this.walked(deadline)
    // What is marked is one more change at least.
    if (!this.walkedAll()) throw this.notDrained(this.log.lsn() + 1, timeoutMs)
    const goal = this.log.lsn()
    while (!this.upToDate(goal)) {
      if (performance.now() >= deadline) throw this.notDrained(goal, timeoutMs)
      await delay(DRAIN_POLL_MS)
    }
  }

  /** Watch capture: resolves when what it has marked has been walked, or it is too late. */
  private async walked(deadline: number): Promise<void> {
    if (this.config.capture === 'watch') this.walks.makeWay()
    while (!this.walkedAll() && performance.now() < deadline) await delay(DRAIN_POLL_MS)
  }

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
    return this.endStream(LAST_CHANGES_MS)
  }

  /** What was written so far is at the target, if it follows: less is left to wait for when nobody serves. */
  async catchUp(): Promise<void> {
    for (const capture of this.captures) await capture.flushTimes()
    await this.untilUpToDate(performance.now() + CATCH_UP_MS)
  }

  refuseUsed(grouping: Regrouping): (string | null)[] {
    return refuseUsed(this.config.job, this.captures, grouping)
  }

  /**
   * Before a hand-over to other folders: what is new is mounted, what goes is unmounted. Nothing has changed when it rejects. Answers why it had to stop half
   * way: then all folders of now go on.
   */
  async regroup(grouping: Regrouping): Promise<Error | null> {
    const { added, gone } = grouping
    const devices = this.refuseUsed(grouping)
    const paused = this.view?.paused === true
    this.transmit('pause')
    const more: FolderCapture[] = []
    try {
      for (const each of added) more.push(await this.mountMore(each, more.length))
      for (const [at, { path }] of more.entries()) refuseEarlier(this.config.job, path, devices[at] ?? null)
      const half = await this.letGo(gone)
      if (half === null) this.captures.push(...more)
      else await undo(more)
      return half
    } catch (error) {
      await undo(more)
      if (!paused) this.transmit('resume')
      throw error
    }
  }

  private async mountMore({ path, exclude, slot }: Regrouping['added'][number], place: number): Promise<FolderCapture> {
    const { keeper } = this.hooks
    // Nobody is told of what is written there by this place: it is all compared later.
    const folder = this.config.folders.length + place
    const capture = await startFolderCapture('fuse', { folder, slot, path, exclude, log: this.log, keeper })
    capture.onFault(({ code, message }) => this.hooks.fault(code, message))
    const why = keeper?.whyNoSuccessor() ?? null
    if (why === null) return capture
    await undo([capture])
    throw dataError('E_HAND_OVER', { job: this.config.job, why })
  }

  private async letGo(gone: readonly number[]): Promise<Error | null> {
    for (const [already, place] of gone.entries()) {
      try {
        await this.captures[place]?.stop()
      } catch (error) {
        if (already === 0) throw error
        return error as Error
      }
    }
    return null
  }

  /** As `stop`, but the folders stay mounted for a successor. What is only watched changes unseen until it watches. */
  async handOver(): Promise<boolean> {
    for (const capture of this.captures) await capture.detach()
    return (await this.endStream(HAND_OVER_CHANGES_MS)) && this.config.capture !== 'watch'
  }

  /** The target has all that is in the order now; false: not by then, or it does not follow. */
  private async untilUpToDate(deadline: number): Promise<boolean> {
    const goal = this.log.lsn()
    const hopeful = (): boolean => this.view?.connected === true && this.view.targetComplete
    while (hopeful() && !this.upToDate(goal) && performance.now() < deadline) await delay(DRAIN_POLL_MS)
    return this.upToDate(goal)
  }

  private async endStream(changesMs: number): Promise<boolean> {
    await this.walks.dirty?.close()
    this.stopping = true
    const deadline = performance.now() + changesMs
    if (this.upToDate(0)) await this.walked(deadline)
    const clean = (await this.untilUpToDate(deadline)) && this.walkedAll()
    this.walkThread.exit()
    this.tellSender({ do: 'stop' })
    await this.senderEnded
    if (this.ticking !== null) clearInterval(this.ticking)
    lowerCeiling(this.state, this.log)
    return clean
  }
}
