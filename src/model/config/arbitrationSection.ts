import type { ArbitrationConfig, Config, FenceConfig } from '../config'
import { parseIp } from './address'
import { emptyRecord } from './clusterSections'
import { scalarText, type Section } from './section'

const REACH_TIMEOUT_MS = { min: 500, max: 60_000 }
const DEFAULT_REACH_TIMEOUT_MS = 3_000
const FENCE_TIMEOUT_MS = { min: 1_000, max: 600_000 }
const DEFAULT_FENCE_TIMEOUT_MS = 60_000
const AGENT = /^fence_[a-z0-9_]+$/
const OPTION = /^[a-z][a-z0-9_-]*$/i
/** They are given by the caller, or must not stand in a file that both nodes and every reader of the configuration see. */
const OWN_OPTIONS = ['action', 'passwd', 'password']
const EXAMPLE = 'reach: [ 192.168.0.1 ]'

/** `arbitration: { reach: [ 192.168.0.1 ], need: any, timeout: 3s, fence: { agent: fence_ipmilan, options: { … }, RMHW131: { ip: … }, … } }` */
export function readArbitration(top: Section, nodes: string[]): Pick<Config, 'arbitration'> {
  if (top.valueNode('arbitration') === null) return {}
  const section = top.section('arbitration', 'arbitration', ['reach', 'need', 'timeout', 'fence'])
  const arbitration: ArbitrationConfig = {
    reach: readReach(section),
    need: section.oneOf('need', 'any', ['any', 'all']),
    timeoutMs: section.durationMs('timeout', DEFAULT_REACH_TIMEOUT_MS, REACH_TIMEOUT_MS),
    fence: section.valueNode('fence') ? readFence(section.section('fence', 'fence', ['agent', 'timeout', 'options', 'passwordFile', ...nodes]), nodes) : null
  }
  if (arbitration.reach.length === 0 && arbitration.fence === null) section.require('reach', EXAMPLE)
  return { arbitration }
}

function readReach(section: Section): string[] {
  return section.list('reach', '[ 192.168.0.1 ]').flatMap((item) => {
    const ip = parseIp(scalarText(item) ?? '')
    if (ip !== null) return [ip.text]
    section.refuse('reach', 'a list of IP addresses', '[ 192.168.0.1, 192.168.0.2 ]')
    return []
  })
}

function readFence(section: Section, nodes: string[]): FenceConfig {
  const agent = section.require('agent', 'agent: fence_ipmilan') ? section.text('agent', '', 'fence_ipmilan') : ''
  if (agent !== '' && !AGENT.test(agent)) section.refuse('agent', 'the name of a fence agent, without a path', 'fence_ipmilan')
  const passwordFile = section.text('passwordFile', null, '/etc/mirrorpair/fence.password')
  if (passwordFile !== null && !passwordFile.startsWith('/')) section.refuse('passwordFile', 'a path that begins with /', '/etc/mirrorpair/fence.password')
  const ofNodes = emptyRecord<Record<string, string>>()
  for (const node of nodes) ofNodes[node] = readOptions(section, node)
  return {
    agent,
    timeoutMs: section.durationMs('timeout', DEFAULT_FENCE_TIMEOUT_MS, FENCE_TIMEOUT_MS),
    options: readOptions(section, 'options'),
    nodes: ofNodes,
    passwordFile
  }
}

/** What stands there is not said again. */
function refuseOwn(section: Section, key: string): void {
  const example = 'passwordFile: /etc/mirrorpair/fence.password, beside options'
  section.source.refuse(section.place(key), 'E_CONFIG_VALUE', { key, where: section.where, found: 'here', expected: 'left to the agent', example })
}

/** As the agent's own manual names them. */
function readOptions(fence: Section, key: string): Record<string, string> {
  const options = emptyRecord<string>()
  if (fence.valueNode(key) === null) return options
  const section = fence.section(key, `${key} of fence`, null)
  for (const name of section.names) {
    const value = section.text(name, '', '1')
    if (OWN_OPTIONS.includes(name)) refuseOwn(section, name)
    else if (!OPTION.test(name)) section.refuse(name, 'an option of the agent', 'ip: 10.0.0.131')
    else options[name] = value
  }
  return options
}
