import { type Safety, SAFETY_OF_MODE } from '../model'
import { jobReport } from '../report/job'
import { type Decision, refused, whyNoData } from './decision'
import { names } from './ownership'
import { beginPlan, describe } from './plan'
import { configOf, peerIsReachable, peerJob, SAFETY_LIMIT_MS, type JobState, type Task } from './state'
import { endTicket, runningTicket, stepLine } from './tickets'
import { log, setRecord, type Turn } from './turn'
import { peerJobAge } from './views'

const orderOf = ({ record }: JobState): Task => ({ do: 'safety', safety: record.safety, safetySequence: record.safetySequence })

const recordText = (safety: Safety, safetySequence: number): string => `Record safety ${safety.toUpperCase()} (safety sequence ${safetySequence}) on both nodes`

/** Safety of a job that is online. To give FULL up, the other node must know it first: it counts on what FULL promises when it takes over. */
export function decideSafety(turn: Turn, job: JobState, safety: Safety): Decision {
  const { state } = turn
  const at = names(turn, job)
  const blocked = whyNoData(turn, job, 'safety')
  if (blocked !== null) return refused(blocked)
  if (job.record.safety === safety) return { is: 'nothing', why: `the safety of ${job.name} is ${safety.toUpperCase()} already` }
  const needed = SAFETY_OF_MODE[configOf(state, job).mode]
  if (needed !== null && safety !== needed) return refused(jobReport('E_MODE_SAFETY', { ...at, mode: configOf(state, job).mode, safety: needed.toUpperCase() }))
  if (safety === 'full' && configOf(state, job).data?.capture === 'watch') return refused(jobReport('E_SAFETY_WATCH', at))
  if (safety === 'off' && state.peerAlive !== 'lost' && !peerIsReachable(state))
    return refused(jobReport('E_PEER_MUST_KNOW', { ...at, age: peerJobAge(state) }))
  const safetySequence = job.record.safetySequence + 1
  const texts = [recordText(safety, safetySequence), describe({ do: 'safety', safety, safetySequence })]
  return { is: 'steps', texts, begin: () => changeSafety(turn, job, safety) }
}

/** What was acknowledged so far was not held to FULL: the mirror is not in sync until it is SYNCHRONIZED. */
function changeSafety(turn: Turn, job: JobState, safety: Safety): void {
  const { safetySequence, syncSequence, mirrorInSync } = job.record
  const sync = safety === 'full' && mirrorInSync ? { mirrorInSync: false, syncSequence: syncSequence + 1 } : {}
  setRecord(turn, job, { safety, safetySequence: safetySequence + 1, ...sync })
  job.safetyAskedMs = turn.state.atMs
  stepLine(turn, job.ticket, recordText(safety, safetySequence + 1), 'begin')
}

/** The configuration may have another mode than when the job was last served: its owner follows, and the other node follows the owner. */
export function followMode(turn: Turn, job: JobState): void {
  const { mode, data } = configOf(turn.state, job)
  const needed = SAFETY_OF_MODE[mode]
  if (data === null || needed === null || job.record.safety === needed) return
  log(turn, 'info', `${job.name} is in the mode ${mode}: its safety becomes ${needed.toUpperCase()}`, job)
  changeSafety(turn, job, needed)
}

/** The data program is told as soon as it may be. True when that is on its way. */
export function settleSafety(turn: Turn, job: JobState): boolean {
  const { record } = job
  if (job.dataRole !== 'source' || job.safetyGiven >= record.safetySequence) return false
  if (!peerMayLearn(turn, job)) return takeBack(turn, job)
  if (turn.state.atMs < job.retryAtMs) return false
  stepLine(turn, runningTicket(turn.state, job)?.id ?? null, recordText(record.safety, record.safetySequence), 'done')
  beginPlan(turn, job, 'safety', 'command', [[orderOf(job)]])
  return true
}

/** It has the record, or it is dead; FULL takes nothing away from it. */
function peerMayLearn({ state }: Turn, job: JobState): boolean {
  const theirs = peerJob(state, job)?.record
  const knows = theirs?.roleSequence === job.record.roleSequence && theirs.safetySequence >= job.record.safetySequence
  return job.record.safety === 'full' || state.peerAlive === 'lost' || knows
}

/** The other node does not answer: nothing was acknowledged by the new rule yet, so the old one is kept. What the mode is made of is waited for. */
function takeBack(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (SAFETY_OF_MODE[configOf(state, job).mode] === 'off') return false
  job.safetyAskedMs ??= state.atMs
  if (state.atMs - job.safetyAskedMs < SAFETY_LIMIT_MS) return false
  const { safety, safetySequence } = job.record
  const ticket = runningTicket(state, job)?.id ?? null
  stepLine(turn, ticket, recordText(safety, safetySequence), 'failed')
  setRecord(turn, job, { safety: 'full', safetySequence: safetySequence + 1 })
  const error = jobReport('E_PEER_MUST_KNOW', { ...names(turn, job), age: peerJobAge(state) })
  log(turn, 'error', error.message, job)
  endTicket(turn, ticket, error)
  return false
}

/** Whoever typed it is told; what was recorded holds, and the next data program is told of it. */
export function safetyIsLost(turn: Turn, job: JobState, why: string): void {
  const ticket = runningTicket(turn.state, job)
  if (ticket?.purpose === 'safety' && job.plan === null) endTicket(turn, ticket.id, jobReport('E_DATA_LOST', { ...names(turn, job), command: 'safety', why }))
}
