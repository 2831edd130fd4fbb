import path from 'node:path'
import { type MonitorEntry, MONITOR_HAPPENINGS } from '../../../src/wire'
import type { MonitorPort, Places } from '../../ports'
import { EventFile } from '../eventFile'
import { Alarms } from './alarm'
import { UsageExport } from './exportLog'

/** What a node's monitor leaves behind: `<state>/monitor.jsonl` (its history), `<state>/usage/` (what was exported), and the alarms. */
export function createMonitorPort(places: Pick<Places, 'stateDirectory' | 'node'>): MonitorPort & { flushed(): Promise<void> } {
  const history = new EventFile(path.join(places.stateDirectory, 'monitor.jsonl'))
  const alarms = new Alarms(places)
  const usage = new UsageExport(path.join(places.stateDirectory, 'usage'))
  return {
    note: (entry) => history.append(JSON.stringify(entry)),
    history: async (max) => (await history.lines()).flatMap(entryOf).slice(-max),
    alarm: (call) => alarms.run(call),
    exportUsage: (event, settings, wallMs, values) => usage.write(event, settings, wallMs, values),
    flushed: () => history.flushed()
  }
}

/** What is no entry (cut off by a crash) is passed over. */
function entryOf(line: string): MonitorEntry[] {
  try {
    const entry = JSON.parse(line) as MonitorEntry
    return Number.isFinite(entry.atMs) && MONITOR_HAPPENINGS.includes(entry.what) && typeof entry.text === 'string' ? [entry] : []
  } catch {
    return []
  }
}
