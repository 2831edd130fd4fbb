import type { Dispatcher, Pool } from 'undici'

/** More that wait for a connection to one place would be stale when it comes. */
const WAITING_MAX = 256

/**
 * One request, given up after its time, also where no connection comes: a signal alone is looked at only once there is one. What was given up before that
 * is never sent. The answer's body ends with the same time.
 */
export async function requestInTime(pool: Pool, options: Dispatcher.RequestOptions, timeoutMs: number): Promise<Dispatcher.ResponseData> {
  if (pool.stats.queued >= WAITING_MAX) throw new Error(`${WAITING_MAX} requests wait for a connection already`)
  const signal = AbortSignal.timeout(Math.ceil(timeoutMs))
  const givenUp = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  return await Promise.race([pool.request({ ...options, signal, headersTimeout: 0, bodyTimeout: 0 }), givenUp])
}
