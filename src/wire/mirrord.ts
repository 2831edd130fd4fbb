import type { NeedToVerify, Safety } from '../model'
import type { CheckMode, Difference, DifferenceKind } from './frameFields'

/**
 * What the engine and a job's mirrord say to each other: JSON lines over `<run>/<job>.mirrord.sock`.
 * Several clients may be connected (an old engine and its successor); each request is answered on its own connection,
 * status events go to all. mirrord lives on when the engine goes away.
 */
export interface MirrordConfig {
  job: string
  node: string
  peerNode: string
  /** `name`: what the folder is called for both nodes, where each has a path of its own. */
  folders: { path: string; exclude: string[]; name?: string }[]
  capture: 'fuse' | 'watch'
  queueBytes: number
  /** What does not fit the memory queue waits here, on disk; 0: no page file. */
  pagefileBytes: number
  /** The redo log of a target holds at most so much that is not applied yet; then the source waits. */
  redoQueueBytes: number
  /** Redo log, page file and dirty map: `<state>/<job>.data`. */
  dataDirectory: string
  /** The mirroring paper's partner timeout: safety FULL waits so long for a target that does not answer before it asks to go on without. */
  partnerTimeoutMs: number
  /** Speed limit of the stream; null: none. */
  bandwidthBytesPerSecond: number | null
  port: number
  /** Data links in order of preference. */
  links: { name: string; localAddress: string; peerAddress: string }[]
  /** Files with the cluster's certificates: mutual TLS 1.3. */
  tls: { caFile: string; certFile: string; keyFile: string }
  /** The job's mode has a quorum: as source nothing is acknowledged as durable, and nothing sent, without a lease. Absent: it needs none. */
  leased?: boolean
}

/** What a source or a target takes on while it works. */
export type LiveMirrordConfig = Pick<MirrordConfig, 'links' | 'partnerTimeoutMs' | 'redoQueueBytes' | 'bandwidthBytesPerSecond'>

export type MirrordRequest = {
  id: number
} /**
 * First request to a mirrord that was just started. A source or a target takes on what is in LiveMirrordConfig; when anything else differs it is
 * refused besides (E_MIRRORD_CONFIG), and that stays what it was.
 */ & (
  | { do: 'configure'; config: MirrordConfig }
  | { do: 'status' }
  /** Mount capture over the folders and send to the peer. Answered when applications may start. Idempotent for the same roleSequence. */
  | { do: 'source'; roleSequence: number; peerCopyComplete: boolean }
  /** Unmount, listen, apply what the source sends. */
  | { do: 'target'; roleSequence: number }
  /** Nothing queued is left to send and the target has applied all: answered then, or with an error at the timeout. Later writes are not waited for. */
  | { do: 'drain'; timeoutMs: number }
  /** Replication stops and capture is unmounted; the folder is an ordinary folder again. `force`: lazily, whatever still has files open. */
  | { do: 'stop'; force: boolean }
  | { do: 'mirror'; action: 'start' | 'stop' | 'pause' | 'resume' }
  /** Source: compare both sides while the application writes, and repair the target. */
  | { do: 'verify'; action: 'start' | 'stop'; mode: CheckMode }
  /** Differences of the last comparison, from this place in the list on. Answered by VerifyReport. */
  | { do: 'verifyReport'; from: number; max: number }
  /** Source: hold sending back (the session is SUSPENDED; writes queue) or go on; a target that stopped at a redo error tries again. */
  | { do: 'transmit'; action: 'pause' | 'resume' }
  /** Source: limit the stream, bytes per second; null: no limit. */
  | { do: 'bandwidth'; bytesPerSecond: number | null }
  /** From now on with this safety; kept on disk. Given before `source`, and at any time to a source. */
  | { do: 'safety'; safety: Safety; safetySequence: number }
  /** Source, safety FULL: it is recorded that the target is out of date, so acknowledge writes without it (answers `exposure: 'wanted'`). */
  | { do: 'expose'; roleSequence: number }
  /**
   * Modes with quorum: until then (on the clock of this boot, ms) a source of this role sequence acknowledges and sends. An older one changes nothing.
   * Answered at once, whatever else is under way.
   */
  | { do: 'lease'; roleSequence: number; untilMs: number }
  /** Anything but a source, for a drill: it hangs until then (on the clock of this boot, ms), and at most STILL_MS.max. Answered before it does. */
  | { do: 'still'; untilMs: number }
  /** Source: the administrator has said that this side's data is right; what the other one holds of its own is given up. */
  | { do: 'selectSource' }
  /**
   * The installed program is newer: it is started once to see that it can take over; then this process ends with the job online, and its keeper starts that
   * one, which goes on. Without `command`: the one on disk where this one came from.
   */
  | { do: 'handOver'; command?: ProgramCommand }
  /**
   * What `configure` refuses. A source hands over to a successor with the new configuration (`handsOver`), its folders stay served meanwhile; refused with
   * E_FOLDER_USED while files are open in a folder that is to be captured or let go of. `look`: only says what stands in the way.
   */
  | { do: 'rebuild'; config: MirrordConfig; look?: boolean }
  /** Ends the process, after `stop`. */
  | { do: 'exit' }
)

export interface ProgramCommand {
  file: string
  args: string[]
}

export type MirrordReply = { id: number; ok: true; result?: unknown } | { id: number; ok: false; error: { code: string; message: string; tryThis: string } }

export type MirrordEvent =
  | { event: 'status'; status: MirrordStatus }
  /** Capture or redo can no longer be trusted: the engine restarts the job or fails it over. */
  | { event: 'fault'; code: string; message: string }

/** Everything the property view of product §4 shows about data. Sent on change, at most every STATUS_INTERVAL_MS. */
export interface MirrordStatus {
  role: 'none' | 'source' | 'target'
  roleSequence: number
  connected: boolean
  /** The data link in use, by name; null while not connected. */
  link: string | null
  /** Per data link: reachable as far as known. */
  links: { name: string; state: 'OK' | 'Error' }[]
  mirror: { state: 'Idle' | 'Mirror' | 'Pause' | 'Stop'; percent: number; leftBytes: number; leftMs: number | null }
  /** A comparison, running or the last one. */
  verify: VerifyView
  replication: 'Idle' | 'Replicating' | 'Pause' | 'Stop'
  session: SessionView
  speedBytesPerSecond: number
  sentBytes: number
  queuedBytes: number
  /** In the page file; null: there is none. */
  pagefileBytes: number | null
  /** What the dirty map says may differ, bytes; null: it cannot say (everything may). */
  dirtyBytes: number | null
  /** On the target, or what it last said of itself: received and not applied yet. */
  redoQueueBytes: number
  bandwidthBytesPerSecond: number | null
  needToVerify: NeedToVerify
  targetSide: 'Idle' | 'Full Mirror' | 'Verifying' | 'Stop' | 'Absent'
  /** Source: last LSN given out. Target: last LSN that is hard in its redo log. */
  lsn: number
  /** Source: what the target has applied. Target: what it has applied itself. */
  appliedLsn: number
  /** Target only, and on disk: a full mirror into this copy has ended and all since has been applied. */
  copyComplete: boolean
  /** Target only: it knows this from its source. Else it cannot tell: it was stopped, and anybody may have changed the folder. Absent: that of a version that did not say so. */
  copyKnown?: boolean
  fault: { code: string; message: string } | null
  /** Absent: that of a version that did not say so. */
  program?: ProgramView
}

/** The process that speaks. */
export interface ProgramView {
  version: string
  pid: number
  /** It goes on where another one handed over, and for so long nobody served the folders, or received. null: it was started otherwise. */
  pausedMs: number | null
  /** It is the one from before, started again: why the program that was to take over did not. */
  insteadWhy: string | null
}

/** What became of a job's data program when another one took over from it. */
export interface Upgraded {
  version: string | null
  /** Applications waited so long in its folders; null: it served none. */
  pausedMs: number | null
  /** So long after its end the two nodes were connected again; null: they were not before, or are not yet. */
  silentMs: number | null
}

export const STATUS_INTERVAL_MS = 200

export interface VerifyView {
  state: 'Idle' | 'Verifying' | 'Stop'
  mode: CheckMode
  percent: number
  leftBytes: number
  leftMs: number | null
  /** Found (and repaired) by the comparison that runs or ran last; null: none has run. */
  differences: number | null
}

/** The mirroring session as this side sees it: the catalogue view of the mirroring paper (table 3). */
export interface SessionView {
  safety: Safety
  safetySequence: number
  /** null: no session (stopped). */
  state: 'SYNCHRONIZING' | 'SYNCHRONIZED' | 'SUSPENDED' | 'DISCONNECTED' | null
  /** Why it is SUSPENDED or DISCONNECTED. */
  why: string | null
  /** The last LSN known to be hard on both sides. */
  failoverLsn: number
  /**
   * Safety FULL, source. `protected`: no write is acknowledged that the target does not have. `wanted`: applications wait for a
   * target that does not answer, until it is recorded that it is out of date. `granted`: it is, and writes are acknowledged.
   * Safety OFF: always `granted`.
   */
  exposure: 'protected' | 'wanted' | 'granted'
  /** Serving while the mirror is not receiving, since (wall clock, epoch ms); null: not exposed. */
  exposedSinceMs: number | null
}

/** Answer to `verifyReport`. */
export interface VerifyReport {
  mode: CheckMode
  state: VerifyView['state']
  startedAtMs: number | null
  endedAtMs: number | null
  total: number
  /** The total, by kind of difference. */
  kinds?: Record<DifferenceKind, number>
  /** The list keeps at most VERIFY_LIST_MAX; `total` counts all. */
  from: number
  differences: (Difference & { atMs: number })[]
}

export const VERIFY_LIST_MAX = 10_000
