import { type Condition, itemText, type MonitorConfig, parseCondition, parseResponse, processText, responseWords, valueText } from '../../src/model'
import { durationText } from '../../src/model/config/units'
import type { MonitorEntry, MonitorEventView, MonitorHistoryAnswer, MonitorTestAnswer, MonitorView } from '../../src/wire'
import type { Output } from '../context'
import { table } from '../kit/table'
import { nodeTime, shortDuration } from '../kit/text'
import { print, printProblems } from './tables'

/** A node's monitor: how it is configured, and what the node says of it; null: the node was not heard. */
export interface NodeMonitor {
  node: string
  config: MonitorConfig | null
  view: MonitorView | null | undefined
}

const readable = (texts: string[]): Condition[] =>
  texts.flatMap((text) => {
    const condition = parseCondition(text)
    return typeof condition === 'string' ? [] : [condition]
  })

const stateOf = (view: NodeMonitor['view'], name: string): MonitorEventView | null => view?.events.find((event) => event.name === name) ?? null

/** The guide's table Condition, and its list Event Response below it. */
export function printMonitor(output: Output, { node, config, view }: NodeMonitor): void {
  if (config === null || config.events.length === 0) return output.line(`${node} watches nothing: monitor add ${node} EVENT begins it.`)
  const word = view === null ? 'unknown' : (view?.state ?? 'unknown')
  output.line(`${node}   System resource monitor ${output.paint.state(word)}   looks every ${durationText(config.intervalMs)}`)
  const rows = config.events.flatMap(({ name, conditions }) =>
    readable(conditions).map(({ watched, compare, na }, i) => [
      i === 0 ? name : '',
      i === 0 ? (stateOf(view, name)?.state ?? 'unknown') : '',
      processText(watched),
      itemText(watched),
      compare?.flag ?? '',
      compare === null ? '' : valueText(watched.unit, compare.value),
      na ? 'NA' : ''
    ])
  )
  print(output, table(CONDITIONS, rows, output.paint.state))
  for (const event of config.events) printResponses(output, event, view)
}

const CONDITIONS = [
  { title: 'Event', width: 12 },
  { title: 'State', width: 7 },
  { title: 'Process', width: 10 },
  { title: 'Resource item', width: 15 },
  { title: 'Compare', width: 9 },
  { title: 'Value', width: 7 },
  { title: 'NA', width: 0 }
]

function printResponses(output: Output, { name, averageMs, responses, export: exported }: MonitorConfig['events'][number], view: NodeMonitor['view']): void {
  for (const text of responses) {
    const response = parseResponse(text)
    if (response !== null) output.line(`${name}: ${responseWords(response)}`)
  }
  if (averageMs !== null) output.line(`${name}: the average value within ${durationText(averageMs)}`)
  if (exported !== null)
    output.line(
      `${name}: export of the whole server's resource usage every ${durationText(exported.intervalMs)}, ${valueText('bytes', exported.sizeBytes)}, ${exported.format}`
    )
  const now = stateOf(view, name)
  if (now?.cause) printProblems(output, [`${name}: ${now.cause}`])
  for (const { job, why } of now?.kept ?? []) printProblems(output, [`${name}: ${job} stays: ${why}`])
}

export function monitorObject({ node, config, view }: NodeMonitor): object {
  const { events = [], ...settings } = config ?? {}
  return {
    node,
    state: view === null ? 'unknown' : (view?.state ?? 'NA'),
    ...settings,
    events: events.map((event) => {
      const { state = 'unknown', sinceMs = null, cause = null, met = null, kept = [] } = stateOf(view, event.name) ?? {}
      return { ...event, state, sinceMs, cause, met, kept }
    })
  }
}

export function printTest(output: Output, { node, wallMs, utcOffsetMinutes, events }: MonitorTestAnswer): void {
  output.line(`${node}   ${nodeTime(wallMs, utcOffsetMinutes)}`)
  const rows = events.flatMap(({ name, readings, met }) =>
    readings.map(({ condition, value, met: one, collectingMs }, i) => [
      i === 0 ? name : '',
      condition,
      collectingMs === null ? value : `${value} (${shortDuration(collectingMs)})`,
      one ? 'met' : 'not met',
      i === 0 ? (met ? 'met' : 'not met') : ''
    ])
  )
  if (rows.length === 0) return output.line(`${node} watches nothing.`)
  print(output, table(READINGS, rows))
}

const READINGS = [
  { title: 'Event', width: 12 },
  { title: 'Condition', width: 26 },
  { title: 'Now', width: 10 },
  { title: 'Condition is', width: 14 },
  { title: 'Event is', width: 0 }
]

export function printHistory(output: Output, answers: MonitorHistoryAnswer[], entries: (MonitorEntry & { node: string })[]): void {
  const offset = (node: string): number => answers.find((answer) => answer.node === node)?.utcOffsetMinutes ?? 0
  const rows = entries.map(({ atMs, node, event, what, text }) => [nodeTime(atMs, offset(node)), node, event, what, text])
  if (rows.length === 0) return output.line('Nothing has happened that a monitor watches for.')
  print(output, table(ENTRIES, rows, output.paint.state))
}

const ENTRIES = [
  { title: 'Time', width: 21 },
  { title: 'Node', width: 9 },
  { title: 'Event', width: 11 },
  { title: 'What', width: 8 },
  { title: 'Text', width: 0 }
]
