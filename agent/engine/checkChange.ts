import { type Config, type ConfigDifference, type LinkConfig, configDifferences, configOfNode, parseConfig } from '../../src/model'
import { type ChangeCode, changeReport, type ChangeValues } from '../../src/report/change'
import { ReportError } from '../../src/report/report'
import type { Places, Ports } from '../ports'
import { hashOf } from './openConfig'

export interface CheckedChange {
  whole: Config
  hash: string
  differences: ConfigDifference[]
}

const PROBLEMS_SHOWN_MAX = 10
const CHANGES_SHOWN_MAX = 5

type CheckPorts = Pick<Ports, 'heartbeat' | 'configuration'>

/** The whole new configuration, as both nodes check it: by the same reader, against what is in force here, and with this machine's own eyes. */
export async function checkChange(places: Pick<Places, 'configFile' | 'node'>, ports: CheckPorts, before: Config, text: string): Promise<CheckedChange> {
  const { node, configFile } = places
  const whole = readWhole(node, configFile, text)
  const differences = configDifferences(before, whole)
  const stopped = differences.filter(({ needs }) => needs === 'agents stopped').map(({ where }) => where)
  if (stopped.length > 0) throw refusal('E_CONFIG_STOPPED', { node, what: stopped.slice(0, CHANGES_SHOWN_MAX).join(', ') })
  checkLinks(node, ports, before, whole)
  await ports.configuration.check(configOfNode(before, node), configOfNode(whole, node))
  return { whole, hash: hashOf(whole), differences }
}

function readWhole(node: string, file: string, text: string): Config {
  const answer = parseConfig(text, file)
  if ('config' in answer) return answer.config
  const problems = answer.problems.slice(0, PROBLEMS_SHOWN_MAX).map(({ line, message }) => `line ${line}: ${message}`)
  throw refusal('E_CONFIG_WRONG', { node, problems: problems.join(' ') })
}

/** While one node has the new links and the other one has not yet, they must hear each other on one that is the same for both. */
function checkLinks(node: string, ports: CheckPorts, before: Config, next: Config): void {
  const heard = ports.heartbeat.view().links.filter(({ up }) => up)
  const stays = ({ name }: { name: string }): boolean => JSON.stringify(heartbeatOf(before, name)) === JSON.stringify(heartbeatOf(next, name))
  const changed = before.links.some((link) => !stays(link)) || next.links.some((link) => !stays(link))
  const peer = Object.keys(next.nodes).find((name) => name !== node) ?? ''
  if (changed && !heard.some(stays)) throw refusal('E_CONFIG_LINKS', { node, peer })
}

function heartbeatOf({ links }: Config, name: string): Pick<LinkConfig, 'heartbeatPort' | 'intervalMs' | 'maxMiss' | 'addresses'> | null {
  const link = links.find((each) => each.name === name)
  if (link === undefined || link.heartbeatPort === null) return null
  const { heartbeatPort, intervalMs, maxMiss, addresses } = link
  return { heartbeatPort, intervalMs, maxMiss, addresses }
}

export const refusal = <Code extends ChangeCode>(code: Code, values: ChangeValues<Code>): ReportError => new ReportError(changeReport(code, values))
