import type { CheckView } from '../wire'
import type { JobState, State } from './state'

/**
 * One condition of a decision. The decision asks whether all are met; `why` and `ready` show the same list to a person, so there is no second copy of
 * the rules that could differ. The words are made only when somebody reads them.
 */
export interface Check {
  name: string
  met: boolean
  value: () => string
  /** What it means that it is not met. */
  why: () => string
  by: Observer
}

/** This node itself, now; the other engine, when it last spoke; a voter, by its last answer. */
export type Observer = 'self' | 'peer' | 'peerVote' | 'witnessVote'

export const firstUnmet = <C extends { met: boolean }>(checks: readonly C[]): C | null => checks.find(({ met }) => !met) ?? null

export const allMet = (checks: readonly Check[]): boolean => checks.every(({ met }) => met)

/** The reason of the first one that is not met; null: all are. */
export const whyNot = (checks: readonly Check[]): string | null => firstUnmet(checks)?.why() ?? null

export function checkView(state: State, job: JobState, { name, met, value, why, by }: Check): CheckView {
  return { check: name, met, value: value(), why: met ? null : why(), ...seenBy(state, job, by) }
}

function seenBy(state: State, job: JobState, by: Observer): Pick<CheckView, 'observer' | 'ageMs'> {
  const { node, peerNode, peer } = state
  const since = (atMs: number | null): number | null => (atMs === null ? null : Math.max(0, Math.round(state.atMs - atMs)))
  switch (by) {
    case 'self':
      return { observer: node, ageMs: 0 }
    case 'peer':
      return { observer: peerNode, ageMs: since(peer?.atMs ?? null) }
    case 'peerVote':
      return { observer: peerNode, ageMs: since(job.quorum?.asked.peer.answeredAtMs ?? null) }
    case 'witnessVote':
      return { observer: 'witness', ageMs: since(job.quorum?.asked.witness.answeredAtMs ?? null) }
  }
}
