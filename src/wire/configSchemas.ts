import * as z from 'zod'
import {
  CONFIG_TEXT_LENGTH_MAX,
  CONFIG_WHY_LENGTH_MAX,
  type ConfigAnswer,
  type ConfigChecked,
  type ConfigPrepare,
  type ConfigRequest,
  type ConfigVersion
} from './config'

const NAME_LENGTH_MAX = 256

const text = z.string().max(CONFIG_TEXT_LENGTH_MAX)
const name = z.string().max(NAME_LENGTH_MAX)
const count = z.int().nonnegative()

export const configVersionSchema: z.ZodType<ConfigVersion> = z.looseObject({
  version: count,
  hash: name,
  text,
  by: name,
  why: z.string().max(CONFIG_WHY_LENGTH_MAX).nullable(),
  node: name,
  wallMs: z.number(),
  witnessSince: count,
  jobsSince: z.record(z.string(), count).optional(),
  id: name
})

export const configPrepareSchema: z.ZodType<ConfigPrepare> = z.looseObject({
  incarnation: name,
  number: count,
  base: name.nullable(),
  next: configVersionSchema
})
export const configAnswerSchema: z.ZodType<ConfigAnswer> = z.looseObject({ agreed: configVersionSchema, isAgreed: z.boolean(), pending: name.nullable() })

const CHECKS_MAX = 1_000
const report = z.looseObject({
  code: name,
  message: text,
  tryThis: text,
  exitCode: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(5), z.literal(6)]),
  node: name.optional()
})
const folder = z.looseObject({ job: name, place: count, path: text, bytes: count, counted: z.boolean(), empty: z.boolean(), freeBytes: count })

export const configCheckedSchema = z.looseObject({
  problems: z.array(report).max(CHECKS_MAX),
  warnings: z.array(text).max(CHECKS_MAX),
  folders: z.array(folder).max(CHECKS_MAX)
}) as unknown as z.ZodType<ConfigChecked>

export const configRequestSchema: z.ZodType<ConfigRequest> = z.strictObject({
  text,
  base: name.optional(),
  reason: z.string().max(CONFIG_WHY_LENGTH_MAX).optional(),
  dryRun: z.boolean().optional()
})
