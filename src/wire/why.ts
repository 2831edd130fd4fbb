import type { NodeName } from '../model'

/** One condition of a decision: what is seen, by whom, and how long ago. */
export interface CheckView {
  check: string
  met: boolean
  value: string
  /** What it means that it is not met; null: it is. */
  why: string | null
  observer: string
  /** null: never seen. */
  ageMs: number | null
}

/**
 * `serve`: may the owner run it? `switch`: would its owner hand it over? `failover`: would the standby take over by itself if the owner were lost now?
 * `accept`: would the standby take it when it is handed over? `monitor`: would its owner's system resource monitor move it, if an event asked for it now (only
 * where one can)? Each is answered by the node that decides it, with the decision's own conditions.
 */
export type Question = 'serve' | 'switch' | 'failover' | 'accept' | 'monitor'

export interface DecisionView {
  question: Question
  /** Who decides, and was asked. */
  node: NodeName
  yes: boolean
  checks: CheckView[]
  /** `failover` only: what has to happen first, as it stands now; all of it met: it is happening. */
  trigger?: CheckView[]
}

/** What one node says, and what it heard from the other one when it asked; `unheard`: why there is nothing from that one. */
export interface WhyAnswer {
  job: string
  node: NodeName
  owner: NodeName
  decisions: DecisionView[]
  unheard: string | null
}
