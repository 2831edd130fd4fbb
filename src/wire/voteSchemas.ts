import * as z from 'zod'
import type { Ballot, VoteMessage, VoteReply } from './vote'

/** As apiSchemas.ts: keys that this version does not know are kept, a question that it does not know is refused. */
const NAME_LENGTH_MAX = 256

const name = z.string().min(1).max(NAME_LENGTH_MAX)
const count = z.int().nonnegative()

export const ballotSchema: z.ZodType<Ballot> = z.looseObject({
  roleSequence: count,
  owner: name,
  mirrorInSync: z.boolean(),
  syncSequence: count,
  configVersion: count,
  safetySequence: count.optional()
})

export const voteMessageSchema: z.ZodType<VoteMessage> = z.looseObject({
  job: name,
  from: name,
  peer: name,
  sender: name,
  number: count,
  voter: name.nullable(),
  ballot: ballotSchema,
  ask: z.discriminatedUnion('do', [
    z.looseObject({ do: z.literal('report') }),
    z.looseObject({ do: z.literal('renew') }),
    z.looseObject({ do: z.literal('release') }),
    z.looseObject({ do: z.literal('propose'), ballot: ballotSchema })
  ])
})

export const voteReplySchema: z.ZodType<VoteReply> = z.looseObject({
  number: count,
  incarnation: name,
  granted: z.boolean(),
  why: z.enum(['incarnation', 'late', 'blank', 'config', 'newer', 'leased', 'outOfSync']).nullable(),
  ballot: ballotSchema.nullable(),
  leasedTo: z.string().max(NAME_LENGTH_MAX).nullable()
})
