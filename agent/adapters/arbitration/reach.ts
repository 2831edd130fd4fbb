import type { ArbitrationConfig } from '../../../src/model'
import { runCommand } from '../command'

/** One lost packet says nothing: so many are sent in the time that there is, and one answer is enough. */
const PINGS = 3
const PINGS_MIN_INTERVAL_MS = 200
/** The program itself is never waited for longer than this beyond its own time. */
const SPARE_MS = 2_000

/** Does this machine reach one of the addresses, or all? By ICMP echo, with the `ping` of the system: it needs no rights of its own here. */
export async function reach({ reach: addresses, need, timeoutMs }: ArbitrationConfig): Promise<{ reached: boolean; why: string }> {
  const answers = await Promise.all(addresses.map((address) => ping(address, timeoutMs)))
  const silent = answers.filter((why) => why !== null)
  const reached = need === 'all' ? silent.length === 0 : silent.length < answers.length
  return { reached, why: silent.join('; ') }
}

/** null: it answered. */
async function ping(address: string, timeoutMs: number): Promise<string | null> {
  const intervalMs = Math.max(PINGS_MIN_INTERVAL_MS, Math.floor(timeoutMs / PINGS))
  const count = Math.max(1, Math.min(PINGS, Math.floor(timeoutMs / intervalMs)))
  const timing = ['-c', String(count), '-i', seconds(intervalMs), '-W', seconds(intervalMs), '-w', String(Math.ceil(timeoutMs / 1000))]
  const result = await runCommand('ping', ['-n', '-q', ...timing, address], timeoutMs + SPARE_MS)
  if (result.exitCode === 0) return null
  // 1: no answer. Everything else is a problem of its own, such as no route or no such program.
  return result.exitCode === 1 ? `${address} did not answer within ${timeoutMs} ms` : `${address}: ${result.problem}`
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3)
