import * as z from 'zod'
import { CONFIG_WHY_LENGTH_MAX, type ConfigAnswer, type ConfigPrepare, type ConfigRequest, type ConfigVersion } from './config'

/** Large enough for hundreds of jobs. */
export const CONFIG_TEXT_LENGTH_MAX = 512 * 1024
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
  id: name
})

export const configPrepareSchema: z.ZodType<ConfigPrepare> = z.looseObject({
  incarnation: name,
  number: count,
  base: name.nullable(),
  next: configVersionSchema
})
export const configAnswerSchema: z.ZodType<ConfigAnswer> = z.looseObject({ agreed: configVersionSchema, isAgreed: z.boolean(), pending: name.nullable() })

export const configRequestSchema: z.ZodType<ConfigRequest> = z.strictObject({
  text,
  base: name.optional(),
  reason: z.string().max(CONFIG_WHY_LENGTH_MAX).optional(),
  dryRun: z.boolean().optional()
})
