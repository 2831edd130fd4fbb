import type { Config, MonitorConfig } from '../../model'
import type { Average } from './average'
import type { EventState } from './judge'

/** What a node knows of its own usage. Replaced whole. */
export interface MonitorState {
  /** By what is watched, and over which time. */
  averages: Readonly<Record<string, Average>>
  /** By name; one that is not there is OK. */
  events: Readonly<Record<string, EventState>>
  /** The names of those in error: what the other node has to hear of at once. */
  errors: string
}

/** What this node watches; null: nothing. */
export const monitorOf = ({ config, node }: { config: Config; node: string }): MonitorConfig | null => config.monitors?.[node] ?? null

export const BLANK_MONITOR: MonitorState = { averages: {}, events: {}, errors: '' }

export const withEvents = (monitor: MonitorState, events: Record<string, EventState>): MonitorState => ({
  ...monitor,
  events,
  errors: Object.keys(events)
    .filter((name) => events[name]?.errorSinceMs !== null)
    .join('\0')
})
