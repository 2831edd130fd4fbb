import type { DataPort, LeasePort } from '../ports'

/** What a lease is told to: each obeys on its own, whatever becomes of the engine. */
export function createLeasePort(data: Pick<DataPort, 'lease'>): LeasePort {
  const told = new Map<string, { roleSequence: number; untilMs: number; killAtMs: number }>()
  return {
    tell: (job, roleSequence, untilMs, killAtMs) => {
      told.set(job, { roleSequence, untilMs, killAtMs })
      data.lease(job, roleSequence, untilMs)
    },
    untilMs: (job) => told.get(job)?.untilMs ?? null
  }
}
