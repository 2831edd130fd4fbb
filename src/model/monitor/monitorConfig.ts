/** What one node watches of itself (guide 8, System resource monitor). */
export interface MonitorConfig {
  /** Its usage is looked at so often. */
  intervalMs: number
  /** A job that has moved by itself stays for so long, however busy its node is. */
  switchPauseMs: number
  /** The administrator's command for an alarm, run by a shell; null: the alarm is in the event log only. */
  alarmCommand: string | null
  alarmTimeoutMs: number
  events: MonitorEventConfig[]
}

export interface MonitorEventConfig {
  name: string
  /** In the one way to write them (conditionText); all together. */
  conditions: string[]
  /** The mean of so long; null: the value as it is. */
  averageMs: number | null
  /** In the one way to write them (responseText). */
  responses: string[]
  /** While it lasts, the usage of the whole server is written to a file of its own. */
  export: UsageExportConfig | null
}

export interface UsageExportConfig {
  intervalMs: number
  /** Of the file; there is one older one of the same size. */
  sizeBytes: number
  format: 'csv' | 'jsonl'
}

/** Of one event. */
export const CONDITIONS_MAX = 16
