import {
  type ApiConfig,
  BAUD_RATES,
  DEFAULT_API_PORT,
  DEFAULT_BAUD,
  DEFAULT_HEARTBEAT_INTERVAL_MS,
  DEFAULT_MAX_MISS,
  HEARTBEAT_INTERVAL_MS_MAX,
  HEARTBEAT_INTERVAL_MS_MIN,
  type LinkConfig,
  type NodeConfig,
  serialIntervalMsMin
} from '../config'
import { checkName } from './name'
import { Section } from './section'
import { durationText } from './units'

export const DEFAULT_GROUP = 'mirrorpair'
export const DEFAULT_SESSION_MS = 12 * 3_600_000
const SESSION_MS = { min: 60_000, max: 30 * 86_400_000 }
const INTERVAL_MS = { min: HEARTBEAT_INTERVAL_MS_MIN, max: HEARTBEAT_INTERVAL_MS_MAX }
const MAX_MISS = { min: 1, max: 100 }
const LINK_KEYS = ['name', 'type', 'heartbeat', 'interval', 'maxMiss', 'data', 'baud']

/** Names as keys, without the words every object inherits: a job may be called `constructor`. */
export const emptyRecord = <T>(): Record<string, T> => Object.create(null) as Record<string, T>

export function readNodes(top: Section): Record<string, NodeConfig> {
  const nodes = emptyRecord<NodeConfig>()
  if (!top.require('nodes', 'nodes: { RMHW131: { address: 192.168.150.151 }, RMHW132: { address: 192.168.150.152 } }')) return nodes
  const section = top.section('nodes', 'nodes', null)
  for (const name of section.names) {
    if (!checkName(top.source, section.keyNode(name), 'a node', name)) continue
    const node = section.section(name, `node ${name}`, ['address'])
    if (!section.require(name, `${name}: { address: 192.168.150.151 }`)) continue
    nodes[name] = { address: node.ip('address', '192.168.150.151')?.text ?? '' }
    top.source.remember(nodes[name], node.place('address'))
  }
  const count = section.names.length
  if (count !== 2) top.source.refuse(top.keyNode('nodes'), 'E_CONFIG_NODES', { count })
  return nodes
}

interface HeartbeatDefaults {
  intervalMs: number
  maxMiss: number
}

export function readHeartbeat(top: Section): HeartbeatDefaults {
  const section = top.section('heartbeat', 'heartbeat', ['interval', 'maxMiss'])
  return readTiming(section, { intervalMs: DEFAULT_HEARTBEAT_INTERVAL_MS, maxMiss: DEFAULT_MAX_MISS })
}

const readTiming = (section: Section, defaults: HeartbeatDefaults): HeartbeatDefaults => ({
  intervalMs: section.durationMs('interval', defaults.intervalMs, INTERVAL_MS),
  maxMiss: section.count('maxMiss', defaults.maxMiss, MAX_MISS)
})

export function readLinks(top: Section, nodes: string[], defaults: HeartbeatDefaults): LinkConfig[] {
  if (!top.require('links', `links: [ { name: link-0, heartbeat: 3001, data: true, ${nodes.map((node) => `${node}: 10.0.0.1`).join(', ')} } ]`)) return []
  return top.list('links', '[ { name: link-0, … } ]').map((item, index) => {
    const unnamed = new Section(top.source, `link ${index + 1}`, item, [...LINK_KEYS, ...nodes])
    const name = unnamed.require('name', 'name: link-0') ? unnamed.text('name', '', 'link-0') : ''
    if (name !== '') checkName(top.source, unnamed.place('name'), 'a link', name)
    return readLink(unnamed, name, nodes, defaults)
  })
}

function readLink(section: Section, name: string, nodes: string[], defaults: HeartbeatDefaults): LinkConfig {
  if (section.oneOf('type', 'socket', ['socket', 'serial']) === 'serial') return readSerialLink(section, name, nodes, readTiming(section, defaults))
  if (section.has('baud')) section.refuse('baud', 'left out, as the link is not of type serial', `${DEFAULT_BAUD}`)
  const link: LinkConfig = {
    name,
    heartbeatPort: readHeartbeatPort(section),
    ...readTiming(section, defaults),
    data: section.bool('data', true),
    addresses: emptyRecord<string>()
  }
  for (const node of nodes) {
    link.addresses[node] = section.ip(node, '22.22.150.131')?.text ?? ''
    section.source.remember(linkPlace(link, node), section.place(node))
  }
  section.source.remember(link, section.place('name'))
  section.source.remember(`heartbeat of ${name}`, section.place('heartbeat'))
  return link
}

/** Its ends are devices, and it carries the heartbeat alone. */
function readSerialLink(section: Section, name: string, nodes: string[], timing: HeartbeatDefaults): LinkConfig {
  const baud = readBaud(section)
  for (const key of ['heartbeat', 'data'])
    if (section.valueNode(key) && section.bool(key, key === 'heartbeat') !== (key === 'heartbeat')) refuseRole(section, key)
  const devices = emptyRecord<string>()
  const link: LinkConfig = { name, heartbeatPort: null, ...timing, data: false, addresses: emptyRecord<string>(), serial: { baud, devices } }
  for (const node of nodes) {
    devices[node] = readDevice(section, node)
    section.source.remember(linkPlace(link, node), section.place(node))
  }
  const leastMs = serialIntervalMsMin(baud)
  if (timing.intervalMs < leastMs) section.refuse('interval', `${durationText(leastMs)} or more at ${baud} baud`, durationText(leastMs))
  section.source.remember(link, section.place('name'))
  return link
}

const refuseRole = (section: Section, key: string): void =>
  section.refuse(key, 'left out: a serial line carries the heartbeat, and nothing else', key === 'data' ? 'false' : 'true')

function readBaud(section: Section): number {
  const words = BAUD_RATES.map(String)
  return Number(section.oneOf('baud', String(DEFAULT_BAUD), words))
}

function readDevice(section: Section, node: string): string {
  if (!section.require(node, `${node}: /dev/ttyS0`)) return ''
  const device = section.text(node, '', '/dev/ttyS0')
  if (device.startsWith('/') || device === '') return device
  section.refuse(node, 'the path of a serial device', '/dev/ttyS0')
  return ''
}

/** The name under which the place of a link's address is remembered. */
export const linkPlace = (link: LinkConfig, node: string): string => `link ${link.name} ${node} ${link.serial?.devices[node] ?? link.addresses[node]}`

function readHeartbeatPort(section: Section): number | null {
  if (!section.require('heartbeat', 'heartbeat: 3001 (a UDP port), or heartbeat: false')) return null
  const node = section.valueNode('heartbeat')
  if (node && 'value' in node && node.value === false) return null
  return section.port('heartbeat', null, 3001)
}

export function readApi(top: Section): ApiConfig {
  const section = top.section('api', 'api', ['port', 'listen', 'group', 'login', 'session'])
  const group = section.text('group', DEFAULT_GROUP, DEFAULT_GROUP)
  checkName(top.source, section.place('group'), 'the group', group)
  return {
    port: section.port('port', DEFAULT_API_PORT, DEFAULT_API_PORT),
    listen: section.oneOf('listen', 'all', ['all', 'address']),
    group,
    login: section.oneOf('login', 'pam', ['pam', 'users']),
    sessionMs: section.durationMs('session', DEFAULT_SESSION_MS, SESSION_MS)
  }
}
