import type { Order, Outcome } from '../../src/core'
import type { JobRecord } from '../../src/model'
import { done, failed, statusOf, type FakeData } from './machine'
import { A, B } from './pairConfig'
import { type FakeNode, machineOf } from './fakeNode'
import type { World } from './world'

const MIRROR_MS = 2_000
const CONNECT_MS = 100
/** Safety FULL waits so long for a target before it asks to go on without. */
const PARTNER_TIMEOUT_MS = 4_000

/** The two data programs and the stream between them. `content` is the version of the folder: two that are equal have the same number. */
export class DataPlane {
  private epoch = 0
  private versions = 1
  private handwork = 0
  private servedHandwork = 0
  /** The last version of which somebody was told, under safety FULL, that it is durable. */
  private acknowledged = 0
  /** The newest role sequence in which somebody has begun to serve. */
  private servedSequence = 0

  constructor(
    private readonly world: World,
    private readonly job: string
  ) {}

  private of(node: FakeNode): FakeData {
    return machineOf(node, this.job).data
  }

  private foldersOf({ config }: FakeNode): string {
    return JSON.stringify(config.jobs[this.job]?.data?.folders ?? [])
  }

  change(node: FakeNode, order: Extract<Order, { do: 'source' | 'target' | 'stopData' }>, roleSequence: number): Outcome {
    const data = this.of(node)
    const role = order.do === 'stopData' ? 'none' : order.do
    if (order.do === 'source') Object.assign(data, { safety: order.safety, safetySequence: order.safetySequence })
    if (data.role === role && data.roleSequence === roleSequence) return done(null)
    this.disconnect()
    if (data.role === 'none') data.folders = this.foldersOf(node)
    data.role = role
    if (role !== 'target') data.copyKnown = false
    data.manually = data.forced = data.alone = data.paused = false
    if (order.do !== 'stopData') data.roleSequence = roleSequence
    data.running = true
    if (order.do === 'source') this.becomeSource(node, order.peerCopyComplete)
    this.tell(node)
    this.later()
    return done(null)
  }

  private becomeSource(node: FakeNode, peerCopyComplete: boolean): void {
    const data = this.of(node)
    data.peerCopyComplete = peerCopyComplete
    data.claimedContent = data.content
    data.sourceSequence = data.roleSequence
    this.servesFrom(node)
    this.close(node)
    if (data.safety === 'full' && !peerCopyComplete) data.exposure = 'wanted'
  }

  /** It goes on with the folders that are configured now; what is known of the copy was known of others. */
  rebuild(node: FakeNode): Outcome {
    const data = this.of(node)
    if (!data.running) return done(null)
    const isOther = data.role !== 'none' && data.folders !== this.foldersOf(node)
    this.disconnect()
    data.folders = this.foldersOf(node)
    data.paused = false
    if (isOther && data.role === 'target') data.copyComplete = false
    if (isOther && data.role === 'source') this.servesOther(node)
    this.tell(node)
    this.later()
    return done(statusOf(data))
  }

  /** What is in the folders from now on was never on the other side: as much is undone by a takeover there as of what was made by hand. */
  private servesOther(node: FakeNode): void {
    const data = this.of(node)
    data.peerCopyComplete = false
    data.content = this.handwork = this.nextVersion()
    this.servesFrom(node)
  }

  differs(node: FakeNode): { differs?: true } {
    const data = this.of(node)
    return data.role !== 'none' && data.folders !== this.foldersOf(node) ? { differs: true } : {}
  }

  /** What was not sent meanwhile is compared afterwards. */
  transmit(node: FakeNode, action: 'pause' | 'resume'): Outcome {
    const data = this.of(node)
    if (data.role !== 'source') return failed('it is not the source')
    data.paused = action === 'pause'
    this.holdBack(node)
    if (data.paused && data.exposure === 'protected') data.exposure = 'wanted'
    this.tell(node)
    if (data.paused) return done(null)
    this.disconnect()
    this.later()
    return done(null)
  }

  /** The target says so when it is asked next. */
  private holdBack(node: FakeNode): void {
    if (this.of(node).connected) this.of(this.world.other(node)).heldBack = this.of(node).paused
  }

  /** The disk of the target takes nothing more of what it has received. */
  redoFails(): void {
    const ends = this.ends()
    if (!ends) return
    const [from, to] = [this.of(ends.source), this.of(ends.target)]
    from.redoFails = to.redoFails = true
    if (from.exposure === 'protected') from.exposure = 'wanted'
    this.tell(ends.source)
    this.tell(ends.target)
  }

  /** Safety FULL: nothing is acknowledged without the target, until that may be. */
  private close(node: FakeNode): void {
    const data = this.of(node)
    data.exposure = data.safety === 'off' ? 'granted' : 'protected'
    const closed = (data.closed += 1)
    this.world.after(PARTNER_TIMEOUT_MS, () => {
      if (data.closed !== closed || data !== this.of(node) || data.role !== 'source' || data.connected || data.exposure !== 'protected') return
      data.exposure = 'wanted'
      this.tell(node)
    })
  }

  expose(node: FakeNode, roleSequence: number): Outcome {
    const data = this.of(node)
    if (data.role !== 'source' || data.roleSequence !== roleSequence) return failed('it is not the source')
    if (data.exposure === 'wanted' || (data.exposure === 'protected' && !data.connected)) {
      data.exposure = 'granted'
      // What a forced owner acknowledges before a voter has recorded it is promised by its administrator alone.
      data.alone = this.world.hasQuorum(node, this.job) ? Boolean(node.disk?.[this.job]?.forced) : !this.isRecordedThere(node)
    }
    this.tell(node)
    return done(null)
  }

  setSafety(node: FakeNode, order: Extract<Order, { do: 'safety' }>): Outcome {
    const data = this.of(node)
    if (data.role !== 'source') return failed('it is not the source')
    data.safety = order.safety
    data.safetySequence = order.safetySequence
    data.exposure = order.safety === 'off' ? 'granted' : data.connected && data.mirroring ? 'wanted' : 'protected'
    if (!data.connected) this.close(node)
    this.tell(node)
    return done(null)
  }

  /** What was held for the want of a lease goes on. */
  lease(node: FakeNode, leased: boolean): void {
    const data = this.of(node)
    if (data.leased === leased) return
    data.leased = leased
    this.later()
  }

  select(node: FakeNode): Outcome {
    const data = this.of(node)
    if (data.role !== 'source') return failed('it is not the source')
    data.forced = true
    this.acknowledged = 0
    this.later()
    return done(null)
  }

  /**
   * What an administrator changed, and what was served since, is never undone by a takeover with an older copy: as long as the
   * other node was there to hear of it. In the guide's mode one that was cut off may hold a higher role sequence already.
   */
  private servesFrom(node: FakeNode): void {
    const { content } = this.of(node)
    if (this.declaredRight(node)) this.servedHandwork = this.acknowledged = 0
    this.servedSequence = Math.max(this.servedSequence, node.disk?.[this.job]?.roleSequence ?? 0)
    // Where the other one was forced to serve there are two truths, and both records say Manually.
    if (this.world.other(node).disk?.[this.job]?.forced) return
    if (content < this.servedHandwork)
      throw new Error(`${node.name} serves version ${content}; version ${this.servedHandwork}, made by hand, was served before`)
    if (content < this.acknowledged) throw new Error(`${node.name} serves version ${content}; version ${this.acknowledged} was acknowledged with safety FULL`)
    const nodes = Object.values(this.world.nodes)
    // Also what has been decided, and is on its way to the disk.
    const newest = nodes.every(({ disk, state }) =>
      [disk?.[this.job], state?.jobs[this.job]?.record].every((record) => (record?.roleSequence ?? 0) <= (node.disk?.[this.job]?.roleSequence ?? 0))
    )
    // An order of before, which ends when the other one has said that it owns the job, is stopped again.
    const owns = node.disk?.[this.job]?.owner === node.name
    const heard = owns && newest && this.world.network.reachesBothWays() && nodes.every(({ state }) => state !== null)
    if (content === this.handwork && heard) this.servedHandwork = content
  }

  private declaredRight({ name, disk }: FakeNode): boolean {
    const record = disk?.[this.job]
    return record !== undefined && (isForced(record) || record.selectedSequence === record.roleSequence || this.isUnusedWord(name, record))
  }

  /** It was declared right in a role sequence in which it never came to serve; nobody has served in a newer one. */
  private isUnusedWord(name: string, { selectedSequence, history }: JobRecord): boolean {
    const isOfIt = history.some(({ roleSequence, owner }) => roleSequence === selectedSequence && owner === name)
    return isOfIt && selectedSequence > this.servedSequence
  }

  drain(node: FakeNode): Outcome {
    const data = this.of(node)
    if (!data.connected || data.mirroring || data.paused) return failed('the target is not connected')
    this.of(this.world.other(node)).content = data.content
    return done(null)
  }

  later(): void {
    this.world.after(CONNECT_MS, () => this.connect())
  }

  private ends(): { source: FakeNode; target: FakeNode } | null {
    const [a, b] = [this.world.node(A), this.world.node(B)]
    const pair = (source: FakeNode, target: FakeNode) => {
      const [from, to] = [this.of(source), this.of(target)]
      return from.role === 'source' && to.role === 'target' && from.roleSequence === to.roleSequence ? { source, target } : null
    }
    return pair(a, b) ?? pair(b, a)
  }

  private connect(): void {
    const ends = this.ends()
    if (!ends || !this.world.network.dataReachable() || !this.world.guard.maySource(ends.source, this.job)) return this.disconnect()
    const [from, to] = [this.of(ends.source), this.of(ends.target)]
    // Folders go by their places: what belongs to one is never taken for another one's.
    if (from.folders !== to.folders) return this.disconnect()
    if (from.connected && to.connected) return
    if (to.exposed && to.sourceSequence < from.roleSequence && !from.forced) return this.disagree(ends)
    this.epoch += 1
    from.manually = to.manually = false
    from.connected = to.connected = true
    to.safety = from.safety
    from.mirroring = to.mirroring = !from.peerCopyComplete
    from.mirrorStopped = to.mirrorStopped = false
    to.copyComplete = from.peerCopyComplete
    to.copyKnown = true
    if (from.peerCopyComplete) adoptCopy(from, to, ends.target.name)
    else this.mirrorLater(ends.source, ends.target)
    if (from.safety === 'full' && !from.mirroring && !from.paused) from.exposure = 'protected'
    else if (from.exposure !== 'granted') from.exposure = 'wanted'
    this.tell(ends.source)
    this.tell(ends.target)
  }

  /** The returning side holds what it acknowledged alone: nothing is overwritten before somebody has decided. */
  private disagree({ source, target }: { source: FakeNode; target: FakeNode }): void {
    if (this.of(source).manually) return
    this.of(source).manually = this.of(target).manually = true
    this.tell(source)
    this.tell(target)
  }

  private mirrorLater(source: FakeNode, target: FakeNode): void {
    const { epoch } = this
    this.world.after(MIRROR_MS, () => {
      if (epoch !== this.epoch || !source.up || !target.up || !this.world.network.dataReachable() || this.of(source).paused) return
      const [from, to] = [this.of(source), this.of(target)]
      from.mirroring = to.mirroring = false
      from.peerCopyComplete = to.copyComplete = true
      from.forced = from.exposed = to.exposed = false
      to.content = from.content
      if (from.safety === 'full') from.exposure = 'protected'
      this.tell(source)
      this.tell(target)
    })
  }

  disconnect(): void {
    this.epoch += 1
    for (const node of Object.values(this.world.nodes)) {
      const data = this.of(node)
      if (!data.connected) continue
      data.mirrorStopped = data.role === 'source' && data.mirroring
      data.connected = data.mirroring = data.redoFails = data.heldBack = false
      if (data.role === 'source') {
        data.peerCopyComplete = false
        if (data.exposure !== 'granted') this.close(node)
      }
      this.tell(node)
    }
  }

  tell(node: FakeNode): void {
    this.world.emit(node, { kind: 'dataStatusChanged', job: this.job, status: statusOf(this.of(node)) })
  }

  /** The application writes; a connected target that is not being mirrored has it at once. With safety FULL it waits where it has to. */
  write(): void {
    for (const node of Object.values(this.world.nodes)) {
      const { data, applications } = machineOf(node, this.job)
      if (data.role !== 'source' || applications.size === 0 || !this.world.guard.maySource(node, this.job)) continue
      const to = this.of(this.world.other(node))
      const received = data.connected && !data.mirroring && !data.paused && !data.redoFails && to.connected
      if (!received && data.exposure !== 'granted') continue
      data.content = this.nextVersion()
      if (received) to.content = data.content
      if (!data.connected || data.paused || data.redoFails) data.exposed = true
      this.world.options.served?.(node, 'acknowledges a write', this.job)
      if (data.safety === 'full' && (received || !data.alone)) this.acknowledged = data.content
    }
  }

  /**
   * The exception of the guide's mode: an owner whose peer is dead by its heartbeats records alone that the mirror is not in sync. If
   * the peer lives all the same and takes over, what was acknowledged in between is not there; both records then say Manually.
   */
  private isRecordedThere(node: FakeNode): boolean {
    const theirs = this.world.other(node)
    const record = theirs.disk?.[this.job]
    // What else bars it now may be over in a moment: a full mirror that was told of late, or has ended and is not in the record yet.
    // And one that sleeps has not heard all that was said before.
    const barred = record && !theirs.paused && (!record.mirrorInSync || !(record.copyComplete || this.of(theirs).copyComplete))
    return record?.roleSequence === this.of(node).roleSequence && record.owner === node.name && barred === true
  }

  /** Somebody works in a folder that is an ordinary one just now. */
  changeByHand(node: FakeNode): void {
    if (!node.up || this.of(node).role !== 'none') return
    this.handwork = this.nextVersion()
    this.of(node).content = this.handwork
  }

  private nextVersion(): number {
    this.versions += 1
    return this.versions
  }

  /** The job is taken out: what stays in its folders here is nobody's copy of anything. */
  forget(node: FakeNode): void {
    this.of(node).content = this.nextVersion()
    this.acknowledged = this.handwork = this.servedHandwork = this.servedSequence = 0
  }

  dies(node: FakeNode): void {
    const data = this.of(node)
    if (data.role === 'none') return
    this.disconnect()
    data.role = 'none'
    this.world.emit(node, { kind: 'dataLost', job: this.job, why: 'its program died' })
  }
}

/** What is missing then was said before, and nothing is overwritten. */
const isForced = ({ takeReason, needToVerify }: JobRecord): boolean => takeReason === 'forced' && needToVerify === 'Manually'

/** The claim that the target has all of it is tested for what it says. */
function adoptCopy(from: FakeData, to: FakeData, target: string): void {
  if (to.content !== from.claimedContent)
    throw new Error(`the copy of ${target} was claimed to be equal (version ${from.claimedContent}) and is not (${to.content})`)
  to.content = from.content
  from.exposed = to.exposed = false
}
