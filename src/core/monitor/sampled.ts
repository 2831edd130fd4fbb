import { type Config, type MonitorConfig, type MonitorEventConfig, type MonitorResponse, parseCondition, responseText, valueText } from '../../model'
import type { MonitorHappening } from '../../wire'
import type { JobState } from '../state'
import { owns, type State } from '../state'
import { log, type Turn } from '../turn'
import { addToAverage, type Average, collectedMs, meanOf } from './average'
import { BLANK_EVENT, causeText, type EventState, judge, readCondition, type Reading, readingText } from './judge'
import { monitorOf, withEvents } from './monitorState'

/** By what is watched; null: it could not be read. */
export type UsageValues = Readonly<Record<string, number | null>>

/** This node's usage was looked at: each event is judged, and what is due is done. */
export function usageSampled(turn: Turn, values: UsageValues): void {
  const monitor = monitorOf(turn.state)
  if (monitor === null) return
  const averages = averagesOf(turn.state, monitor, values)
  const events: Record<string, EventState> = {}
  for (const event of monitor.events) {
    const readings = event.conditions.map((text) => readingOf(turn.state, event, text, values, averages))
    events[event.name] = happenToEvent(turn, monitor, event, readings)
  }
  turn.state.monitor = withEvents({ ...turn.state.monitor, averages }, events)
}

const averageKey = (watched: string, windowMs: number): string => `${watched}\0${windowMs}`

/** Only of what is still watched. */
function averagesOf({ monitor, atMs }: State, { events }: MonitorConfig, values: UsageValues): Record<string, Average> {
  const averages: Record<string, Average> = {}
  for (const { conditions, averageMs } of events) {
    if (averageMs === null) continue
    for (const text of conditions) {
      const watched = watchedKey(text)
      const key = averageKey(watched, averageMs)
      averages[key] ??= addToAverage(monitor.averages[key], averageMs, atMs, values[watched] ?? null)
    }
  }
  return averages
}

function watchedKey(text: string): string {
  const condition = parseCondition(text)
  return typeof condition === 'string' ? '' : condition.watched.key
}

export function readingOf(
  { atMs }: State,
  { averageMs }: MonitorEventConfig,
  text: string,
  values: UsageValues,
  averages: Readonly<Record<string, Average>>
): Reading {
  const watched = watchedKey(text)
  const average = averageMs === null ? undefined : averages[averageKey(watched, averageMs)]
  // Of an average nothing is collected yet.
  if (average === undefined) return readCondition(text, values[watched] ?? null, averageMs === null ? null : 0)
  const collected = collectedMs(average, atMs)
  return readCondition(text, meanOf(average), collected < average.windowMs ? collected : null)
}

function happenToEvent(turn: Turn, monitor: MonitorConfig, event: MonitorEventConfig, readings: Reading[]): EventState {
  const before = turn.state.monitor.events[event.name] ?? BLANK_EVENT
  const { state, turned, due } = judge(event, before, readings, turn.state.wallMs)
  const said: Said = { event: event.name, cause: causeText(readings, state.met), readings }
  if (turned === 'error') begin(turn, said, due)
  if (turned === 'ok') end(turn, said)
  let next: EventState = { ...state, wanted: stillWanted(turn.state, state) }
  for (const response of due) next = respond(turn, monitor, said, response, next)
  return exportUsage(turn, event, next)
}

/** An alarm or a warning that comes with it says the same in the event log. */
function begin(turn: Turn, said: Said, due: MonitorResponse[]): void {
  const text = `System resource monitor: ${said.event}: ${said.cause}`
  note(turn, said, 'error', text)
  if (due.every((response) => response.do === 'switch')) log(turn, 'error', text)
}

const end = (turn: Turn, said: Said): void =>
  tell(turn, said, 'ok', `System resource monitor: ${said.event} has ended: ${said.readings.map(readingText).join(', ')}`, 'info')

interface Said {
  event: string
  cause: string
  readings: readonly Reading[]
}

/** In the event log, and in the monitor's own history. */
function tell(turn: Turn, said: Said, what: MonitorHappening, text: string, level: 'info' | 'warning' | 'error'): void {
  log(turn, level, text)
  note(turn, said, what, text)
}

function note(turn: Turn, { event, readings }: Said, what: MonitorHappening, text: string): void {
  const values = Object.fromEntries(readings.map(({ condition: { watched }, value }) => [watched.key, valueText(watched.unit, value)]))
  turn.actions.push({ do: 'monitorNote', entry: { atMs: turn.state.wallMs, event, what, text, values } })
}

/** What has gone to the other node meanwhile, whoever moved it, is not moved once more when it is back. */
const stillWanted = (state: State, { wanted }: EventState): EventState['wanted'] =>
  Object.fromEntries(Object.entries(wanted).filter(([name]) => isHere(state, state.jobs[name])))

const isHere = (state: State, job: JobState | undefined): job is JobState => job !== undefined && owns(state, job) && job.record.desired === 'online'

function respond(turn: Turn, monitor: MonitorConfig, said: Said, response: MonitorResponse, state: EventState): EventState {
  const { event, cause } = said
  if (response.do === 'switch') return wantSwitch(turn, said, response, state)
  if (response.do === 'warning') tell(turn, said, 'warning', `HA Warning: ${event}: ${cause}`, 'warning')
  else alarm(turn, monitor, said)
  return state
}

function alarm(turn: Turn, { alarmCommand, alarmTimeoutMs }: MonitorConfig, said: Said): void {
  const { event, cause, readings } = said
  tell(turn, said, 'alarm', `Alarm: ${event}: ${cause}`, 'error')
  if (alarmCommand === null) return
  turn.actions.push({ do: 'alarm', event, cause, values: readings.map(readingText), command: alarmCommand, timeoutMs: alarmTimeoutMs })
}

/** Those that are here now. One that comes later came although the node was like this, and stays. */
function wantSwitch(turn: Turn, said: Said, response: MonitorResponse, state: EventState): EventState {
  const named = response.job === null ? Object.keys(turn.state.jobs) : [response.job]
  const here = named.filter((name) => isHere(turn.state, turn.state.jobs[name]))
  if (here.length > 0)
    return { ...state, wanted: { ...state.wanted, ...Object.fromEntries(here.map((name) => [name, { check: null, why: '', cause: said.cause, said: [] }])) } }
  tell(turn, said, 'kept', `${said.event}: ${responseText(response)}: no such job is online on ${turn.state.node}, so nothing is moved`, 'info')
  return state
}

function exportUsage(turn: Turn, { name, export: settings }: MonitorEventConfig, state: EventState): EventState {
  const { atMs } = turn.state
  if (settings === null || state.errorSinceMs === null) return state
  if (state.exportedAtMs !== null && atMs - state.exportedAtMs < settings.intervalMs) return state
  turn.actions.push({ do: 'exportUsage', event: name, settings })
  return { ...state, exportedAtMs: atMs }
}

/** Both nodes have agreed on another configuration: an event that is not what it was begins anew. */
export function followMonitors(turn: Turn, before: Config): void {
  const { state } = turn
  const [was, is] = [before.monitors?.[state.node]?.events ?? [], monitorOf(state)?.events ?? []]
  const same = (event: MonitorEventConfig): boolean => is.some((each) => JSON.stringify(each) === JSON.stringify(event))
  const kept = was.filter(same).map(({ name }) => name)
  const gone = Object.entries(state.monitor.events).filter(([name]) => !kept.includes(name))
  for (const [name, { errorSinceMs }] of gone)
    if (errorSinceMs !== null)
      log(turn, 'info', `System resource monitor: ${name} has ended: it was ${is.some((event) => event.name === name) ? 'changed' : 'removed'}`)
  state.monitor = withEvents(state.monitor, Object.fromEntries(Object.entries(state.monitor.events).filter(([name]) => kept.includes(name))))
}

/** The job is not there any more, or has gone: nobody wants it moved. */
export function forgetWanted(turn: Turn, job: string): void {
  const { monitor } = turn.state
  const events = Object.entries(monitor.events).map(([name, event]): [string, EventState] => {
    const { [job]: _, ...wanted } = event.wanted
    return [name, { ...event, wanted }]
  })
  turn.state.monitor = { ...monitor, events: Object.fromEntries(events) }
}
