import * as z from 'zod'
import type { JobRecord } from '../model'

/** What the engine keeps over restarts, in `<state>/engine.json`. */
export interface KeptState {
  formatVersion: 1 | 2 | 3
  node: string
  records: Record<string, KeptRecord>
}

/** `restarts` is beside the record, which the other node gets to see. It is no part of a format: an engine that does not know it counts anew. */
export type KeptRecord = JobRecord & { restarts?: unknown }

/** 2: promises of the modes with quorum, which an engine that did not know them would break; 3: a job or an application is detached or offline, and such an engine would act on it. */
export const KEPT_FORMAT_MAX = 3

/** The oldest one that holds it, so that a pair of the guide's mode may go back to the version before. */
export function formatOf(records: Record<string, KeptRecord>): KeptState['formatVersion'] {
  const all = Object.values(records)
  if (all.some(({ detached, resources }) => detached || Object.keys(resources ?? {}).length > 0)) return 3
  return all.some(({ claim, released }) => claim || released) ? 2 : 1
}

export const detachedSchema = z.looseObject({
  sinceMs: z.number(),
  by: z.string(),
  reason: z.string().nullable(),
  untilMs: z.number().nullable(),
  stopData: z.boolean()
})

export const resourcesSchema = z.record(z.string(), z.object({ word: z.enum(['offline', 'detached']), sinceMs: z.number(), by: z.string() }))

const recordSchema = z.looseObject({
  job: z.string(),
  roleSequence: z.int().min(0),
  owner: z.string(),
  desired: z.enum(['online', 'offline']),
  takeReason: z.enum(['manual', 'failover', 'initial', 'forced']),
  takeTimeMs: z.number(),
  handover: z.object({ to: z.string(), roleSequence: z.int().min(0), ticket: z.string() }).nullable(),
  claim: z.object({ roleSequence: z.int().min(0) }).nullish(),
  released: z.boolean().optional(),
  forced: z.object({ roleSequence: z.int().min(0) }).nullish(),
  unleased: z.boolean().optional(),
  unserved: z.boolean().optional(),
  errorFlag: z.string().nullable(),
  needToVerify: z.enum(['No', 'Yes', 'Manually']),
  copyComplete: z.boolean(),
  // What the first version did not know.
  safety: z.enum(['full', 'off']).default('off'),
  safetySequence: z.int().min(0).default(0),
  mirrorInSync: z.boolean().default(false),
  syncSequence: z.int().min(0).default(0),
  selectedSequence: z.int().min(0).default(0),
  detached: detachedSchema.nullish(),
  detachSequence: z.int().min(0).optional(),
  detachUnheard: z.object({ before: detachedSchema.nullable() }).nullish(),
  dataHeld: z.boolean().optional(),
  resources: resourcesSchema.optional(),
  history: z.array(z.object({ roleSequence: z.int().min(0), owner: z.string() }))
})

const stateSchema = z.looseObject({ formatVersion: z.int().min(1).max(KEPT_FORMAT_MAX), node: z.string(), records: z.record(z.string(), recordSchema) })
const versionSchema = z.looseObject({ formatVersion: z.int().min(KEPT_FORMAT_MAX + 1) })

export type ReadKept = { is: 'state'; state: KeptState } | { is: 'newer'; formatVersion: number } | { is: 'damaged'; why: string }

/** An older one is filled up; a newer one is not guessed at. */
export function readKept(json: unknown): ReadKept {
  const newer = versionSchema.safeParse(json)
  if (newer.success) return { is: 'newer', formatVersion: newer.data.formatVersion }
  const state = stateSchema.safeParse(json)
  if (state.success) return { is: 'state', state: state.data as KeptState }
  return { is: 'damaged', why: `${state.error.issues[0]?.path.join('.')} ${state.error.issues[0]?.message}` }
}
