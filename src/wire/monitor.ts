import type { NodeName } from '../model'

/** What a node says of its system resource monitor. Absent in a NodeView: it watches nothing. */
export interface MonitorView {
  state: 'OK' | 'Error'
  events: MonitorEventView[]
}

export interface MonitorEventView {
  name: string
  state: 'OK' | 'Error'
  /** Wall clock of the node; null: it is OK. */
  sinceMs: number | null
  /** What was seen when it came to it: `CPU Rate 93.1% >= 70%, 3 times in a row`. */
  cause: string | null
  /** So many times in a row its conditions have been met by now. */
  met: number
  /** Jobs that its HA switch would move, and cannot now. */
  kept: { job: string; why: string }[]
}

/** A condition as it stands: the value that counts, and the one that was read. */
export interface ReadingView {
  condition: string
  /** In words: `93.1%`, `NA`. */
  value: string
  met: boolean
  /** Of an average: for so long its values are being collected, ms; null: for long enough, or it is none. */
  collectingMs: number | null
}

/** `monitor test`: the conditions as they are met at this moment; nothing is done about it. */
export interface MonitorTestAnswer {
  node: NodeName
  wallMs: number
  utcOffsetMinutes: number
  events: { name: string; met: boolean; readings: ReadingView[] }[]
}

export const MONITOR_HAPPENINGS = ['error', 'ok', 'switch', 'kept', 'alarm', 'warning', 'failed'] as const
/** `kept`: the HA switch was not possible. `failed`: the command of an alarm, or the export. */
export type MonitorHappening = (typeof MONITOR_HAPPENINGS)[number]

/** One line of `monitor history`. */
export interface MonitorEntry {
  atMs: number
  event: string
  what: MonitorHappening
  text: string
  /** By the words of the condition's left side. */
  values: Record<string, string>
}

export interface MonitorHistoryAnswer {
  node: NodeName
  utcOffsetMinutes: number
  /** The oldest first. */
  entries: MonitorEntry[]
}

export const MONITOR_HISTORY_MAX = 500
