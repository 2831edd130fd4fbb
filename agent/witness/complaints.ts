import type { ClockPort, LogPort } from '../ports'

const REPEAT_MS = 60_000
const KEYS_MAX = 1_024

/** What goes wrong again and again is said once a minute: no client can fill the log or the memory. */
export function createComplaints(log: LogPort, { nowMs }: Pick<ClockPort, 'nowMs'>): (key: string, text: string) => void {
  const said = new Map<string, number>()
  return (key, text) => {
    const atMs = nowMs()
    if (atMs - (said.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    if (said.size >= KEYS_MAX) said.clear()
    said.set(key, atMs)
    log.event('warning', text)
  }
}
