import { setImmediate as turn } from 'node:timers/promises'
import { monotonicMs } from '../adapters/clock'
import { standStill } from '../adapters/standStill'
import { failureOf } from '../perform'

/** The engine comes last: whoever wakes before the others would take them for hung. */
const ENGINE_MORE_MS = 200

interface Others {
  heartbeat: { standStill(untilMs: number): void }
  data: { standStill(job: string, untilMs: number): Promise<void> }
  /** Those with data. */
  jobs(): string[]
}

/**
 * Heartbeats, data programs and this engine hang until the same moment; each is woken by the kernel, and none by another one. What has been asked for is with the
 * kernel before the engine's own thread stops, so that it cannot decide anything in between. The guard of leases has a thread of its own, and goes on.
 */
export async function allStill({ heartbeat, data, jobs }: Others, forMs: number): Promise<string[]> {
  const untilMs = monotonicMs() + forMs
  heartbeat.standStill(untilMs)
  const told = jobs().map((job) =>
    data.standStill(job, untilMs).then(
      () => null,
      (error: unknown) => `mirrord of ${job} did not: ${failureOf(error).message}`
    )
  )
  await turn()
  standStill(untilMs + ENGINE_MORE_MS)
  return (await Promise.all(told)).filter((why) => why !== null)
}
