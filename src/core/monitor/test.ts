import { type MonitorEventConfig, parseCondition } from '../../model'
import type { MonitorTestAnswer } from '../../wire'
import type { State } from '../state'
import { readingView } from './judge'
import { monitorOf } from './monitorState'
import { readingOf, type UsageValues } from './sampled'

/** Conditions that a person asks about, and that no event has. */
const TYPED = '-'

/** What is to be looked at for it: the conditions of all events of this node, or those that were typed. */
export function testedEvents(state: State, typed: string[] | null): MonitorEventConfig[] {
  return typed === null ? (monitorOf(state)?.events ?? []) : [{ name: TYPED, conditions: typed, averageMs: null, responses: [], export: null }]
}

export function testedKeys(events: MonitorEventConfig[]): string[] {
  const conditions = events.flatMap(({ conditions: texts }) => texts.map(parseCondition))
  return [...new Set(conditions.flatMap((condition) => (typeof condition === 'string' ? [] : [condition.watched.key])))]
}

/** Nothing is counted, and nothing is done about it. An average is the one that the monitor has by now. */
export const testMonitor = (state: State, events: MonitorEventConfig[], values: UsageValues): MonitorTestAnswer['events'] =>
  events.map((event) => {
    const readings = event.conditions.map((text) => readingOf(state, event, text, values, state.monitor.averages))
    return { name: event.name, met: readings.every(({ met }) => met), readings: readings.map(readingView) }
  })
