import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'

const TEXT_MAX = 4_096
const THINGS_MAX = 1_024
const text = z.string().max(TEXT_MAX)

/** What the guard is told of a job that is served under a lease: until when, and all that it has to end then. Times are those of the boot's clock. */
export const guardedSchema = z.object({
  job: text,
  roleSequence: z.int().nonnegative(),
  untilMs: z.number(),
  killAtMs: z.number(),
  applications: z.array(z.object({ name: text, cgroup: text.nullable(), noteFile: text, unit: text.nullable() })).max(THINGS_MAX),
  vips: z
    .array(z.object({ name: text, address: text, prefix: z.int(), family: z.literal([4, 6]), nicGroup: text.nullable(), nic: text.nullable() }))
    .max(THINGS_MAX)
})

export type Guarded = z.infer<typeof guardedSchema>
export type GuardedApplication = Guarded['applications'][number]

/** Later in the same role sequence, or of a higher one. */
export const isNewer = (one: Guarded, than: Guarded | undefined): boolean =>
  than === undefined || one.roleSequence > than.roleSequence || (one.roleSequence === than.roleSequence && one.untilMs > than.untilMs)

/** Or the same lease, of a job that has other applications or addresses now: what it had may be another job's, or the machine's own. */
export const replaces = (one: Guarded, than: Guarded | undefined): boolean =>
  isNewer(one, than) || (one.roleSequence === than?.roleSequence && one.untilMs === than.untilMs && !isDeepStrictEqual(one, than))
