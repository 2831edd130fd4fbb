import * as z from 'zod'
import { DRILL_KINDS, DRILL_MISSED_MAX, type DrillEntry, LINK_HOLD_MS_MAX, PROBE_SEQUENCE_MAX, STILL_MS } from './drill'

const NAME_LENGTH_MAX = 200
const TEXT_LENGTH_MAX = 500
const name = z.string().min(1).max(NAME_LENGTH_MAX)
const count = z.number().nonnegative().finite()

/** Not in what an earlier version has kept. */
const sinceThen = count.nullable().default(null)

const drillTargetsSchema = z.object({ outageMs: count.nullable(), lost: count.nullable(), syncMs: count.nullable(), waitMs: sinceThen })

export const drillEntrySchema: z.ZodType<DrillEntry> = z.object({
  job: name,
  kind: z.enum(DRILL_KINDS),
  what: name.nullable(),
  account: name,
  reason: z.string().max(TEXT_LENGTH_MAX).nullable(),
  atMs: count,
  from: name,
  to: name,
  outageMs: count.nullable(),
  probedVip: z.boolean(),
  writes: count,
  lost: count.nullable(),
  waitMs: sinceThen,
  still: z
    .object({ forMs: count, noticedMs: count.nullable(), noticed: z.string().max(TEXT_LENGTH_MAX).nullable() })
    .nullable()
    .default(null),
  syncMs: count.nullable(),
  targets: drillTargetsSchema,
  missed: z.array(z.string().max(TEXT_LENGTH_MAX)).max(DRILL_MISSED_MAX)
})

/** `remove`: the probe is taken away. `drill`: which one writes it; absent: an earlier shell. */
const drill = z.string().max(NAME_LENGTH_MAX).default('')
export const probeRequestSchema = z.union([z.object({ drill, sequence: z.int().min(1).max(PROBE_SEQUENCE_MAX) }), z.object({ drill, remove: z.literal(true) })])
export type ProbeRequest = z.infer<typeof probeRequestSchema>

export const crashRequestSchema = z.object({ application: name })
export const holdRequestSchema = z.object({ forMs: z.int().min(1_000).max(LINK_HOLD_MS_MAX) })
export const stillRequestSchema = z.object({ forMs: z.int().min(STILL_MS.min).max(STILL_MS.max), dryRun: z.boolean().default(false) })
