import { type Document, isMap, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import { type ConfigEdit, NoSuchPart, placeOf } from './editConfig'

/** In the words of the file; null: taken away. */
export type MonitorValues = Record<string, string | string[] | Record<string, string> | null>

export const addMonitorEvent =
  (node: string, name: string, values: MonitorValues): ConfigEdit =>
  (document) =>
    eventsOf(document, node).items.push(document.createNode({ name, ...given(values) }))

export const modifyMonitorEvent =
  (node: string, name: string, values: MonitorValues): ConfigEdit =>
  (document) => {
    const events = eventsOf(document, node)
    setValues(document, events.items[placeOf(events, `event of ${node}`, name)] as YAMLMap, values)
  }

/** The settings of the node's monitor itself. */
export const modifyMonitor =
  (node: string, values: MonitorValues): ConfigEdit =>
  (document) => {
    eventsOf(document, node)
    setValues(document, document.getIn(['monitors', node]) as YAMLMap, values)
  }

/** `name` null: all of the node's monitor. */
export const removeMonitorEvent =
  (node: string, name: string | null): ConfigEdit =>
  (document) => {
    if (!isMap(document.getIn(['monitors', node]))) throw new NoSuchPart('monitor of', node, [])
    const events = eventsOf(document, node)
    if (name !== null) return void events.items.splice(placeOf(events, `event of ${node}`, name), 1)
    document.deleteIn(['monitors', node])
    const rest = document.get('monitors')
    if (isMap(rest) && rest.items.length === 0) document.delete('monitors')
  }

function eventsOf(document: Document, node: string): YAMLSeq {
  const known = document.getIn(['nodes'])
  if (!isMap(known) || !known.has(node)) throw new NoSuchPart('node', node, isMap(known) ? known.items.map(({ key }) => String(key)) : [])
  const events = document.getIn(['monitors', node, 'events'])
  if (isSeq(events)) return events
  document.setIn(['monitors', node, 'events'], document.createNode([]))
  return document.getIn(['monitors', node, 'events']) as YAMLSeq
}

const given = (values: MonitorValues): MonitorValues => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))

function setValues(document: Document, map: YAMLMap, values: MonitorValues): void {
  for (const [key, value] of Object.entries(values)) {
    if (value === null) map.delete(key)
    else map.set(key, document.createNode(value))
  }
}
