import { owns, type JobState, type State } from '../state'
import { isFresh } from './view'
import { renewed, renewEveryMs } from './lease'
import { rulesOf } from './rules'

/**
 * Forced service, until a voter has recorded it. An administrator has said that this node serves without a second vote; as long as no voter can be asked
 * it gives itself the leases that one would have given, so that all that obeys a lease goes on as ever. The first voter that grants one ends it; so does
 * the first that goes on letting the other node serve, for then that one is alive, and what was believed of it was wrong.
 *
 * After a restart of the node nothing of it is left but the record: much may have happened meanwhile, so it is for the administrator to say it again.
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
export function renewByForce(state: State, job: JobState): void {
  endForRival(state, job)
  const { quorum, record } = job
  const times = rulesOf(state, job)?.times
  if (quorum === null || times === undefined || !servesByForce(state, job)) return
  const due = quorum.lease.roleSequence !== record.roleSequence || state.atMs >= quorum.lease.untilMs - times.leaseMs + renewEveryMs(times)
  if (due) job.quorum = { ...quorum, lease: renewed(quorum.lease, record.roleSequence, state.atMs, times) }
}

/** One that has just started lets the owner that it knew serve for a lease, whether it lives or not; only who renews has it for longer. */
function endForRival(state: State, job: JobState): void {
  const times = rulesOf(state, job)?.times
  if (!job.forcing || !job.record.forced || times === undefined) return
  job.rivalSinceMs = letsPeerServe(state, job) === null ? null : (job.rivalSinceMs ?? state.atMs)
  if (job.rivalSinceMs !== null && state.atMs - job.rivalSinceMs > times.leaseMs + 2 * times.driftMs) job.forcing = false
}
