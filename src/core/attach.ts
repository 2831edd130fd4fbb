import { settleCutOff } from './cutOff'
import { trustPeerCopy } from './data'
import type { Decision } from './decision'
import { holdData, settleDetaching } from './detach'
import { dataIsStopped, isDetached, isOver, isRecordedThere, saidNow, SEND } from './detached'
import { ownerIsLost } from './failover'
import { beginPlan, describe } from './plan'
import { settleResources } from './resourceCommand'
import { forgetRestarts } from './restartLimit'
import { settleSafety } from './safety'
import { owns, type JobState, type Plan, type State, type Task } from './state'
import { takeUpStages } from './takeUp'
import { isHeld } from './modeChange'
import { trustMirror } from './sync'
import { endTicket, stepLine } from './tickets'
import { log, setNote, setRecord, type Turn } from './turn'

/** Much may have been done by hand meanwhile: it is looked for what runs, as by an engine that starts. What does not is then restarted, or moves. */
function attachStages(job: JobState): Task[][] {
  const resume: Task[][] = dataIsStopped(job) && job.dataRole === 'source' && !job.stale.anew ? [[SEND]] : []
  return [[{ do: 'observe' }], ...resume]
}

const TIME_OVER = 'the time of its detachment is over'
const watchText = ({ name }: JobState): string => `Watch ${name} again`

/** `bringin` of a job that is detached and online. */
export const decideAttach = (turn: Turn, job: JobState): Decision => ({
  is: 'steps',
  texts: [...takeUpStages(job).flat().map(describe), watchText(job), ...attachStages(job).flat().map(describe)],
  begin: () => takeUp(turn, job, 'command')
})

/** What was changed while the data was stopped comes first: if that cannot be, the job stays as it is. */
function takeUp(turn: Turn, job: JobState, cause: 'command' | 'automatic'): void {
  const stages = takeUpStages(job)
  if (stages.length > 0) beginPlan(turn, job, 'takeUp', cause, stages)
  else attach(turn, job, cause, reasonOf(cause))
}

/** When its time is over its faults act again, whatever the data program says; that is told, and asked again. */
export function takeUpEnded(turn: Turn, job: JobState, plan: Plan): void {
  const error = plan.failures[0]?.error ?? null
  const cause = plan.cause === 'command' ? 'command' : 'automatic'
  if (error === null || cause === 'automatic') return attach(turn, job, cause, reasonOf(cause))
  job.retryAtMs = 0
  endTicket(turn, plan.ticket, error)
}

const reasonOf = (cause: 'command' | 'automatic'): string => (cause === 'command' ? 'brought in' : TIME_OVER)

/** The owner is lost, and its job stayed where it was because it is detached: an administrator ends that here. */
export const standbyAttaches = (state: State, job: JobState): boolean => isDetached(job) && !owns(state, job) && ownerIsLost(state, job)

export const decideAttachThere = (turn: Turn, job: JobState): Decision => ({
  is: 'steps',
  texts: [watchText(job), `Take over from ${turn.state.peerNode}, if ${turn.state.node} may`],
  begin: () => {
    watch(turn, job, 'brought in')
    stepLine(turn, job.ticket, watchText(job), 'done')
    endTicket(turn, job.ticket)
  }
})

/** From here on its faults act again. */
export function watch(turn: Turn, job: JobState, why: string): void {
  setRecord(turn, job, saidNow(job.record, null))
  forgetRestarts(turn, job)
  Object.assign(job, { note: null, yielded: false, detaching: null })
  log(turn, 'info', `${job.name} is watched again: ${why}`, job)
}

function attach(turn: Turn, job: JobState, cause: Plan['cause'], why: string): void {
  const stages = attachStages(job)
  watch(turn, job, why)
  job.failedApplications = {}
  job.dataLost = null
  beginPlan(turn, job, 'attach', cause, stages)
}

/** What was not found goes on to be started, under the same ticket where all of it has gone. */
export function attachEnded(turn: Turn, job: JobState, plan: Plan): void {
  const error = plan.failures[0]?.error ?? null
  if (error !== null) job.observed = false
  for (const [name, why] of Object.entries(job.failedApplications)) stepLine(turn, plan.ticket, `Application ${name}: ${why}; it is started again`, 'done')
  if (error !== null || job.phase === 'online') endTicket(turn, plan.ticket, error)
}

/** An owner whose job is detached. True: that is all there is to do. */
export function settleDetached(turn: Turn, job: JobState): boolean {
  settleDetaching(turn, job)
  if (job.plan !== null) return true
  if (isDetached(job) && job.detaching === null && !isHeld(turn.state, job) && isOver(turn.state, job)) endTime(turn, job)
  if (job.plan !== null || !isDetached(job)) return job.plan !== null
  if (job.phase === 'online') return serveDetached(turn, job)
  if (job.yielded) return false
  if (job.detaching !== null) return waitToBeHeard(turn, job)
  const text = `it is detached, so nothing starts it by itself; bringin ${job.name} starts it and watches it again`
  setNote(turn, job, text, 'warning')
  return true
}

function waitToBeHeard(turn: Turn, job: JobState): true {
  setNote(turn, job, `it was being detached when the engine ended; waits until ${turn.state.peerNode} has recorded it`, 'warning')
  return true
}

function endTime(turn: Turn, job: JobState): void {
  if (job.phase === 'online') takeUp(turn, job, 'automatic')
  else watch(turn, job, TIME_OVER)
}

/** The data is kept in order; faults are only told. Where the other node has not heard of it, it may take over. */
function serveDetached(turn: Turn, job: JobState): true {
  trustPeerCopy(turn, job)
  trustMirror(turn, job)
  if (settleSafety(turn, job) || holdData(turn, job) || settleResources(turn, job)) return true
  if (!isRecordedThere(turn.state, job) && settleCutOff(turn, job)) job.yielded = true
  return true
}

/** The other node: the time is over, and the owner cannot say so any more. */
export function endTimeAlone(turn: Turn, job: JobState): void {
  if (isDetached(job) && isOver(turn.state, job) && ownerIsLost(turn.state, job)) watch(turn, job, TIME_OVER)
}
