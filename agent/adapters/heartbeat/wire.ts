import * as z from 'zod'
import { LINK_HOLD_MS_MAX } from '../../../src/wire'
import type { HeartbeatView } from '../../ports'
import { type Guarded, guardedSchema } from '../guard/guarded'
import { type HeartbeatConfig, heartbeatLinkSchema } from './config'

/** What the engine says to the heartbeat program: JSON lines over `<run>/heartbeat.sock`. */
export const requestSchema = z.discriminatedUnion('do', [
  /** The engine lives. Sent every ENGINE_PING_MS. */
  z.object({ do: z.literal('ping') }),
  /** The node begins to shut down: say so to the peer on every link, and go on. */
  z.object({ do: z.literal('leaving') }),
  /** The node shuts down cleanly: say so to the peer on every link, then end. */
  z.object({ do: z.literal('leave') }),
  /** End now, without a word to the peer: a successor with another configuration follows. */
  z.object({ do: z.literal('end') }),
  /** These links from now on; one that is as it was goes on without a gap. Answered by a hello. */
  z.object({ do: z.literal('links'), links: z.array(heartbeatLinkSchema) }),
  /** A drill: nothing is sent or heard on this link for so long, or until no other one is heard in time. */
  z.object({ do: z.literal('hold'), link: z.string(), forMs: z.int().min(0).max(LINK_HOLD_MS_MAX) }),
  /** A drill: the program hangs until then, on the clock of this boot, and at most STILL_MS.max. Its guard does not. */
  z.object({ do: z.literal('still'), untilMs: z.number().nonnegative() }),
  /** A job is served under this lease. */
  z.object({ do: z.literal('guard'), guarded: guardedSchema }),
  /** It needs no lease any more. */
  z.object({ do: z.literal('forget'), job: z.string() })
])

export type HeartbeatRequest = z.infer<typeof requestSchema>

export type HeartbeatEvent =
  /** First line of every connection, and after a change of the links. `leaving`: the other node is being told that this one shuts down. */
  | { event: 'hello'; pid: number; config: HeartbeatConfig; keyFingerprint: string; leaving?: boolean }
  /** At every change, and every COUNTERS_MS for the counters. */
  | { event: 'view'; view: HeartbeatView }
  /** Before the first view: the leases that are guarded. */
  | { event: 'guards'; guarded: Guarded[] }
  /** Something of a job was still there at the end of its lease, and was ended. */
  | { event: 'killed'; job: string; what: string[] }

export const ENGINE_PING_MS = 1_000
/** The peer's engine is called silent after three pings missed; its own restart takes less. */
export const ENGINE_SILENT_MS = 3_500
export const COUNTERS_MS = 1_000
export const LINE_LENGTH_MAX = 1024 * 1024
export const SOCKET_QUEUE_BYTES_MAX = 2 * LINE_LENGTH_MAX
