import type { JobRecord, NeedToVerify } from '../model'
import { jobReport } from '../report/job'
import type { JobView, NodeView } from '../wire'
import { dropPlan } from './plan'
import { hasData, isTouched, owns, peerJob, VERIFY_SETTLE_MS, type JobState } from './state'
import { copyPeerLines, endTicket, runningTicket } from './tickets'
import { log, setRecord, type Turn } from './turn'

/** The record of a job on its very first start: the first node of the configuration owns it, and nothing runs. */
export function firstRecord(turn: Turn, job: string): JobRecord {
  const { config, node, wallMs } = turn.state
  const owner = Object.keys(config.nodes)[0] ?? node
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
    history: [{ roleSequence: 1, owner }]
  }
}

/** The peer's own words about itself: the higher role sequence wins, always. */
export function hearPeer(turn: Turn, view: NodeView): void {
  const { state } = turn
  if (view.node !== state.peerNode) return log(turn, 'error', `A node that is not of this pair sent its state: ${view.node}`)
  if (isLate(turn, view)) return
  state.peer = { view, atMs: state.atMs }
  for (const job of Object.values(state.jobs)) {
    const theirs = view.jobs[job.name]
    if (theirs) reconcile(turn, job, theirs, view.heard === state.incarnation)
  }
}

/** A message that was overtaken by a newer one of the same engine. */
function isLate(turn: Turn, view: NodeView): boolean {
  const known = turn.state.peer?.view
  if (known?.incarnation !== view.incarnation) return false
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
  if (difference > 0) adopt(turn, job, theirs.record)
  else if (difference === 0) follow(turn, job, theirs.record)
  else tellBothServed(turn, job, theirs)
  endSwitchTicket(turn, job, theirs)
}

/** The peer holds a newer record. Whatever of the job is active here is stood down by `settle`, at once. */
export function adopt(turn: Turn, job: JobState, theirs: JobRecord): void {
  const { state } = turn
  const { handover } = job.record
  const handedOver = handover !== null && handover.roleSequence === theirs.roleSequence
  const served = hasData(state, job) && isTouched(job) && owns(state, job) && !handedOver
  const flag = handedOver ? (job.offer?.flag ?? null) : null
  const drained = handedOver && theirs.needToVerify === 'No'
  dropPlan(job)
  setRecord(turn, job, {
    roleSequence: theirs.roleSequence,
    owner: theirs.owner,
    desired: theirs.desired,
    takeReason: theirs.takeReason,
    takeTimeMs: theirs.takeTimeMs,
    handover: null,
    errorFlag: flag ?? job.record.errorFlag,
    needToVerify: served ? 'Manually' : theirs.needToVerify,
    copyComplete: drained
  })
  forgetTroubles(job)
  job.phase = owns(state, job) ? 'offline' : 'standby'
  if (served) noteManually(turn, job)
  if (!handedOver)
    endTicket(turn, runningTicket(state, job)?.id ?? null, jobReport('E_OWNERSHIP_LOST', { ...names(turn, job), roleSequence: theirs.roleSequence }))
  log(turn, 'info', `${theirs.owner} owns ${job.name} (role sequence ${theirs.roleSequence})`, job)
}

export function forgetTroubles(job: JobState): void {
  job.offer = null
  job.dataLost = null
  job.failedApplications = {}
  job.retryAtMs = 0
  job.answeredBy = null
  job.note = null
  job.next = null
}

/** Same role sequence: the standby keeps up with what the owner's administrator wants. */
function follow(turn: Turn, job: JobState, theirs: JobRecord): void {
  if (theirs.owner !== job.record.owner) return refuseConflict(turn, job, theirs)
  const needToVerify = mergeVerify(turn, job, theirs)
  const mine = job.record
  if (owns(turn.state, job)) {
    if (needToVerify !== mine.needToVerify) setRecord(turn, job, { needToVerify })
    return
  }
  const { desired, takeReason, takeTimeMs } = theirs
  const same = desired === mine.desired && takeReason === mine.takeReason && takeTimeMs === mine.takeTimeMs && needToVerify === mine.needToVerify
  if (!same) setRecord(turn, job, { desired, takeReason, takeTimeMs, needToVerify })
}

/** Can only come from a lost state directory or an exchanged configuration. */
function refuseConflict(turn: Turn, job: JobState, theirs: JobRecord): void {
  const note = `${turn.state.peerNode} says that ${theirs.owner} owns ${job.name} since role sequence ${theirs.roleSequence}, this node says ${job.record.owner}`
  if (job.note !== note) log(turn, 'error', note, job)
  job.note = note
  job.peerSpoke = false
}

/**
 * `Manually` may be raised by either side and is cleared by the owner's administrator alone. The standby lets go of it
 * when the owner still says otherwise, long enough after it was told.
 */
function mergeVerify(turn: Turn, job: JobState, theirs: JobRecord): NeedToVerify {
  const mine = job.record
  if (owns(turn.state, job)) {
    const raised = theirs.needToVerify === 'Manually' && job.manually.clearedSequence !== mine.roleSequence
    return raised ? 'Manually' : mine.needToVerify
  }
  if (mine.needToVerify !== 'Manually') return theirs.needToVerify
  const { toldAtMs } = job.manually
  const settled = toldAtMs !== null && turn.state.atMs - toldAtMs > VERIFY_SETTLE_MS
  return settled ? theirs.needToVerify : 'Manually'
}

/** The peer still serves with an older record while this node took over: both wrote. */
function tellBothServed(turn: Turn, job: JobState, theirs: JobView): void {
  const took = hasData(turn.state, job) && job.tookAloneSequence === job.record.roleSequence && owns(turn.state, job)
  const serves = theirs.phase === 'online' && theirs.record.owner === turn.state.peerNode
  if (!took || !serves || job.record.needToVerify === 'Manually' || job.manually.clearedSequence === job.record.roleSequence) return
  setRecord(turn, job, { needToVerify: 'Manually' })
  noteManually(turn, job)
}

function noteManually(turn: Turn, job: JobState): void {
  job.manually = { ...job.manually, sinceMs: turn.state.atMs, toldAtMs: null }
  log(turn, 'error', `Both nodes served ${job.name}: need to verify manually; mirror ${job.name} start on its owner takes the owner's data as right`, job)
}

/** What was sent at `sentAtMs` has arrived. */
export function peerWasTold(turn: Turn, sentAtMs: number): void {
  for (const job of Object.values(turn.state.jobs)) {
    if (job.record.needToVerify === 'Manually' && job.manually.toldAtMs === null && sentAtMs >= job.manually.sinceMs) job.manually.toldAtMs = turn.state.atMs
  }
}

/** A switch has ended when the other node says so. */
function endSwitchTicket(turn: Turn, job: JobState, theirs: JobView): void {
  const ticket = runningTicket(turn.state, job)
  if (ticket?.purpose !== 'switch' || owns(turn.state, job) || theirs.record.roleSequence !== job.record.roleSequence) return
  if (theirs.phase === 'online' || (theirs.phase === 'offline' && theirs.record.desired === 'offline')) endTicket(turn, ticket.id)
  else if (theirs.phase === 'error') {
    endTicket(turn, ticket.id, jobReport('E_SWITCH_FAILED_THERE', { ...names(turn, job), why: theirs.note ?? 'no reason was given' }))
  }
}

export const names = (turn: Turn, job: JobState) => ({ job: job.name, node: turn.state.node, peer: turn.state.peerNode })

/** This node becomes the owner: the record is on disk before anything of the job starts. */
export function take(turn: Turn, job: JobState, record: Partial<JobRecord> & { roleSequence: number }): void {
  dropPlan(job)
  setRecord(turn, job, { ...record, owner: turn.state.node, handover: null })
  forgetTroubles(job)
  job.peerSpoke = true
  job.phase = 'offline'
  log(turn, 'info', `${turn.state.node} takes ${job.name} (role sequence ${record.roleSequence})`, job)
}

export const peerHasFlag = (turn: Turn, job: JobState): boolean => (peerJob(turn.state, job)?.record.errorFlag ?? null) !== null
