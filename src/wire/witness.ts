import * as z from 'zod'
import type { VoteMessage, VoteReply } from './vote'
import { voteMessageSchema, voteReplySchema } from './voteSchemas'

/**
 * What a node and the witness say to each other: one JSON a line over one TLS connection, questions and answers in any order. Who asks and of which
 * cluster is what its certificate says, never what it says itself.
 */
export interface WitnessQuestion {
  /** Of this connection; the answer has it too. */
  id: number
  message: VoteMessage
  /** For so long the node counts on an answer: the witness has no configuration of its own. */
  leaseMs: number
  driftMs: number
  /** The version of the configuration in which this witness became the pair's. What a witness holds from before it was replaced counts no more. */
  since: number
}

export type WitnessAnswer =
  | { id: number; reply: VoteReply }
  /** id null: it could not be read. */
  | { id: number | null; refused: string }

export const WITNESS_LINE_LENGTH_MAX = 8 * 1024
/** No lease is longer: a witness that starts waits for the longest one it may have granted. */
export const WITNESS_LEASE_MS_MAX = 10 * 60_000

const count = z.int().nonnegative()
const ms = z.number().positive().max(WITNESS_LEASE_MS_MAX)

export const witnessQuestionSchema: z.ZodType<WitnessQuestion> = z.looseObject({
  id: count,
  message: voteMessageSchema,
  leaseMs: ms,
  driftMs: ms,
  since: count
})

export const witnessAnswerSchema: z.ZodType<WitnessAnswer> = z.union([
  z.looseObject({ id: count, reply: voteReplySchema }),
  z.looseObject({ id: count.nullable(), refused: z.string() })
])

/** What a witness's certificate calls it. A node cannot be called so: there is no colon in a name. */
const WITNESS_PREFIX = 'witness:'
export const witnessName = (host: string): string => `${WITNESS_PREFIX}${host}`
export const isWitnessName = (name: unknown): boolean => typeof name === 'string' && name.startsWith(WITNESS_PREFIX)
