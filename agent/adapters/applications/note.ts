import * as z from 'zod'

/** The note about a process in the run directory, read by the next engine. */
export const identitySchema = z.object({ pid: z.int().min(2), startTicks: z.number(), bootId: z.string() })

export const launchedSchema = z.object({
  identity: identitySchema,
  alone: z.boolean(),
  cgroup: z.object({ directory: z.string() }).nullable()
})
