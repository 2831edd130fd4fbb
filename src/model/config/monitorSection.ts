import type { Node } from 'yaml'
import type { Config, JobName } from '../config'
import { conditionText, parseCondition } from '../monitor/condition'
import { CONDITIONS_MAX, type MonitorConfig, type MonitorEventConfig, type UsageExportConfig } from '../monitor/monitorConfig'
import { parseResponse, RESPONSE_FORM, responseText } from '../monitor/response'
import { unique } from './checks'
import { emptyRecord } from './clusterSections'
import { checkName } from './name'
import { printable, scalarText, Section } from './section'

const KEYS = ['interval', 'switchPause', 'alarmCommand', 'alarmTimeout', 'events']
const EVENT_KEYS = ['name', 'conditions', 'average', 'responses', 'export']
const INTERVAL_MS = { min: 1_000, max: 600_000 }
const DEFAULT_INTERVAL_MS = 10_000
const SWITCH_PAUSE_MS = { min: 60_000, max: 24 * 3_600_000 }
const DEFAULT_SWITCH_PAUSE_MS = 600_000
const ALARM_TIMEOUT_MS = { min: 1_000, max: 600_000 }
const DEFAULT_ALARM_TIMEOUT_MS = 30_000
const AVERAGE_MS = { min: 60_000, max: 24 * 3_600_000 }
const EXPORT_INTERVAL_MS = { min: 1_000, max: 24 * 3_600_000 }
/** The guide's own. */
const DEFAULT_EXPORT_INTERVAL_MS = 60_000
const EXPORT_BYTES = { min: 16 * 1024, max: 1024 ** 3 }
const DEFAULT_EXPORT_BYTES = 1024 ** 2
const EVENTS_MAX = 64
const RESPONSES_MAX = 8
const CONDITION_EXAMPLE = '[ cpu >= 70%, disk /srv >= 90% NA ]'
const RESPONSE_EXAMPLE = '[ equal 3 switch DB_Group ]'

/** `monitors: { RMHW131: { interval: 10s, events: [ { name: cpu, conditions: [ cpu >= 70% ], responses: [ equal 3 switch all ] } ] } }` */
export function readMonitors(top: Section, nodes: string[], jobs: JobName[]): Pick<Config, 'monitors'> {
  if (top.valueNode('monitors') === null) return {}
  const section = top.section('monitors', 'monitors', nodes)
  const monitors = emptyRecord<MonitorConfig>()
  for (const node of nodes) if (section.valueNode(node)) monitors[node] = readMonitor(section.section(node, `monitors of ${node}`, KEYS), jobs)
  return { monitors }
}

function readMonitor(section: Section, jobs: JobName[]): MonitorConfig {
  const items = section.list('events', '[ { name: cpu, … } ]')
  if (items.length > EVENTS_MAX) section.refuse('events', `a list of at most ${EVENTS_MAX}`, '[ … ]')
  const alarmCommand = section.text('alarmCommand', null, '/etc/mirrorpair/alarm')
  const monitor: MonitorConfig = {
    intervalMs: section.durationMs('interval', DEFAULT_INTERVAL_MS, INTERVAL_MS),
    switchPauseMs: section.durationMs('switchPause', DEFAULT_SWITCH_PAUSE_MS, SWITCH_PAUSE_MS),
    alarmCommand: alarmCommand?.trim() === '' ? null : alarmCommand,
    alarmTimeoutMs: section.durationMs('alarmTimeout', DEFAULT_ALARM_TIMEOUT_MS, ALARM_TIMEOUT_MS),
    events: items.slice(0, EVENTS_MAX).map((item) => readEvent(section, item, jobs))
  }
  checkAverages(section, monitor)
  unique(
    section.source,
    'The event name',
    monitor.events.map((event) => ({ value: event.name, at: event }))
  )
  return monitor
}

function readEvent(monitor: Section, item: Node, jobs: JobName[]): MonitorEventConfig {
  const section = new Section(monitor.source, `an event of ${monitor.where}`, item, EVENT_KEYS)
  const name = section.require('name', 'name: cpu-high') ? section.text('name', '', 'cpu-high') : ''
  if (name !== '') checkName(monitor.source, section.place('name'), 'an event', name)
  const event: MonitorEventConfig = {
    name,
    conditions: readConditions(section),
    averageMs: section.valueNode('average') ? section.durationMs('average', AVERAGE_MS.min, AVERAGE_MS) : null,
    responses: readResponses(section, jobs),
    export: section.valueNode('export') ? readExport(section.section('export', `export of event ${name}`, ['interval', 'size', 'format'])) : null
  }
  monitor.source.remember(event, section.place('name'))
  return event
}

function readConditions(section: Section): string[] {
  section.require('conditions', `conditions: ${CONDITION_EXAMPLE}`)
  const texts = section.list('conditions', CONDITION_EXAMPLE).flatMap((item) => {
    const condition = parseCondition(scalarText(item) ?? '')
    if (typeof condition !== 'string') return [conditionText(condition)]
    refuseItem(section, item, 'a condition', condition, CONDITION_EXAMPLE)
    return []
  })
  return bounded(section, 'conditions', texts, CONDITIONS_MAX, CONDITION_EXAMPLE)
}

function readResponses(section: Section, jobs: JobName[]): string[] {
  section.require('responses', `responses: ${RESPONSE_EXAMPLE}`)
  const texts = section.list('responses', RESPONSE_EXAMPLE).flatMap((item) => {
    const response = parseResponse(scalarText(item) ?? '')
    if (response === null) refuseItem(section, item, 'a response', RESPONSE_FORM, RESPONSE_EXAMPLE)
    else if (response.job !== null && !jobs.includes(response.job))
      refuseItem(section, item, 'a response', `switch all, or one of the jobs ${jobs.join(', ')}`, RESPONSE_EXAMPLE)
    else return [responseText(response)]
    return []
  })
  return bounded(section, 'responses', texts, RESPONSES_MAX, RESPONSE_EXAMPLE)
}

const refuseItem = (section: Section, at: Node, key: string, expected: string, example: string): void =>
  section.source.refuse(at, 'E_CONFIG_VALUE', { key, where: section.where, found: printable(scalarText(at) ?? 'a section'), expected, example })

function bounded(section: Section, key: string, texts: string[], max: number, example: string): string[] {
  const isList = section.valueNode(key) !== null
  if (isList && section.list(key, example).length === 0) section.refuse(key, 'a list of at least one', example)
  if (texts.length > max) section.refuse(key, `a list of at most ${max}`, example)
  return texts.slice(0, max)
}

const readExport = (section: Section): UsageExportConfig => ({
  intervalMs: section.durationMs('interval', DEFAULT_EXPORT_INTERVAL_MS, EXPORT_INTERVAL_MS),
  sizeBytes: section.sizeBytes('size', DEFAULT_EXPORT_BYTES, EXPORT_BYTES),
  format: section.oneOf('format', 'csv', ['csv', 'jsonl'])
})

/** A mean of values that come less often than that would be the last one of them. */
function checkAverages(section: Section, { intervalMs, events }: MonitorConfig): void {
  const short = events.find(({ averageMs }) => averageMs !== null && averageMs < 2 * intervalMs)
  if (short)
    section.source.refuse(short, 'E_CONFIG_VALUE', {
      key: 'average',
      where: `event ${short.name}`,
      found: 'shorter',
      expected: 'at least two intervals',
      example: '10m'
    })
}
