import type { Action } from '../../src/core'
import { isValid } from '../../src/core/quorum/lease'
import type { JobRecord } from '../../src/model'
import type { Ballot } from '../../src/wire'
import { serves } from '../fakes/machine'
import { type FakeNode, machineOf } from '../fakes/fakeNode'
import { JOB } from '../fakes/pairConfig'
import { isForced } from './forced'
import type { World } from '../fakes/world'

/** What must be true of one job at every step of a pair with a witness. I2 is looked at by the data plane itself. */
export class QuorumPromises {
  private readonly owners = new Map<number, string>()
  private readonly votes = new Map<string, string>()
  /** Their service was begun by force. */
  private readonly forced = new Set<string>()
  /** Taken over by the rules of the guide's mode, which both nodes went by, or by an administrator's word: the other one may not know it yet. */
  private readonly unasked = new Set<number>()
  /** What an owner has offered, on its disk: who, and in which role sequence. It may have been taken back since, and the answer is on its way. */
  private readonly offered = new Set<string>()
  serves = 0

  constructor(private readonly job = JOB) {}

  /** Before an action is carried out: the disk must already say so (I4). */
  check(world: World, node: FakeNode, actions: Action[]): void {
    if (actions.length === 0) return
    const persisted = actions.find((action) => action.do === 'persist')
    if (persisted && actions[0] !== persisted) throw new Error('persist is not the first action')
    const record = (persisted?.records ?? node.disk)?.[this.job]
    if (actions.some((action) => action.do === 'expose' && action.job === this.job)) this.checkExpose(world, node, record)
    for (const action of actions) {
      if (action.do !== 'order' || action.job !== this.job || !['source', 'raise', 'start'].includes(action.order.do)) continue
      if (record?.owner !== node.name) throw new Error(`${node.name} begins to serve and is not the owner on its disk`)
      if (record.roleSequence !== action.roleSequence) throw new Error('an order names another role sequence than the disk')
      if (record.errorFlag !== null) throw new Error(`I4: ${node.name} serves with an error flag`)
      if (!record.copyComplete && this.hasData(node)) throw new Error(`I4: ${node.name} serves with an incomplete copy`)
      if (record.handover !== null) throw new Error(`${node.name} begins to serve while its handover is open`)
    }
  }

  private hasData({ state }: FakeNode): boolean {
    return state?.config.jobs[this.job]?.data !== null
  }

  /** Rule 3: two of three have it on disk. */
  private checkExpose(world: World, node: FakeNode, mine: JobRecord | undefined): void {
    const says = (held: JobRecord | Ballot | undefined): boolean => held !== undefined && held.roleSequence === mine?.roleSequence && !held.mirrorInSync
    // The witness may have lost its memory since; then it votes for nobody before it has heard this node.
    const witness = world.witness?.disk[this.job]
    if (!says(mine)) throw new Error(`I2: ${node.name} serves without the mirror and has not recorded it`)
    if (mine?.forced) return
    // Who sleeps while another one is forced in its place believes what was recorded before, and acknowledges nothing: its lease is over.
    const theirs = world.other(node).disk?.[this.job]
    const newest = Math.max(witness?.roleSequence ?? 0, theirs?.roleSequence ?? 0)
    if (newest > (mine?.roleSequence ?? 0) && !world.guard.maySource(node, this.job)) return
    if (!world.hasQuorum(node, this.job)) return checkTold(world, node, says(theirs) || (theirs?.roleSequence ?? 0) > (mine?.roleSequence ?? 0))
    if (!says(theirs) && !says(witness) && witness !== undefined) throw new Error(`I2: ${node.name} serves without the mirror, and no second voter knows it`)
  }

  saved(world: World, node: FakeNode, records: Record<string, JobRecord>): void {
    const [before, now] = [node.disk?.[this.job], records[this.job]]
    if (!now) return
    if (before?.forced || now.forced) this.forced.add(node.name)
    // A second voter has recorded it: it serves by the quorum again.
    if (!now.forced && now.owner === node.name) this.forced.delete(node.name)
    if (before && now.roleSequence < before.roleSequence) throw new Error(`the role sequence went back on the disk of ${node.name}`)
    this.oneOwner(now.roleSequence, now.owner)
    const begins = now.owner === node.name && now.roleSequence > (before?.roleSequence ?? 0)
    const nodes = Object.values(world.nodes)
    const byWord = now.takeReason === 'forced' && !nodes.every((each) => world.hasQuorum(each, this.job))
    if (begins && (byWord || nodes.every((each) => modeOf(each, this.job) === 'guide'))) this.unasked.add(now.roleSequence)
    // What the owner has on its disk is decided: it is learned here, also by one that had voted for itself in vain.
    const theirs = world.other(node).disk?.[this.job]
    const learned = theirs?.roleSequence === now.roleSequence && theirs.owner === now.owner && now.owner !== node.name
    if (!learned) this.voted(node.name, now.roleSequence, now.owner)
    if (now.claim) this.voted(node.name, now.claim.roleSequence, node.name)
    if (now.handover) {
      this.voted(node.name, now.handover.roleSequence, now.handover.to)
      this.offered.add(`${now.handover.to}/${now.handover.roleSequence}`)
    }
    const takes = before && before.owner !== node.name && now.owner === node.name && now.selectedSequence !== now.roleSequence
    // What was recorded for an owner that then gave its own vote was never acted on: it drained its queue first, or the copy is not whole.
    const byOwner = theirs?.roleSequence === now.roleSequence || this.offered.has(`${node.name}/${now.roleSequence}`)
    if (!this.hasData(node)) return
    const forced = isForced(node.name, before, now)
    if (takes && !forced && !byOwner && !before.mirrorInSync && !now.mirrorInSync)
      throw new Error(`I4: ${node.name} took over with a copy that was not in sync`)
  }

  witnessed({ roleSequence, owner }: Ballot): void {
    this.voted('witness', roleSequence, owner)
  }

  /** Its memory is gone, and with it what it promised; the nodes count nothing that it said before. */
  witnessWiped(): void {
    for (const key of this.votes.keys()) if (key.startsWith('witness/')) this.votes.delete(key)
  }

  /** I5 */
  private voted(voter: string, roleSequence: number, owner: string): void {
    const key = `${voter}/${roleSequence}`
    const known = this.votes.get(key)
    if (known !== undefined && known !== owner) throw new Error(`I5: ${voter} voted for ${known} and for ${owner} in role sequence ${roleSequence}`)
    this.votes.set(key, owner)
  }

  private oneOwner(roleSequence: number, owner: string): void {
    const known = this.owners.get(roleSequence)
    if (known !== undefined && known !== owner) throw new Error(`I5: role sequence ${roleSequence} has two owners`)
    this.owners.set(roleSequence, owner)
  }

  /** I1: whenever one begins to serve, or acknowledges, the other one does not. */
  served(world: World, node: FakeNode, what: string): void {
    this.serves += 1
    const other = world.other(node)
    // What an administrator has forced, and no voter has recorded yet, is his own promise; until it has stopped.
    if (this.byForce(world) || this.unasked.has(newestSequence(world, this.job))) return
    // One whose mode is being changed serves without a lease until a voter lets it: only an administrator's word puts another one beside it.
    if (this.isBesideUnleased(node, other) || this.isBesideUnleased(other, node)) return
    if (!other.paused && serves(machineOf(other, this.job)))
      throw new Error(`I1: ${node.name} ${what} of ${this.job} while ${other.name} serves, at ${world.nowMs}`)
  }

  private byForce({ nodes }: World): boolean {
    for (const node of Object.values(nodes)) {
      const { name, disk } = node
      if (disk?.[this.job]?.forced) this.forced.add(name)
      else if (!serves(machineOf(node, this.job))) this.forced.delete(name)
    }
    return this.forced.size > 0
  }

  private isBesideUnleased(forced: FakeNode, beside: FakeNode): boolean {
    return forced.disk?.[this.job]?.takeReason === 'forced' && beside.disk?.[this.job]?.unleased === true
  }

  /** I3, in the end. */
  checkWhole(world: World, startsFailed: boolean): void {
    const [a, b] = Object.values(world.nodes) as [FakeNode, FakeNode]
    const [mine, theirs] = [a.state?.jobs[this.job]?.record, b.state?.jobs[this.job]?.record]
    if (!mine || !theirs) throw new Error('I3: an engine is away in peace')
    const same = mine.roleSequence === theirs.roleSequence && mine.owner === theirs.owner && mine.desired === theirs.desired
    checkAgreed(a, b, this.job)
    // A vote for oneself that a voter holds, of a job that has been stopped since, is passed over when the job is brought in.
    const claims = mine.desired === 'online' && (mine.claim || theirs.claim)
    if (!same || mine.handover || theirs.handover || claims)
      throw new Error(`I3: the records of ${this.job} differ in the end: ${JSON.stringify([mine, theirs])}`)
    const owner = world.node(mine.owner)
    if (world.serving(this.job).some((node) => node !== owner)) throw new Error('the standby serves in the end')
    if (mine.desired === 'online' && !startsFailed) checkServes(world, owner, this.job)
  }
}

const modeOf = ({ config }: FakeNode, job: string) => config.jobs[job]?.mode

const newestSequence = ({ nodes }: World, job: string): number => Math.max(...Object.values(nodes).map(({ disk }) => disk?.[job]?.roleSequence ?? 0))

/** The guide's mode: one that hears the other one has told it, unless that was forced meanwhile, while this one slept. */
function checkTold({ nowMs }: World, node: FakeNode, isToldThere: boolean): void {
  if (node.state?.peerAlive === 'up' && !isToldThere) throw new Error(`I2: ${node.name} serves without the mirror, which does not know it, at ${nowMs}`)
}

function checkAgreed(a: FakeNode, b: FakeNode, job: string): void {
  const unsure = [a, b].find(({ state }) => state && (state.hold !== null || (state.unconfirmed !== null && state.unconfirmed.heardAtMs === null)))
  if (unsure)
    throw new Error(
      `I3: ${unsure.name} does not know in the end what the other one goes by: ${JSON.stringify([unsure.state?.hold, unsure.state?.unconfirmed])}`
    )
  if (a.state?.configVersion !== b.state?.configVersion) throw new Error('I3: the nodes go by different configurations in the end')
  const late = [a, b].find((node) => isLate(node, job))
  if (late) throw new Error(`I3: a voter takes what ${late.name} asks for late in the end`)
  const stale = [a, b].find((node) => saysNoQuorum(node, job))
  if (stale) throw new Error(`I3: ${stale.name} says in the end that it has no quorum, and has a lease`)
  const unleased = [a, b].find(({ state }) => state?.jobs[job]?.record.unleased)
  if (unleased) throw new Error(`I3: ${unleased.name} has no lease in the end`)
}

function saysNoQuorum({ state }: FakeNode, name: string): boolean {
  const job = state?.jobs[name]
  return job?.quorum != null && job.note?.includes('has no quorum') === true && isValid(job.quorum.lease, job.record.roleSequence, state?.atMs ?? 0)
}

function isLate(node: FakeNode, job: string): boolean {
  const asked = node.state?.jobs[job]?.quorum?.asked
  return asked?.peer.refused === 'late' || (modeOf(node, job) === 'high-availability' && asked?.witness.refused === 'late')
}

function checkServes(world: World, owner: FakeNode, name: string): void {
  const job = owner.state?.jobs[name]
  const gaveUp = job?.phase === 'error' && (job.restarts.length > 0 || job.record.errorFlag !== null)
  if (gaveUp) return
  const config = owner.config.jobs[name]
  const { vips, applications, data } = machineOf(owner, name)
  const isData = config?.data === null || data.role === 'source'
  const all = vips.size === config?.vips.length && applications.size === config.applications.length && isData
  if (job?.phase !== 'online' || !all)
    throw new Error(`I3: ${owner.name} should serve ${name} in the end: ${job?.phase} ${job?.note} ${JSON.stringify(job?.plan)} ${JSON.stringify(job?.record)}`)
  const standby = world.other(owner)
  if (job.record.needToVerify === 'Manually' || config.data === null) return
  const equal = machineOf(standby, name).data.content === data.content
  if (!standby.state?.jobs[name]?.record.copyComplete || !equal) throw new Error(`I3: ${standby.name} is not equal in the end`)
}
