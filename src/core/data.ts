import type { MirrordStatus } from '../wire'
import { tellMirror } from './mirrorTold'
import { dropPlan } from './plan'
import { raiseManually } from './ownership'
import { servesOn, takeBackRestart } from './restartLimit'
import { safetyIsLost } from './safety'
import { trustMirror } from './sync'
import { owns, type JobState } from './state'
import { isOfBefore } from './takeUp'
import { stepLine } from './tickets'
import { log, setRecord, type Turn } from './turn'
import { sizeText } from './words'

const REDO_TELL_MS = 5_000

/** What the data program says about itself; the record keeps what a takeover depends on. */
export function dataStatusChanged(turn: Turn, job: JobState, status: MirrordStatus): void {
  tellMirror(turn, job, status)
  if (job.data?.connected !== status.connected) job.partedAtMs = status.connected || job.data === null ? null : turn.state.atMs
  job.data = status
  learnSafety(turn, job, status)
  tellRedo(turn, job, status)
  if (status.roleSequence !== job.record.roleSequence) return
  if (status.connected) job.connectedSequence = status.roleSequence
  if (status.needToVerify === 'Manually' && (owns(turn.state, job) ? status.role === 'source' : status.role === 'target')) raiseManually(turn, job)
  if (owns(turn.state, job)) {
    trustPeerCopy(turn, job)
    trustMirror(turn, job)
  } else if (status.role === 'target') targetStatus(turn, job, status)
  // An order of before that ended late has stopped it.
  else if (status.role === 'none' && job.plan === null && job.dataRole === 'target') job.dataRole = 'none'
}

/** A takeover waits until the redo log is applied: whoever follows the ticket sees how far it is. */
function tellRedo(turn: Turn, job: JobState, { redoQueueBytes }: MirrordStatus): void {
  const { atMs } = turn.state
  const waits = redoQueueBytes > 0 && job.plan?.pending.some(({ order }) => order.do === 'source')
  if (!waits) job.redoToldMs = null
  else if (job.redoToldMs === null || atMs - job.redoToldMs >= REDO_TELL_MS) {
    job.redoToldMs = atMs
    stepLine(turn, job.plan?.ticket ?? null, `Apply the redo log: ${sizeText(redoQueueBytes)} left`, 'done')
  }
}

/** A mirror's data program may have heard of a change from its source before this engine did from the other one. */
function learnSafety(turn: Turn, job: JobState, { session }: MirrordStatus): void {
  if (session.safetySequence <= job.record.safetySequence) return
  setRecord(turn, job, { safety: session.safety, safetySequence: session.safetySequence })
}

/** What the data program knows of its copy counts, connected or not; else its word counts once it was connected in this role. */
function targetStatus(turn: Turn, job: JobState, status: MirrordStatus): void {
  const known = status.copyComplete || status.copyKnown === true || job.connectedSequence === status.roleSequence
  if (isOfBefore(job) || !known || status.copyComplete === job.record.copyComplete || job.record.needToVerify === 'Manually') return
  setRecord(turn, job, { copyComplete: status.copyComplete })
  log(turn, 'info', `The copy of ${job.name} on ${turn.state.node} is ${status.copyComplete ? 'complete' : 'not complete now'}`, job)
}

/** What was said of the copy while it was not to be believed may be true by now, and is not said again. */
export function trustOwnCopy(turn: Turn, job: JobState): void {
  const { data, record } = job
  if (data?.role === 'target' && data.connected && data.roleSequence === record.roleSequence && job.dataSequence === record.roleSequence)
    targetStatus(turn, job, data)
}

/** As this source sees it: the target has all of it, but for what is in the queue. */
export const isEqualThere = ({ connected, mirror, needToVerify }: MirrordStatus): boolean => connected && mirror.state === 'Idle' && needToVerify === 'No'

/** The full mirror of this source has ended: the peer has all of it, and may take over again. */
export function trustPeerCopy(turn: Turn, job: JobState): void {
  const { data, record } = job
  if (data === null || record.needToVerify !== 'Yes' || !servesOn(job) || isOfBefore(job)) return
  if (job.dataRole !== 'source' || data.role !== 'source' || data.roleSequence !== record.roleSequence) return
  if (isEqualThere(data)) setRecord(turn, job, { needToVerify: 'No' })
}

/** The data program died or can no longer be trusted. On the target it is simply started again. */
export function dataLost(turn: Turn, job: JobState, why: string): void {
  log(turn, 'error', `The data program of ${job.name} is lost: ${why}`, job)
  if (job.dataRole === 'target') job.dataRole = 'none'
  else if (job.dataRole !== 'none') markSourceLost(turn, job, why)
}

/** An application that died because its folder did is not restarted in a folder that answers nobody: all of it recovers, at once. */
function markSourceLost(turn: Turn, job: JobState, why: string): void {
  if (job.plan?.kind === 'restart') {
    dropPlan(job)
    takeBackRestart(turn, job)
  }
  safetyIsLost(turn, job, why)
  job.mirrorRuns = null
  job.dataRole = 'unknown'
  job.dataLost = why
  job.drained = false
}
