import { firstOwnerOf, type JobRecord, type NeedToVerify, type NodeName } from '../model'
import { jobReport } from '../report/job'
import type { JobView, NodeView } from '../wire'
import { detachedOf, newerDetached, watched } from './detached'
import type { Failure } from './event'
import { confirm } from './modeChange'
import { dropPlan } from './plan'
import { allResources } from './resources'
import { rulesOf } from './quorum/rules'
import { grantTo } from './quorum/voter'
import { copyIsWhole, hasData, isTouched, owns, peerJob, type JobState, type State } from './state'
import { changeTicket, copyPeerLines, endTicket, isMove, runningTicket, stepLine } from './tickets'
import { log, setRecord, type Seeing, type Turn } from './turn'

/** The record of a job on its very first start: nothing runs, and the configuration says who owns it. */
export function firstRecord(turn: Turn, job: string): JobRecord {
  const { config, node, wallMs } = turn.state
  const owner = firstOwnerOf(config, job)
  return {
    job,
    roleSequence: 1,
    owner,
    desired: 'offline',
    takeReason: 'initial',
    takeTimeMs: wallMs,
    handover: null,
    errorFlag: null,
    needToVerify: 'No',
    copyComplete: owner === node,
    safety: config.jobs[job]?.data?.safety ?? 'off',
    safetySequence: 1,
    mirrorInSync: false,
    syncSequence: 0,
    selectedSequence: 0,
    history: [{ roleSequence: 1, owner }]
  }
}

/** The peer's own words about itself: the higher role sequence wins, always. */
export function hearPeer(turn: Turn, said: NodeView): void {
  const { state } = turn
  const view = withoutFormerJobs(state, said)
  if (view.node !== state.peerNode) return log(turn, 'error', `A node that is not of this pair sent its state: ${view.node}`)
  if (isLate(turn, view)) return
  state.peer = { view, atMs: state.atMs }
  for (const job of Object.values(state.jobs)) {
    const theirs = view.jobs[job.name]
    if (!theirs) continue
    noteService(state, job, theirs)
    reconcile(turn, job, theirs, view.heard === state.incarnation)
  }
  confirm(turn, view)
}

/** The other engine has said what it does with the job: it tells each change at once. */
function noteService({ atMs }: State, job: JobState, { phase }: JobView): void {
  if (phase === 'online') job.servedThere = { atMs, still: true }
  else if (job.servedThere?.still) job.servedThere = { atMs, still: false }
}

/** Jobs that have gone since, although others have their names now. */
function withoutFormerJobs({ jobs }: State, view: NodeView): NodeView {
  const isFormer = (name: string): boolean => (view.configVersion ?? 0) < (jobs[name]?.sinceVersion ?? 0)
  if (!Object.keys(view.jobs).some(isFormer)) return view
  return { ...view, jobs: Object.fromEntries(Object.entries(view.jobs).filter(([name]) => !isFormer(name))) }
}

/** A message that was overtaken by a newer one of the same engine. */
function isLate(turn: Turn, view: NodeView): boolean {
  const known = turn.state.peer?.view
  if (known?.incarnation !== view.incarnation) return false
  if (known.number !== undefined && view.number !== undefined && view.number < known.number) return true
  return Object.entries(view.jobs).some(([name, { record }]) => record.roleSequence < (known.jobs[name]?.record.roleSequence ?? 0))
}

/**
 * `answers`: the peer had heard this very engine when it wrote this. A message may have been under way since before this node
 * died, and before the peer took over: its record may be as old as ours, and nothing may start because of it.
 */
function reconcile(turn: Turn, job: JobState, theirs: JobView, answers: boolean): void {
  if (answers) job.peerSpoke = true
  copyPeerLines(turn, theirs.activity)
  const difference = theirs.record.roleSequence - job.record.roleSequence
  if (difference > 0) hearNewer(turn, job, theirs.record)
  else if (difference === 0) follow(turn, job, theirs.record)
  else tellBothServed(turn, job, theirs)
  endSwitchTicket(turn, job, theirs)
}

/** Another owner's record, or what became of a vote of this node. */
export function hearNewer(turn: Turn, job: JobState, theirs: JobRecord): void {
  if (!isOwnClaim(turn, job, theirs)) adopt(turn, job, theirs)
  else if (job.record.handover === null) takeDecided(turn, job, theirs)
  else takeBack(turn, job, theirs.roleSequence, () => takeDecided(turn, job, theirs))
}

/** This node's own claim: the peer has seconded it, and the answer never came. The mode may have been changed since to one without votes. */
const isOwnClaim = ({ state }: Turn, { quorum, record }: JobState, { owner, roleSequence }: JobRecord): boolean =>
  owner === state.node && (quorum !== null || record.claim?.roleSequence === roleSequence)

function takeDecided(turn: Turn, job: JobState, { roleSequence, mirrorInSync, syncSequence }: JobRecord): void {
  take(turn, job, { roleSequence, takeReason: 'failover', takeTimeMs: turn.state.wallMs, mirrorInSync, syncSequence })
  if (!copyIsWhole(turn.state, job)) setRecord(turn, job, { unserved: true })
}

/** What was offered to the peer comes to nothing: this node takes it again with a higher role sequence. */
export function takeBack(turn: Turn, job: JobState, roleSequence: number, takeIt: () => void): void {
  const { state } = turn
  const ticket = runningTicket(state, job)?.id ?? null
  stepLine(turn, ticket, handoverText(state, job), 'failed')
  takeIt()
  job.pendingFlag = null
  job.undoneAtMs = state.atMs
  stepLine(turn, ticket, `Take ownership back (role sequence ${roleSequence})`, 'done')
  switchFailed(turn, job, jobReport('E_PEER_LOST_IN_HANDOVER', names(turn, job)))
}

/** The ticket ends when the job runs here again. */
export function switchFailed(turn: Turn, job: JobState, error: Failure): void {
  const report = jobReport('E_SWITCH_UNDONE', { ...names(turn, job), why: error.message })
  changeTicket(turn, runningTicket(turn.state, job)?.id ?? null, () => ({ pending: report }))
  log(turn, 'error', report.message, job)
}

export const handoverText = (state: State, job: JobState): string =>
  `Hand over to ${state.peerNode} (role sequence ${job.record.handover?.roleSequence ?? job.record.roleSequence + 1})`

/** The peer holds a newer record. Whatever of the job is active here is stood down by `settle`, at once. */
export function adopt(turn: Turn, job: JobState, theirs: JobRecord): void {
  const { state } = turn
  const { handover } = job.record
  const handedOver = handover !== null && handover.roleSequence === theirs.roleSequence
  const served = job.quorum === null && hasData(state, job) && isTouched(job) && owns(state, job) && !handedOver
  const flag = handedOver ? (job.offer?.flag ?? null) : null
  const drained = handedOver && theirs.needToVerify === 'No'
  const diverged = served && theirs.selectedSequence !== theirs.roleSequence
  dropPlan(job)
  // Its answer and its next word about itself come on different ways: either may be first.
  if (handedOver) stepLine(turn, handover.ticket, handoverText(state, job), 'done')
  setRecord(turn, job, {
    roleSequence: theirs.roleSequence,
    owner: theirs.owner,
    desired: theirs.desired,
    takeReason: theirs.takeReason,
    takeTimeMs: theirs.takeTimeMs,
    handover: null,
    errorFlag: flag ?? job.record.errorFlag,
    needToVerify: diverged ? 'Manually' : theirs.needToVerify,
    copyComplete: drained,
    safety: theirs.safety,
    safetySequence: theirs.safetySequence,
    mirrorInSync: theirs.mirrorInSync,
    syncSequence: theirs.syncSequence,
    selectedSequence: theirs.selectedSequence,
    ...detachedOf(theirs, job),
    ...allResources(job.record)
  })
  forgetTroubles(job)
  waitForNewOwner(state, job)
  job.phase = owns(state, job) ? 'offline' : 'standby'
  if (diverged) noteManually(turn, job)
  if (!handedOver)
    endTicket(turn, runningTicket(state, job)?.id ?? null, jobReport('E_OWNERSHIP_LOST', { ...names(turn, job), roleSequence: theirs.roleSequence }))
  log(turn, 'info', `${theirs.owner} owns ${job.name} (role sequence ${theirs.roleSequence})`, job)
}

/** It has not asked for this node's vote yet: it gets the time of a lease to do so before it counts as silent. */
function waitForNewOwner(state: State, job: JobState): void {
  const rules = rulesOf(state, job)
  if (rules === null || job.quorum === null) return
  job.quorum = { ...job.quorum, grant: grantTo(job.record.owner, state.atMs, rules.times) }
}

export function forgetTroubles(job: JobState): void {
  job.offer = null
  job.dataLost = null
  job.gaveUp = null
  job.failedApplications = {}
  job.retryAtMs = 0
  job.answeredBy = null
  job.note = null
  job.next = null
  job.giveUpOwn = false
  job.forcing = false
  job.safetyAskedMs = null
  job.exposure = { flying: null, nextAtMs: 0, recordedThere: null }
  job.detaching = null
  job.yielded = false
}

/** Same role sequence: the standby keeps up with what the owner's administrator wants. */
function follow(turn: Turn, job: JobState, theirs: JobRecord): void {
  if (theirs.owner !== job.record.owner) {
    job.peerSpoke = false
    return
  }
  const { desired, takeReason, takeTimeMs } = theirs
  const ofOwner = owns(turn.state, job) ? {} : { desired, takeReason, takeTimeMs, ...newerSafety(job, theirs), ...newerSelection(job, theirs) }
  const change = { ...ofOwner, ...newerDetached(turn, job, theirs), ...newerSync(turn, job, theirs), needToVerify: mergeVerify(turn, job, theirs) }
  const mine: JobRecord = job.record
  for (const key in change) if (mine[key as keyof JobRecord] !== change[key as keyof typeof change]) return setRecord(turn, job, change)
}

const newerSafety = ({ record }: JobState, { safety, safetySequence }: JobRecord): Partial<JobRecord> =>
  safetySequence > record.safetySequence ? { safety, safetySequence } : {}

const newerSelection = ({ record }: JobState, { selectedSequence }: JobRecord): Partial<JobRecord> =>
  selectedSequence > record.selectedSequence ? { selectedSequence } : {}

/** The mirror may have recorded "not in sync" for an owner that died before it did so itself. Nothing a mirror says makes it in sync. */
function newerSync(turn: Turn, job: JobState, { mirrorInSync, syncSequence }: JobRecord): Partial<JobRecord> {
  if (syncSequence <= job.record.syncSequence) return {}
  return { mirrorInSync: mirrorInSync && !owns(turn.state, job), syncSequence }
}

/** Can only come from a lost state directory or an exchanged configuration. null: the two nodes agree. */
export function contradiction(state: State, job: JobState): string | null {
  const theirs = peerJob(state, job)?.record
  if (!theirs || theirs.roleSequence !== job.record.roleSequence || theirs.owner === job.record.owner) return null
  return `${state.peerNode} says that ${theirs.owner} owns ${job.name} since role sequence ${theirs.roleSequence}, ${state.node} says ${job.record.owner}`
}

/** Said once, when it becomes true: it is heard again and again. */
export function tellContradictions(turn: Turn, before: State): void {
  for (const job of Object.values(turn.state.jobs)) {
    const text = contradiction(turn.state, job)
    const known = before.jobs[job.name]
    if (text !== null && (!known || text !== contradiction(before, known))) log(turn, 'error', text, job)
  }
}

/** `Manually` may be raised by either side. Only an administrator's choice of the right data, for this role sequence, ends it. */
function mergeVerify(turn: Turn, job: JobState, theirs: JobRecord): NeedToVerify {
  const mine = job.record
  if (owns(turn.state, job)) return theirs.needToVerify === 'Manually' && !isDecided(mine) ? 'Manually' : mine.needToVerify
  return mine.needToVerify === 'Manually' && !isDecided(theirs) ? 'Manually' : theirs.needToVerify
}

const isDecided = ({ selectedSequence, roleSequence }: JobRecord): boolean => selectedSequence === roleSequence

/** Both sides may hold changes of their own: nothing is overwritten before an administrator has said whose are right. */
export function raiseManually(turn: Turn, job: JobState): void {
  if (job.record.needToVerify === 'Manually' || isDecided(job.record)) return
  setRecord(turn, job, { needToVerify: 'Manually' })
  noteManually(turn, job)
}

/** The peer still serves with an older record while this node took over: both wrote. */
function tellBothServed(turn: Turn, job: JobState, theirs: JobView): void {
  const took = hasData(turn.state, job) && job.tookAloneSequence === job.record.roleSequence && owns(turn.state, job)
  const serves = theirs.phase === 'online' && theirs.record.owner === turn.state.peerNode
  if (took && serves) raiseManually(turn, job)
}

function noteManually(turn: Turn, job: JobState): void {
  log(turn, 'error', `Both nodes hold changes of ${job.name} of their own: need to verify Manually; selectsrc ${job.name} NODE says whose data is right`, job)
}

/** A switch has ended when the other node says so. */
function endSwitchTicket(turn: Turn, job: JobState, theirs: JobView): void {
  const ticket = runningTicket(turn.state, job)
  if (!isMove(ticket) || owns(turn.state, job) || theirs.record.roleSequence !== job.record.roleSequence) return
  const failed = (why: string): void => endTicket(turn, ticket.id, jobReport('E_SWITCH_FAILED_THERE', { ...names(turn, job), why }))
  const broughtOut = theirs.phase === 'offline' && theirs.record.desired === 'offline'
  if (theirs.phase === 'error') failed(theirs.note ?? 'no reason was given')
  // Only what is online is switched: somebody has brought it out before it ran there.
  else if (broughtOut && ticket.purpose === 'switch') failed('it was brought out meanwhile')
  else if (broughtOut || theirs.phase === 'online') endTicket(turn, ticket.id)
}

/** A node that an administrator names is one of the two. */
export const nodeOfPair = ({ state: { node, peerNode } }: Turn, named: NodeName): NodeName | Failure =>
  named === node || named === peerNode ? named : jobReport('E_NODE_NOT_OF_PAIR', { named, node, peer: peerNode })

export const names = (turn: Seeing, job: JobState) => ({ job: job.name, node: turn.state.node, peer: turn.state.peerNode })

/** This node becomes the owner: the record is on disk before anything of the job starts. */
export function take(turn: Turn, job: JobState, record: Partial<JobRecord> & { roleSequence: number }): void {
  dropPlan(job)
  // Whoever takes it watches it.
  setRecord(turn, job, { ...record, owner: turn.state.node, handover: null, ...watched(job.record), ...allResources(job.record) })
  forgetTroubles(job)
  job.peerSpoke = true
  job.phase = 'offline'
  log(turn, 'info', `${turn.state.node} takes ${job.name} (role sequence ${record.roleSequence})`, job)
}

export const peerHasFlag = (turn: Turn, job: JobState): boolean => (peerJob(turn.state, job)?.record.errorFlag ?? null) !== null
