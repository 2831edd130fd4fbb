import type { QuorumView } from '../../wire'
import type { JobState, State } from '../state'
import { isValid, renewEveryMs } from './lease'
import { rulesOf, type QuorumRules } from './rules'

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
  return { leaseLeftMs: owner ? lease.untilMs - state.atMs : null, witness: rules.voters.includes('witness') ? witnessWord(state, job, rules) : null }
}

/** Table 7, as this partner sees it. One that has lost its memory cannot be counted on before it has heard both. */
function witnessWord(state: State, job: JobState, rules: QuorumRules): QuorumView['witness'] {
  const asked = job.quorum?.asked.witness
  if (asked === undefined || asked.answeredAtMs === null) return 'UNKNOWN'
  if (!isFresh(job, 'witness', state.atMs, rules)) return 'DISCONNECTED'
  return asked.held === null ? 'UNKNOWN' : 'CONNECTED'
}
