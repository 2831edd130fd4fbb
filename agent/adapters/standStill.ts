import { STILL_MS } from '../../src/wire'
import { monotonicMs } from './clock'

/**
 * This thread does nothing at all until then, on the clock of this boot: as if its process hung. The kernel wakes it, whatever has become of whoever asked, so
 * that nothing has to be alive to end it; and never later than STILL_MS.max from now. Answers for how long it stood still.
 */
export function standStill(untilMs: number): number {
  const beganMs = monotonicMs()
  const endMs = Math.min(untilMs, beganMs + STILL_MS.max)
  const nobodyWrites = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  for (let leftMs = endMs - beganMs; leftMs > 0; leftMs = endMs - monotonicMs()) Atomics.wait(nobodyWrites, 0, 0, leftMs)
  return monotonicMs() - beganMs
}
