import { owns, type JobState, type State } from '../state'
import { endTicket, runningTicket, stepLine } from '../tickets'
import { setRecord, type Seeing, type Turn } from '../turn'
import { ageText } from '../words'
import { renewEveryMs } from './lease'
import { hasLease, longestTimes, rulesOf } from './rules'
import { whyNoQuorum } from './serve'
import { isFresh } from './view'
import { UNKNOWN_HOLDER, type VoterTimes } from './voter'

/** An engine that has just started looks for what runs, and the first answers are on their way. */
const FIRST_VOTES_MS_MIN = 10_000

/**
 * An engine has started, the rules have changed, or the job is new: the voters have been asked and have not answered yet, or may have let somebody serve
 * whom they do not remember, which is over after a lease. Who brings the job in just then is not refused; their votes are waited for, but not for ever.
 */
export const firstVotesMs = (times: VoterTimes): number => Math.max(FIRST_VOTES_MS_MIN, times.leaseMs + times.driftMs + renewEveryMs(times))

const waitMs = (state: State, job: JobState): number => {
  const rules = rulesOf(state, job)
  return rules === null ? FIRST_VOTES_MS_MIN : firstVotesMs(longestTimes(state, rules.times))
}

/** Whose vote is waited for, and how long. */
export function firstVotesText({ state }: Seeing, job: JobState): string {
  const voters = rulesOf(state, job)?.voters ?? []
  const names = voters.map((voter) => (voter === 'peer' ? state.peerNode : 'the witness')).join(' or ')
  return `Wait for the first vote, of ${names}, up to ${ageText(waitMs(state, job))}`
}

export const votesMayCome = ({ state }: Seeing, job: JobState): boolean =>
  job.quorum !== null && (state.atMs - job.quorum.sinceMs < waitMs(state, job) || someoneForgot(state, job))

/** A voter answers, and has begun anew: for a lease it votes for nobody. */
function someoneForgot(state: State, job: JobState): boolean {
  const rules = rulesOf(state, job)
  if (rules === null) return false
  return rules.voters.some((voter) => job.quorum?.asked[voter].leasedTo === UNKNOWN_HOLDER && isFresh(job, voter, state.atMs, rules))
}

export function awaitFirstVotes(turn: Turn, job: JobState): void {
  job.votesByMs = null
  if (hasLease(turn, job)) return
  job.votesByMs = turn.state.atMs + waitMs(turn.state, job)
  stepLine(turn, job.ticket, firstVotesText(turn, job), 'begin')
}

/** True: they have not come in time, and the job stays offline. */
export function settleFirstVotes(turn: Turn, job: JobState): boolean {
  const { votesByMs } = job
  if (votesByMs === null) return false
  const ticket = runningTicket(turn.state, job)?.id ?? null
  const came = hasLease(turn, job)
  if (!came && turn.state.atMs < votesByMs && ticket !== null) return false
  job.votesByMs = null
  stepLine(turn, ticket, firstVotesText(turn, job), came ? 'done' : 'failed')
  if (came || !owns(turn.state, job)) return false
  setRecord(turn, job, { desired: 'offline' })
  job.next = null
  job.phase = 'offline'
  // It is where it was; that there is no quorum now is for the ticket to say.
  job.note = null
  endTicket(turn, ticket, whyNoQuorum(turn, job))
  return true
}
