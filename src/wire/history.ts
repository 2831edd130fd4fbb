import type { JobName, NodeName, Safety, TakeReason } from '../model'
import type { LossView } from './api'
import type { CheckView } from './why'

/** What one node knows of one change of owner: written when it begins, and again when it has ended. Two nodes keep one each. */
export interface TakeoverView {
  job: JobName
  /** Who wrote it; `gives`: the owner that hands over, `takes`: the new one. */
  node: NodeName
  part: 'gives' | 'takes'
  roleSequence: number
  from: NodeName
  to: NodeName
  /** switch, takeover, forcetake, selectsrc; null: nobody typed anything, as far as this node knows. */
  command: string | null
  account: string | null
  reason: string | null
  takeReason: TakeReason
  /** Wall clock of the node. */
  atMs: number
  /** Before it began. */
  before: { roleSequence: number; safety: Safety; safetySequence: number; mirrorInSync: boolean; syncSequence: number; needToVerify: string }
  links: { name: string; up: boolean; ageMs: number | null }[]
  /** How long ago the other engine last spoke, and what it did with the job then. */
  peer: { ageMs: number; phase: string } | null
  votes: { voter: string; ageMs: number | null; leasedTo: string | null; roleSequence: number | null }[]
  checks: CheckView[]
  timers: { heartbeatMs: number; leaseMs: number | null; driftMs: number | null }
  loss: LossView | null
  end: TakeoverEnd | null
  /** Of the new owner, when the old one was back and equal again. */
  returned?: ReturnView
}

/** What the comparison on the return of the old owner found; null: none was made, all was copied anew, or nothing had to be. */
export interface ReturnView {
  atMs: number
  compared: 'full' | 'difference' | null
  /** Places that differed: what the old owner had of its own, and what was written while it was away. 0: nothing is missing. */
  differences: number | null
  /** In how many files, and how much of them where that is known; absent: not looked at. */
  files?: number
  bytes?: number
}

export interface TakeoverEnd {
  atMs: number
  outcome: 'online' | 'offline' | 'failed'
  /** From the last sign of service to the end; null: it was not served, or nobody here knows when it was last. */
  outageMs: number | null
}

/** Both nodes' records, the newest last. */
export interface HistoryAnswer {
  job: JobName
  node: NodeName
  entries: TakeoverView[]
  /** Why there is nothing of the other node. */
  unheard: string | null
}

/** So many changes of owner are kept of a job on each node. */
export const TAKEOVERS_MAX = 100
