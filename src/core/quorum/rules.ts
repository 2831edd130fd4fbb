import type { QuorumConfig } from '../../model'
import type { VoterName } from '../event'
import type { Ballot } from '../../wire'
import { hasData, type Asked, type JobState, type QuorumState, type State } from '../state'
import { ballotOf } from './ballot'
import type { Seeing } from '../turn'
import { mayGoOn, NO_LEASE } from './lease'
import { startVoter, type VoterTimes } from './voter'

/**
 * What product §6 says about a mode with quorum. The vote of a new witness counts from when the other node, too, asks it and not the one before: with
 * only the two nodes as voters in between, no two votes of before and two of after are without a common one.
 */
export interface QuorumRules {
  /** Any one of them and this node are two of three; in high protection there are only two. */
  voters: VoterName[]
  /** The mirror takes over by itself. */
  automatic: boolean
  times: QuorumConfig
}

export function rulesOf({ config, unconfirmed }: State, { name }: Pick<JobState, 'name'>): QuorumRules | null {
  const mode = config.jobs[name]?.mode
  const { quorum: times } = config
  if (times === undefined) return null
  if (mode === 'high-availability') return { voters: unconfirmed?.witness ? ['peer'] : ['peer', 'witness'], automatic: true, times }
  return mode === 'high-protection' ? { voters: ['peer'], automatic: false, times } : null
}

export const hasWitness = (state: State, job: JobState): boolean => rulesOf(state, job)?.voters.includes('witness') === true

/** What this node holds. Where there is no data nothing can be out of sync. */
export function ownBallot(state: State, job: JobState, { times }: QuorumRules): Ballot {
  const ballot = ballotOf(job.record, times.configVersion)
  return hasData(state, job) ? ballot : { ...ballot, mirrorInSync: true }
}

const neverAsked = (number: number): Asked => ({
  number,
  sent: [],
  last: null,
  nextAtMs: 0,
  incarnation: null,
  answeredAtMs: null,
  held: null,
  leasedTo: null,
  refused: null
})

/** Another one is the witness from now on: what the one before has said is not its word, and no answer of it counts any more. */
export function forgetWitness(job: JobState): void {
  if (job.quorum === null) return
  const { asked } = job.quorum
  job.quorum = { ...job.quorum, asked: { ...asked, witness: neverAsked(asked.witness.number) } }
}

export function hasLease(turn: Seeing, job: JobState): boolean {
  return job.quorum === null || mayGoOn(job.quorum.lease, job.record.roleSequence, turn.state.atMs)
}

/** As any voter that starts: it may have let the owner serve just before it died, by the times of then. */
export function startQuorum(state: State, job: JobState): QuorumState | null {
  const rules = rulesOf(state, job)
  if (rules === null) return null
  const { grant } = startVoter(state.incarnation, { ...job.record, configVersion: 0 }, state.atMs, longestTimes(state, rules.times))
  const asked = neverAsked(firstNumber(state))
  return { sinceMs: state.atMs, lease: NO_LEASE, grant, heard: {}, asked: { peer: asked, witness: asked }, told: NO_LEASE }
}

/**
 * Of the questions of one engine, by its clock, ms: nobody asks a thousand times a second. Votes may begin anew while it runs (the mode is changed and
 * changed back, the job is taken away and made again), and a voter that remembers what was asked before takes a smaller number for a late one.
 */
const firstNumber = ({ atMs }: State): number => Math.floor(atMs)

/** While a change of the rules is not over, what was granted by the ones before may count longer than by those of now. */
export const longestTimes = ({ unconfirmed }: State, { leaseMs, driftMs }: VoterTimes): VoterTimes => ({
  leaseMs: Math.max(leaseMs, unconfirmed?.longest.leaseMs ?? 0),
  driftMs: Math.max(driftMs, unconfirmed?.longest.driftMs ?? 0)
})
