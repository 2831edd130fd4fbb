import { owns, type JobState } from '../state'
import { endTicket, runningTicket, stepLine } from '../tickets'
import { setRecord, type Seeing, type Turn } from '../turn'
import { hasLease } from './rules'
import { whyNoQuorum } from './serve'

/**
 * An engine has started, or the rules have changed: the voters have been asked and have not answered yet. Who brings the job in just then is not refused;
 * their answers are waited for, but not for ever.
 */
export const FIRST_VOTES_MS = 10_000
export const FIRST_VOTES_TEXT = 'Wait for the first votes'

export const votesMayCome = ({ state }: Seeing, { quorum }: JobState): boolean => quorum !== null && state.atMs - quorum.sinceMs < FIRST_VOTES_MS

export function awaitFirstVotes(turn: Turn, job: JobState): void {
  job.votesByMs = null
  if (hasLease(turn, job)) return
  job.votesByMs = turn.state.atMs + FIRST_VOTES_MS
  stepLine(turn, job.ticket, FIRST_VOTES_TEXT, 'begin')
}

/** True: they have not come in time, and the job stays offline. */
export function settleFirstVotes(turn: Turn, job: JobState): boolean {
  const { votesByMs } = job
  if (votesByMs === null) return false
  const ticket = runningTicket(turn.state, job)?.id ?? null
  const came = hasLease(turn, job)
  if (!came && turn.state.atMs < votesByMs && ticket !== null) return false
  job.votesByMs = null
  stepLine(turn, ticket, FIRST_VOTES_TEXT, came ? 'done' : 'failed')
  if (came || !owns(turn.state, job)) return false
  setRecord(turn, job, { desired: 'offline' })
  job.next = null
  job.phase = 'offline'
  endTicket(turn, ticket, whyNoQuorum(turn, job))
  return true
}
