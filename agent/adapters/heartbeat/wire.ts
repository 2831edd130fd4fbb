import type { HeartbeatView } from '../../ports'
import type { HeartbeatConfig } from './config'

/** What engine and heartbeat program say to each other: JSON lines over `<run>/heartbeat.sock`. */
export type HeartbeatRequest =
  /** The engine lives. Sent every ENGINE_PING_MS. */
  | { do: 'ping' }
  /** The node shuts down cleanly: say so to the peer on every link, then end. */
  | { do: 'leave' }
  /** End now, without a word to the peer: a successor with another configuration follows. */
  | { do: 'end' }

export type HeartbeatEvent =
  /** First line of every connection. */
  | { event: 'hello'; pid: number; config: HeartbeatConfig; keyFingerprint: string }
  /** At every change, and every COUNTERS_MS for the counters. */
  | { event: 'view'; view: HeartbeatView }

export const ENGINE_PING_MS = 1_000
/** The peer's engine is called silent after three pings missed; its own restart takes less. */
export const ENGINE_SILENT_MS = 3_500
export const COUNTERS_MS = 1_000
export const LINE_LENGTH_MAX = 64 * 1024
export const SOCKET_QUEUE_BYTES_MAX = 256 * 1024
