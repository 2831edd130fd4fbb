import * as z from 'zod'

/** What was restarted of a job on this node. `atMs` is of the monotonic clock of this boot of the machine, and means nothing in another one. */
export interface KeptRestarts {
  bootId: string
  done: Restart[]
}

/** One restart; which applications failed. None: an address or the data of the job. */
export interface Restart {
  atMs: number
  applications: readonly string[]
}

/** More than any restart limit counts, for a hundred applications that have one of their own. */
export const KEPT_RESTARTS_MAX = 10_000
const NAME_CHARACTERS_MAX = 255

const name = z.string().min(1).max(NAME_CHARACTERS_MAX)
const schema = z.object({ bootId: name, done: z.array(z.object({ atMs: z.number().min(0), applications: z.array(name) })).max(KEPT_RESTARTS_MAX) })

/** Absent: nothing was restarted, or the engine before this one did not keep it. A string says what is wrong with it. */
export function readRestarts(kept: unknown, now: { bootId: string; atMs: number }): KeptRestarts['done'] | string {
  if (kept === undefined) return []
  const read = schema.safeParse(kept)
  if (!read.success) return `${read.error.issues[0]?.path.join('.') || 'all of it'}: ${read.error.issues[0]?.message}`
  const { bootId, done } = read.data
  // Another boot began anew: nothing ran, and its clock began at zero.
  if (bootId !== now.bootId) return []
  const late = done.find(({ atMs }) => atMs > now.atMs)
  return late === undefined ? done : `one is ${Math.round(late.atMs - now.atMs)} ms in the future`
}
