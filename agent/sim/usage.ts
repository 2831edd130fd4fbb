import { watchedKeys } from '../adapters/usage/port'
import type { ClockPort, MonitorPort, UsagePort } from '../ports'
import type { SimNode } from './node'

/** What a machine uses of anything that nobody has said something else about. */
const IDLE = 5
/** Of what there is the more of the better. */
const FREE_BYTES = 100 * 1024 ** 3
const LOOK_EVERY_MS = 200
const ENTRIES_MAX = 1_000

/** The machine uses what `sim load` said. */
export function usageOf(node: SimNode, clock: Pick<ClockPort, 'nowMs' | 'after'>): UsagePort {
  const read = (keys: string[]): Record<string, number | null> => Object.fromEntries(keys.map((key) => [key, usageIn(node, key)]))
  return {
    watch: (monitor, call) => {
      let nextAtMs = 0
      const look = (): void => {
        const now = monitor()
        if (now !== null && now.events.length > 0 && clock.nowMs() >= nextAtMs) {
          nextAtMs = clock.nowMs() + now.intervalMs
          call(read(watchedKeys(now)))
        }
        clock.after(LOOK_EVERY_MS, look)
      }
      look()
    },
    look: async (keys) => read(keys),
    whole: async () => Object.fromEntries(node.usage),
    close: () => undefined
  }
}

/** null: it cannot be read. */
function usageIn({ usage }: SimNode, key: string): number | null {
  const value = usage.get(key)
  return value === undefined ? (/-free\b/.test(key) ? FREE_BYTES : IDLE) : value
}

/** No alarm's command is run, and nothing is exported: both would be on this machine. */
export function monitorOf(node: SimNode): MonitorPort {
  return {
    note: (entry) => {
      node.monitored = [...node.monitored, entry].slice(-ENTRIES_MAX)
    },
    history: async (max) => node.monitored.slice(-max),
    alarm: async () => null,
    exportUsage: async () => undefined
  }
}
