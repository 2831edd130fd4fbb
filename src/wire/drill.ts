import type { JobName, NodeName } from '../model'
import type { DrillTargets } from '../model/drill'

/** A rehearsal: what is done to a job that is whole, and must be survived. */
export const DRILL_KINDS = ['switch', 'kill-app', 'cut-link', 'freeze-peer'] as const
export type DrillKind = (typeof DRILL_KINDS)[number]

/** What one of them measured. */
export interface DrillEntry {
  job: JobName
  kind: DrillKind
  /** The application that was killed, the link that was cut, the node that stood still; null: of a switch. */
  what: string | null
  account: string
  reason: string | null
  /** Wall clock of the owner at the beginning. */
  atMs: number
  from: NodeName
  to: NodeName
  /** The longest time without service; null: it did not come back while it was looked at. */
  outageMs: number | null
  /** Whether the outage was seen on the virtual address too, or by what the owner says of its applications alone. */
  probedVip: boolean
  /** So many writes of the probe were acknowledged, and so many of them were missing afterwards; null: nothing could be written. */
  writes: number
  lost: number | null
  /** From the first try of a write of the probe until it was acknowledged: the longest; null: nothing could be written, or the last one was not. */
  waitMs: number | null
  /** Of a node that stood still: for how long, and when and by what the owner noticed; null: not noticed. */
  still: { forMs: number; noticedMs: number | null; noticed: string | null } | null
  /** From the beginning until a fault would be survived again; null: not while it was looked at. */
  syncMs: number | null
  targets: DrillTargets
  /** Which of them was missed, in words; empty: none. */
  missed: string[]
}

/** So much is said of what was missed. */
export const DRILL_MISSED_MAX = 5
/** So many are kept of a job on each node. */
export const DRILLS_MAX = 100

export interface DrillsAnswer {
  job: JobName
  node: NodeName
  /** The oldest first. */
  entries: DrillEntry[]
  /** What the configuration asks of a drill of this job. */
  targets: DrillTargets
  /** How this node stood still last, since its engine started; null: it has not. Absent: an earlier version, which cannot. */
  still?: StoodStill | null
}

export interface StoodStill {
  job: JobName
  forMs: number
  /** So long nothing of it moved; null: it has not begun yet. */
  lastedMs: number | null
  /** What did not stand still, in words; empty: all of it did. */
  whyNot: string[]
}

/** What stands in the probe on this node, whoever serves the job; null: nothing. */
export interface ProbeSeen {
  node: NodeName
  sequence: number | null
}

/** `sequence`: written, and hard on disk as the job's safety promises. `before`: what stood there; null: nothing. */
export interface ProbeAnswer {
  node: NodeName
  sequence: number
  before: number | null
}

/** A heartbeat link is held for at most so long. */
export const LINK_HOLD_MS_MAX = 120_000
/** A node stands still for at most so long. */
export const STILL_MS = { min: 1_000, max: 60_000 }
/** Long enough for any probe. */
export const PROBE_SEQUENCE_MAX = 1_000_000
