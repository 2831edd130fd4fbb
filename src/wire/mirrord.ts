import type { NeedToVerify } from '../model'

/**
 * What the engine and a job's mirrord say to each other: JSON lines over `<run>/<job>.mirrord.sock`.
 * Several clients may be connected (an old engine and its successor); each request is answered on its own connection,
 * status events go to all. mirrord lives on when the engine goes away.
 */
export interface MirrordConfig {
  job: string
  node: string
  peerNode: string
  folders: { path: string; exclude: string[] }[]
  capture: 'fuse' | 'watch'
  queueBytes: number
  port: number
  /** Data links in order of preference. */
  links: { name: string; localAddress: string; peerAddress: string }[]
  /** Files with the cluster's certificates: mutual TLS 1.3. */
  tls: { caFile: string; certFile: string; keyFile: string }
}

export type MirrordRequest = {
  id: number
} /** First request to a mirrord that was just started; to one that has it already it must be equal, else E_MIRRORD_CONFIG. */ & (
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
  /** Ends the process, after `stop`. */
  | { do: 'exit' }
)

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
  replication: 'Idle' | 'Replicating' | 'Pause' | 'Stop'
  speedBytesPerSecond: number
  sentBytes: number
  queuedBytes: number
  pagefileBytes: number | null
  needToVerify: NeedToVerify
  targetSide: 'Idle' | 'Full Mirror' | 'Verifying' | 'Stop' | 'Absent'
  /** Source: last LSN given out. Target: last LSN received. */
  lsn: number
  /** Source: what the target has applied. Target: what it has applied itself. */
  appliedLsn: number
  /** Target only, and on disk: a full mirror into this copy has ended and all since has been applied. */
  copyComplete: boolean
  fault: { code: string; message: string } | null
}

export const STATUS_INTERVAL_MS = 200
