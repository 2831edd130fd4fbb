import * as z from 'zod'
import { CONDITIONS_MAX } from '../model/monitor/monitorConfig'
import { MONITOR_HAPPENINGS, MONITOR_HISTORY_MAX, type MonitorHistoryAnswer, type MonitorTestAnswer, type MonitorView } from './monitor'

const TEXT_LENGTH_MAX = 4_096
const NAME_LENGTH_MAX = 256
const LIST_LENGTH_MAX = 1_000

const text = z.string().max(TEXT_LENGTH_MAX)
const name = z.string().min(1).max(NAME_LENGTH_MAX)
const list = <T extends z.ZodType>(item: T) => z.array(item).max(LIST_LENGTH_MAX)
const word = z.enum(['OK', 'Error'])

export const monitorViewSchema: z.ZodType<MonitorView> = z.looseObject({
  state: word,
  events: list(
    z.looseObject({
      name,
      state: word,
      sinceMs: z.number().nullable(),
      cause: text.nullable(),
      met: z.int().nonnegative(),
      kept: list(z.looseObject({ job: name, why: text }))
    })
  )
})

const reading = z.looseObject({ condition: text, value: text, met: z.boolean(), collectingMs: z.number().nullable() })

export const monitorTestSchema: z.ZodType<MonitorTestAnswer> = z.looseObject({
  node: name,
  wallMs: z.number(),
  utcOffsetMinutes: z.number(),
  events: list(z.looseObject({ name, met: z.boolean(), readings: list(reading) }))
})

export const monitorHistorySchema: z.ZodType<MonitorHistoryAnswer> = z.looseObject({
  node: name,
  utcOffsetMinutes: z.number(),
  entries: z
    .array(z.looseObject({ atMs: z.number(), event: name, what: z.enum(MONITOR_HAPPENINGS), text, values: z.record(text, text) }))
    .max(MONITOR_HISTORY_MAX)
})

/** What a person asks about, none of the events' own; null: those. */
export const typedConditionsSchema = z.array(z.string().min(1).max(NAME_LENGTH_MAX)).min(1).max(CONDITIONS_MAX)

/** POST /v1/monitor/test. `node`: one of the two; the one that is asked, when it is left out. */
export interface MonitorTestRequest {
  node?: string | undefined
  conditions?: string[] | undefined
}

export const monitorTestRequestSchema: z.ZodType<MonitorTestRequest> = z.strictObject({ node: name.optional(), conditions: typedConditionsSchema.optional() })
