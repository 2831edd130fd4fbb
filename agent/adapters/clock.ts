import { bootTimeMicros } from '../native/libc'
import type { ClockPort } from '../ports'
import { bootId } from './processes'

/** The longest delay of one Node timer; longer ones are made of several. */
const TIMER_MS_MAX = 2_147_483_647

/**
 * CLOCK_BOOTTIME of the system: the same clock for every process of a boot, so it goes on over an engine restart, and it counts the time in which
 * the machine was suspended: a lease runs out in it.
 * MIRRORPAIR_WALL_CLOCK (an ISO time) stops the wall clock at that moment; it is for reproducible transcripts in tests only.
 */
export function createClockPort(environment: NodeJS.ProcessEnv = process.env): ClockPort {
  const fixedMs = environment.MIRRORPAIR_WALL_CLOCK === undefined ? NaN : Date.parse(environment.MIRRORPAIR_WALL_CLOCK)
  return {
    nowMs: monotonicMs,
    bootId,
    wallMs: () => (Number.isNaN(fixedMs) ? Date.now() : fixedMs),
    after: (delayMs, call) => callAt(monotonicMs() + delayMs, call)
  }
}

export function monotonicMs(): number {
  return bootTimeMicros() / 1_000
}

function callAt(dueMs: number, call: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (): void => {
    const leftMs = dueMs - monotonicMs()
    timer = leftMs > TIMER_MS_MAX ? setTimeout(arm, TIMER_MS_MAX) : setTimeout(call, Math.max(0, leftMs))
  }
  arm()
  return () => clearTimeout(timer)
}
