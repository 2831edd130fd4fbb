import type { Action } from '../../src/core'
import type { JobRecord } from '../../src/model'
import { JOB } from '../fakes/pairConfig'
import type { FakeNode } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import { isForced } from './forced'

/** After a cut has healed, or an engine has come back, both sides need so long to learn who serves. */
const RESOLVE_MS = 12_000

/** What must be true at every step, at every moment, and in the end. */
export class Promises {
  private readonly owners = new Map<number, string>()
  private excusedUntilMs = 0
  private blindUntilMs = 0
  private bothServed = false

  /** Before an action is carried out: the disk must already say so. */
  check(world: World, node: FakeNode, actions: Action[]): void {
    if (actions.length === 0) return
    const persisted = actions.find((action) => action.do === 'persist')
    if (persisted && actions[0] !== persisted) throw new Error('persist is not the first action')
    const record = (persisted?.records ?? node.disk)?.[JOB]
    if (record) this.oneOwner(record.roleSequence, record.owner)
    if (actions.some((action) => action.do === 'expose')) this.checkExpose(world, node, record)
    for (const action of actions) {
      if (action.do !== 'order' || !['source', 'raise', 'start'].includes(action.order.do)) continue
      if (record?.owner !== node.name) throw new Error(`${node.name} begins to serve and is not the owner on its disk at ${world.nowMs}`)
      if (record.roleSequence !== action.roleSequence) throw new Error('an order names another role sequence than the disk')
      if (record.errorFlag !== null) throw new Error(`${node.name} serves with an error flag`)
      if (!record.copyComplete) throw new Error(`${node.name} serves with an incomplete copy`)
      if (record.handover !== null) throw new Error(`${node.name} begins to serve while its handover is open`)
    }
  }

  /** Both have it on disk, or the peer is dead as far as anybody can tell. */
  private checkExpose(world: World, node: FakeNode, record: JobRecord | undefined): void {
    const theirs = world.other(node).disk?.[JOB]
    if (record?.mirrorInSync !== false) throw new Error(`${node.name} serves without the mirror and has not recorded it`)
    if (node.state?.peerAlive === 'up' && theirs?.roleSequence === record.roleSequence && theirs.mirrorInSync)
      throw new Error(`${node.name} serves without the mirror, which does not know it`)
  }

  /** What is on a disk never goes back. */
  saved(world: World, node: FakeNode, records: Record<string, JobRecord>): void {
    const [before, now] = [node.disk?.[JOB], records[JOB]]
    if (before && now && now.roleSequence < before.roleSequence) throw new Error(`the role sequence went back on the disk of ${node.name}`)
    if (now) this.oneOwner(now.roleSequence, now.owner)
    const given = world.other(node).disk?.[JOB]?.handover
    // What its owner has drained and handed over is whole, whatever was said of it meanwhile.
    const handedOver = given?.to === node.name && given.roleSequence === now?.roleSequence
    if (before && now && !handedOver && !isForced(node.name, before, now)) takesWhatIsWhole(node.name, before, now)
  }

  private oneOwner(roleSequence: number, owner: string): void {
    const known = this.owners.get(roleSequence)
    if (known !== undefined && known !== owner) throw new Error(`role sequence ${roleSequence} has two owners`)
    this.owners.set(roleSequence, owner)
  }

  /**
   * Without a witness both may serve only while they cannot hear each other, or one engine is away. And they can only come to it
   * while not even the VIP can be asked for.
   */
  checkMoment(world: World): void {
    const away = Object.values(world.nodes).some((node) => !node.state)
    if (!world.network.reachable() || away) this.excusedUntilMs = world.nowMs + RESOLVE_MS
    if (!world.network.pathWorks('service') || away) this.blindUntilMs = world.nowMs + RESOLVE_MS
    const both = world.serving().length > 1
    if (both && world.nowMs > this.excusedUntilMs) throw new Error(`both nodes serve at ${world.nowMs}`)
    // One that is just standing down has dropped its address first.
    const bothHold = Object.values(world.nodes).every(({ machine }) => machine.vips.size > 0)
    if (bothHold && !this.bothServed && world.nowMs > this.blindUntilMs) throw new Error(`one began to serve while the VIP answered, at ${world.nowMs}`)
    this.bothServed = bothHold
  }

  checkWhole(world: World, startsFailed: boolean): void {
    const [a, b] = Object.values(world.nodes) as [FakeNode, FakeNode]
    const [mine, theirs] = [a.state?.jobs[JOB]?.record, b.state?.jobs[JOB]?.record]
    if (!mine || !theirs) throw new Error('an engine is away in peace')
    const same = mine.roleSequence === theirs.roleSequence && mine.owner === theirs.owner && mine.desired === theirs.desired
    if (!same) throw new Error(`the records differ in the end: ${JSON.stringify([mine, theirs])}`)
    if (mine.handover ?? theirs.handover) throw new Error('a handover is open in the end')
    const owner = world.node(mine.owner)
    if (mine.desired === 'offline' && world.serving().length > 0) throw new Error('it serves and should not')
    if (mine.desired === 'online' && !startsFailed) this.checkServes(world, owner)
    if (world.serving().some((node) => node !== owner)) throw new Error('the standby serves in the end')
  }

  private checkServes(world: World, owner: FakeNode): void {
    const job = owner.state?.jobs[JOB]
    const gaveUp = job?.phase === 'error' && (job.restarts.length > 0 || job.record.errorFlag !== null)
    const all = owner.machine.vips.size === 1 && owner.machine.applications.size === 2 && owner.machine.data.role === 'source'
    if (!gaveUp && (job?.phase !== 'online' || !all))
      throw new Error(`${owner.name} should serve in the end: ${job?.phase} ${job?.note} ${JSON.stringify(job?.plan)}`)
    const standby = world.other(owner)
    const manually = job?.record.needToVerify === 'Manually'
    if (!gaveUp && !manually && !standby.state?.jobs[JOB]?.record.copyComplete) throw new Error(`the copy of ${standby.name} is not complete in the end`)
  }
}

/** A copy that lacks acknowledged writes, as far as its node knows, takes over only when an administrator has declared it right. */
function takesWhatIsWhole(node: string, before: JobRecord, now: JobRecord): void {
  const takes = before.owner !== node && now.owner === node && now.selectedSequence !== now.roleSequence
  if (takes && !now.mirrorInSync && !before.mirrorInSync) throw new Error(`${node} took over with a copy that was not in sync`)
  if (takes && before.needToVerify === 'Manually') throw new Error(`${node} took over while both copies may hold changes of their own`)
}
