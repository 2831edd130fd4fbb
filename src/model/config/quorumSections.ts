import {
  type Config,
  DEFAULT_DRIFT_OF_LEASE,
  DEFAULT_LEASE_MS,
  DEFAULT_WITNESS_PORT,
  FIRST_CONFIG_VERSION,
  hasQuorum,
  type JobConfig,
  type WitnessConfig
} from '../config'
import { parseIp } from './address'
import { ETCD_KEYS, readEtcd } from './etcdSection'
import { scalarText, type Section } from './section'

/** Shorter ones would be over between two looks of an engine at the clock. */
const LEASE_MS = { min: 1_000, max: 600_000 }
const DRIFT_MS = { min: 1, max: 600_000 }
const EXAMPLE = '192.168.150.153'

/** `witness: { address: 192.168.150.153 }`, or with the port: `192.168.150.153:7330`, `"[2001:db8::3]:7330"`. */
export function readWitness(top: Section): Pick<Config, 'witness'> {
  if (top.valueNode('witness') === null) return {}
  const isEtcd = top.section('witness', 'witness', null).has('etcd')
  const section = top.section('witness', 'witness', isEtcd ? ETCD_KEYS : ['address', 'etcd'])
  if (isEtcd) {
    const witness = readEtcd(section)
    return witness === null ? {} : { witness }
  }
  if (!section.require('address', `address: ${EXAMPLE}`)) return {}
  const witness = parseWitness(scalarText(section.valueNode('address')) ?? '')
  if (witness === null) {
    section.refuse('address', 'an IP address, with its port or without', `${EXAMPLE}:${DEFAULT_WITNESS_PORT}`)
    return {}
  }
  section.source.remember(witness, section.place('address'))
  return { witness }
}

const WITH_PORT = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/

function parseWitness(text: string): WitnessConfig | null {
  const match = WITH_PORT.exec(text)
  const ip = parseIp(match?.[1] ?? match?.[2] ?? text)
  const port = match?.[3] === undefined ? DEFAULT_WITNESS_PORT : Number(match[3])
  return ip !== null && port >= 1 && port <= 65_535 ? { address: ip.text, port } : null
}

/** Pairs of the guide's mode have none, so that their configuration stays what it was. */
export function readQuorum(top: Section, jobs: JobConfig[]): Pick<Config, 'quorum'> {
  const section = top.section('quorum', 'quorum', ['lease', 'drift'])
  if (top.valueNode('quorum') === null && !jobs.some(({ mode }) => hasQuorum(mode))) return {}
  const leaseMs = section.durationMs('lease', DEFAULT_LEASE_MS, LEASE_MS)
  const driftMs = section.durationMs('drift', Math.ceil(leaseMs * DEFAULT_DRIFT_OF_LEASE), DRIFT_MS)
  const quorum = { leaseMs, driftMs, configVersion: FIRST_CONFIG_VERSION }
  section.source.remember(quorum, top.place('quorum'))
  return { quorum }
}

/** `watchdog: /dev/watchdog` */
export function readWatchdog(top: Section): Pick<Config, 'watchdog'> {
  const watchdog = top.text('watchdog', null, '/dev/watchdog')
  if (watchdog === null) return {}
  if (!watchdog.startsWith('/')) top.refuse('watchdog', 'a path that begins with /', '/dev/watchdog')
  top.source.remember('watchdog', top.place('watchdog'))
  return { watchdog }
}
