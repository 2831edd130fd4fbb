import type { Order, Outcome } from '../../src/core'
import { done, failed, statusOf, type FakeData } from './machine'
import { A, B, JOB } from './pairConfig'
import type { FakeNode, World } from './world'

const MIRROR_MS = 2_000
const CONNECT_MS = 100

/** The two data programs and the stream between them. `content` is the version of the folder: two that are equal have the same number. */
export class DataPlane {
  private epoch = 0
  private versions = 1
  private handwork = 0
  private servedHandwork = 0

  constructor(private readonly world: World) {}

  change(node: FakeNode, order: Extract<Order, { do: 'source' | 'target' | 'stopData' }>, roleSequence: number): Outcome {
    const { data } = node.machine
    const role = order.do === 'stopData' ? 'none' : order.do
    if (data.role === role && data.roleSequence === roleSequence) return done(null)
    this.disconnect()
    data.role = role
    if (order.do !== 'stopData') data.roleSequence = roleSequence
    data.running = true
    if (order.do === 'source') {
      data.peerCopyComplete = order.peerCopyComplete
      data.claimedContent = data.content
      this.servesFrom(node)
    }
    this.tell(node)
    this.later()
    return done(null)
  }

  /**
   * What an administrator changed, and what was served since, is never undone by a takeover with an older copy: as long as the
   * other node was there to hear of it. In the guide's mode one that was cut off may hold a higher role sequence already.
   */
  private servesFrom(node: FakeNode): void {
    const { content } = node.machine.data
    if (content < this.servedHandwork)
      throw new Error(`${node.name} serves version ${content}; version ${this.servedHandwork}, made by hand, was served before`)
    const heard = this.world.reachable() && Object.values(this.world.nodes).every(({ state }) => state !== null)
    if (content === this.handwork && heard) this.servedHandwork = content
  }

  drain(node: FakeNode): Outcome {
    const { data } = node.machine
    if (!data.connected || data.mirroring) return failed('the target is not connected')
    this.world.other(node).machine.data.content = data.content
    return done(null)
  }

  later(): void {
    this.world.after(CONNECT_MS, () => this.connect())
  }

  private ends(): { source: FakeNode; target: FakeNode } | null {
    const [a, b] = [this.world.node(A), this.world.node(B)]
    const pair = (source: FakeNode, target: FakeNode) => {
      const [from, to] = [source.machine.data, target.machine.data]
      return from.role === 'source' && to.role === 'target' && from.roleSequence === to.roleSequence ? { source, target } : null
    }
    return pair(a, b) ?? pair(b, a)
  }

  private connect(): void {
    const ends = this.ends()
    if (!ends || !this.world.dataReachable()) return this.disconnect()
    const [from, to] = [ends.source.machine.data, ends.target.machine.data]
    if (from.connected && to.connected) return
    this.epoch += 1
    from.connected = to.connected = true
    from.mirroring = to.mirroring = !from.peerCopyComplete
    if (from.peerCopyComplete) adoptCopy(from, to, ends.target.name)
    else this.mirrorLater(ends.source, ends.target)
    to.copyComplete = from.peerCopyComplete
    this.tell(ends.source)
    this.tell(ends.target)
  }

  private mirrorLater(source: FakeNode, target: FakeNode): void {
    const { epoch } = this
    this.world.after(MIRROR_MS, () => {
      if (epoch !== this.epoch || !source.up || !target.up || !this.world.dataReachable()) return
      const [from, to] = [source.machine.data, target.machine.data]
      from.mirroring = to.mirroring = false
      from.peerCopyComplete = to.copyComplete = true
      to.content = from.content
      this.tell(source)
      this.tell(target)
    })
  }

  disconnect(): void {
    this.epoch += 1
    for (const node of Object.values(this.world.nodes)) {
      const { data } = node.machine
      if (!data.connected) continue
      data.connected = data.mirroring = false
      if (data.role === 'source') data.peerCopyComplete = false
      this.tell(node)
    }
  }

  private tell(node: FakeNode): void {
    this.world.emit(node, { kind: 'dataStatusChanged', job: JOB, status: statusOf(node.machine.data) })
  }

  /** The application writes; a connected target that is not being mirrored has it at once. */
  write(): void {
    for (const node of Object.values(this.world.nodes)) {
      const { data, applications } = node.machine
      if (data.role !== 'source' || applications.size === 0) continue
      data.content = this.nextVersion()
      const to = this.world.other(node).machine.data
      if (data.connected && !data.mirroring && to.connected) to.content = data.content
    }
  }

  /** Somebody works in a folder that is an ordinary one just now. */
  changeByHand(node: FakeNode): void {
    if (!node.up || node.machine.data.role !== 'none') return
    this.handwork = this.nextVersion()
    node.machine.data.content = this.handwork
  }

  private nextVersion(): number {
    this.versions += 1
    return this.versions
  }

  dies(node: FakeNode): void {
    const { data } = node.machine
    if (data.role === 'none') return
    this.disconnect()
    data.role = 'none'
    this.world.emit(node, { kind: 'dataLost', job: JOB, why: 'its program died' })
  }
}

/** The claim that the target has all of it is tested for what it says. */
function adoptCopy(from: FakeData, to: FakeData, target: string): void {
  if (to.content !== from.claimedContent)
    throw new Error(`the copy of ${target} was claimed to be equal (version ${from.claimedContent}) and is not (${to.content})`)
  to.content = from.content
}
