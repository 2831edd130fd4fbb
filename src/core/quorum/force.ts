import { owns, type JobState, type State } from '../state'
import { isFresh } from './view'
import { renewed, renewEveryMs } from './lease'
import { log, type Turn } from '../turn'
import { rulesOf } from './rules'

/**
 * Forced service, until a voter has recorded it. An administrator has said that this node serves without a second vote; as long as no voter can be asked
 * it gives itself the leases that one would have given, so that all that obeys a lease goes on as ever. The first voter that grants one ends it; so does
 * the first that goes on letting the other node serve, for then that one is alive, and what was believed of it was wrong.
 *
 * After a restart of the node, or a sleep, nothing of it is left but the record: much may have happened meanwhile, so it is for the administrator to say it
 * again.
 */
export const servesByForce = (state: State, job: JobState): boolean =>
  job.forcing && owns(state, job) && job.record.forced?.roleSequence === job.record.roleSequence

/** A voter that answers, and by whose leave the other node may be serving right now; null: none. */
export function letsPeerServe(state: State, job: JobState): string | null {
  const rules = rulesOf(state, job)
  const voter = rules?.voters.find((each) => job.quorum?.asked[each].leasedTo === state.peerNode && isFresh(job, each, state.atMs, rules))
  return voter === undefined ? null : voter === 'peer' ? state.peerNode : voter
}

/** As often as a voter would renew it. */
export function renewByForce(turn: Turn, job: JobState): void {
  const { state } = turn
  endForRival(state, job)
  const { quorum, record } = job
  const times = rulesOf(state, job)?.times
  if (quorum === null || times === undefined || !servesByForce(state, job)) return
  const { lease } = quorum
  const begins = lease.roleSequence !== record.roleSequence
  if (!begins && state.atMs >= lease.untilMs) return endAfterSleep(turn, job)
  if (begins || state.atMs >= lease.untilMs - times.leaseMs + renewEveryMs(times))
    job.quorum = { ...quorum, lease: renewed(lease, record.roleSequence, state.atMs, times) }
}

/** It has not renewed its own lease: it was asleep, and what the administrator saw is so long ago that a voter may be back, and the other node with it. */
function endAfterSleep(turn: Turn, job: JobState): void {
  const { node } = turn.state
  job.forcing = false
  log(
    turn,
    'error',
    `${node} was asleep while it served ${job.name} by force, and the other node may serve by now: forcetake ${job.name} says it once more`,
    job
  )
}

/** One that has just started lets the owner that it knew serve for a lease, whether it lives or not; only who renews has it for longer. */
function endForRival(state: State, job: JobState): void {
  const times = rulesOf(state, job)?.times
  if (!job.forcing || !job.record.forced || times === undefined) return
  job.rivalSinceMs = letsPeerServe(state, job) === null ? null : (job.rivalSinceMs ?? state.atMs)
  if (job.rivalSinceMs !== null && state.atMs - job.rivalSinceMs > times.leaseMs + 2 * times.driftMs) job.forcing = false
}
