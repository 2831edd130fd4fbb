import type { NodeName } from '../model'
import { jobReport } from '../report/job'
import type { Failure } from './event'
import { names, nodeOfPair } from './ownership'
import { forgetRestarts } from './restartLimit'
import { peerJob, type JobState } from './state'
import { endTicket, stepLine } from './tickets'
import { setRecord, type Turn } from './turn'

/** Whose flag is meant: the node named, else the one that has a flag, else this one (which then says that there is none). */
export function flagNode(turn: Turn, job: JobState, named: NodeName | null): NodeName | Failure {
  const { node, peerNode } = turn.state
  if (named !== null) return nodeOfPair(turn, named)
  const there = job.record.errorFlag === null && (peerJob(turn.state, job)?.record.errorFlag ?? null) !== null
  return there ? peerNode : node
}

export const clearErrorText = (turn: Turn, job: JobState): string =>
  `Clear the error flag of ${job.name} on ${turn.state.node} (${job.record.errorFlag ?? 'none'})`

/** Nothing starts by itself here: an owner in error waits for its administrator's bringin. A standby may be taken to again, and take over. */
export function clearError(turn: Turn, job: JobState): void {
  const text = clearErrorText(turn, job)
  setRecord(turn, job, { errorFlag: null })
  forgetRestarts(turn, job)
  job.note = job.phase === 'error' ? `the error flag was cleared; bringin ${job.name} starts it` : null
  stepLine(turn, job.ticket, text, 'done')
  endTicket(turn, job.ticket)
}

/** While something is under way the flag may be set anew; a standby that only listens is not busy. */
export function whyNotClear(turn: Turn, job: JobState): Failure | null {
  const { plan, record, observed } = job
  if (observed && record.handover === null && (plan === null || plan.kind === 'standby' || plan.kind === 'probe')) return null
  const doing = !observed ? 'looking for what runs' : record.handover !== null ? 'handing over' : (plan?.kind ?? job.phase)
  return jobReport('E_JOB_BUSY', { ...names(turn, job), ticket: plan?.ticket ?? 'no ticket', doing })
}
