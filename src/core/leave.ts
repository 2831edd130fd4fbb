import { dataIsStopped } from './detached'
import { stopStages } from './order'
import { beginPlan } from './plan'
import { giveUpLease } from './quorum/release'
import { rulesOf } from './quorum/rules'
import { configOf, isTouched, owns, type JobState, type State } from './state'
import { log, setNote, type Turn } from './turn'

/** The machine shuts down in order: what this node serves is stopped here, and nothing begins here any more. The other one is told by what follows. */
export function leave(turn: Turn): void {
  if (turn.state.leaving) return
  turn.state.leaving = true
  log(turn, 'info', `${turn.state.node} is shutting down: what it serves stops here`)
}

/** An owner on its way out. What is wanted of the job stays as it was: the other node takes it, or this one when it is back. */
export function settleLeaving(turn: Turn, job: JobState): void {
  if (isTouched(job)) return stop(turn, job)
  job.phase = 'offline'
  setNote(turn, job, `${turn.state.node} is shutting down`, 'info')
  giveUpLease(turn, job)
}

function stop(turn: Turn, job: JobState): void {
  if (turn.state.atMs < job.retryAtMs) return
  job.phase = 'stopping'
  beginPlan(turn, job, 'stop', 'automatic', stopStages(configOf(turn.state, job), someoneTakes(turn.state, job)))
}

/** Nobody takes what is queued where the other node is gone, or where it is held back: a shutdown does not wait for it. */
const someoneTakes = ({ peerAlive, leavingSinceMs }: State, job: JobState): boolean =>
  !dataIsStopped(job) && (job.data?.connected === true || (peerAlive === 'up' && leavingSinceMs === null))

/** A voter that has not answered by then is not waited for: what it has given ends by itself. */
const RELEASE_PATIENCE_MS = 3_000

/** It has ended when nothing of any job is left here, and the voters have been told. */
export const hasLeft = (state: State): boolean =>
  Object.values(state.jobs).every((job) => !isTouched(job) && job.plan === null && (job.record.released !== true || leaseIsReleased(state, job)))

/** By all of them: the other node needs its own vote and a second one, and would wait for the end of the lease with either. */
function leaseIsReleased(state: State, job: JobState): boolean {
  const { quorum } = job
  const rules = rulesOf(state, job)
  if (quorum === null || rules === null) return true
  return rules.voters.every((voter) => {
    const { last, sent } = quorum.asked[voter]
    if (last?.kind !== 'release') return false
    return sent.length === 0 || (voter === 'peer' && state.peerAlive !== 'up') || state.atMs - (sent[0]?.atMs ?? 0) >= RELEASE_PATIENCE_MS
  })
}

/** One line a job, for whoever waits for the end of it. */
export function leaveLines(state: State): string[] {
  return Object.values(state.jobs).map((job) => `${job.name}: ${leaveWords(state, job)}`)
}

function leaveWords(state: State, job: JobState): string {
  const { owner } = job.record
  if (!state.leaving) return 'waits for the engine'
  if (job.plan !== null && job.plan.kind !== 'observe') return `${job.plan.kind === 'stop' ? 'is stopped' : `is busy (${job.plan.kind})`} on ${state.node}`
  if (isTouched(job)) return `still runs on ${state.node}${job.note === null ? '' : ` (${job.note})`}`
  if (!owns(state, job)) return `${owner} owns it`
  return leaseIsReleased(state, job) ? `nothing of it runs on ${state.node}` : `nothing of it runs on ${state.node}; the voters are told`
}
