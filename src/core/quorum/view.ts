import type { QuorumView, WitnessWord } from '../../wire'
import type { JobState, State } from '../state'
import { isValid, renewEveryMs } from './lease'
import { hasWitness, rulesOf, type QuorumRules } from './rules'

/** So many questions in a row without an answer, and the voter is away. */
const MISSES = 2.5

export const isFresh = (job: JobState, voter: 'peer' | 'witness', atMs: number, { times }: QuorumRules): boolean => {
  const at = job.quorum?.asked[voter].answeredAtMs ?? null
  return at !== null && atMs - at <= MISSES * renewEveryMs(times)
}

export function quorumView(state: State, job: JobState): QuorumView | null {
  const { quorum, record } = job
  const rules = rulesOf(state, job)
  if (quorum === null || rules === null) return null
  const { lease } = quorum
  const owner = record.owner === state.node && isValid(lease, record.roleSequence, state.atMs)
  return { leaseLeftMs: owner ? Math.round(lease.untilMs - state.atMs) : null, witness: witnessWord(state, job), ...holds(state, job) }
}

/** Table 4. */
function holds(state: State, job: JobState): Pick<QuorumView, 'witnessAddress' | 'witnessHolds'> {
  const asked = job.quorum?.asked.witness
  const address = hasWitness(state, job) ? (state.config.witness?.address ?? null) : null
  if (address === null || asked === undefined || asked.answeredAtMs === null) return { witnessAddress: address, witnessHolds: null }
  const ageMs = Math.max(0, Math.round(state.atMs - asked.answeredAtMs))
  return { witnessAddress: address, witnessHolds: { ballot: asked.held, leasedTo: asked.leasedTo, ageMs } }
}

/** Table 7, as this partner sees it; null: the mode has none. One that has lost its memory cannot be counted on before it has heard both. */
export function witnessWord(state: State, job: JobState): WitnessWord | null {
  const rules = rulesOf(state, job)
  if (rules === null || !rules.voters.includes('witness')) return null
  const asked = job.quorum?.asked.witness
  if (asked === undefined || asked.answeredAtMs === null) return 'UNKNOWN'
  if (!isFresh(job, 'witness', state.atMs, rules)) return 'DISCONNECTED'
  return asked.held === null ? 'UNKNOWN' : 'CONNECTED'
}
