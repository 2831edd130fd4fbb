import type { Dispatcher, Pool } from 'undici'

/** More that wait for a connection to one place would be stale when it comes. */
const WAITING_MAX = 256
const QUEUE_FULL = 'QUEUE_FULL'

/** Codes that come only before anything is sent: nothing can have happened for it. */
const UNSENT_CODES = new Set([
  QUEUE_FULL,
  ...['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN', 'ENETDOWN']
])

export const beforeSending = (error: unknown): boolean => UNSENT_CODES.has((error as NodeJS.ErrnoException).code ?? '')

export interface Answered {
  status: number
  text: string
}

/**
 * One request, given up after its time, also where no connection comes: a signal alone is looked at only once there is one. What was given up before that
 * is never sent. The answer's body ends with the same time, and at `bytesMax`.
 */
export async function requestInTime(pool: Pool, options: Dispatcher.RequestOptions, timeoutMs: number, bytesMax: number): Promise<Answered> {
  if (pool.stats.queued >= WAITING_MAX) throw Object.assign(new Error(`${WAITING_MAX} requests wait for a connection already`), { code: QUEUE_FULL })
  const signal = AbortSignal.timeout(Math.ceil(timeoutMs))
  const givenUp = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  const { statusCode, body } = await Promise.race([pool.request({ ...options, signal, headersTimeout: 0, bodyTimeout: 0 }), givenUp])
  return { status: statusCode, text: await limitedText(body, bytesMax) }
}

async function limitedText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > bytesMax) throw new Error('the answer is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
