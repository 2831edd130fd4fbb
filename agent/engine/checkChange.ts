import type { Failure } from '../../src/core'
import { carriesHeartbeat, type Config, type ConfigDifference, type LinkConfig, configDifferences, configOfNode, parseConfig } from '../../src/model'
import { type ChangeCode, changeReport, type ChangeValues } from '../../src/report/change'
import { type Report, ReportError } from '../../src/report/report'
import type { ConfigChecked } from '../../src/wire'
import { outcomeOf } from '../perform'
import type { Places, Ports } from '../ports'
import { hashOf } from './openConfig'

export interface CheckedChange extends ConfigChecked {
  whole: Config
  hash: string
  differences: ConfigDifference[]
}

const PROBLEMS_SHOWN_MAX = 10
const CHANGES_SHOWN_MAX = 5

type CheckPorts = Pick<Ports, 'heartbeat' | 'configuration'>

/**
 * The whole new configuration, as both nodes check it: by the same reader, against what is in force here, and with this machine's own eyes. What both would
 * say in the same words is thrown; what is found here is told, all of it.
 */
export async function checkChange(places: Pick<Places, 'configFile' | 'node'>, ports: CheckPorts, before: Config, text: string): Promise<CheckedChange> {
  const { node, configFile } = places
  const whole = readWhole(node, configFile, text)
  const differences = configDifferences(before, whole)
  const stopped = differences.filter(({ needs }) => needs === 'agents stopped').map(({ where }) => where)
  if (stopped.length > 0) throw refusal('E_CONFIG_STOPPED', { node, what: stopped.slice(0, CHANGES_SHOWN_MAX).join(', ') })
  const links = whyNotLinks(node, ports, before, whole)
  const seen = await outcomeOf(ports.configuration.check(configOfNode(before, node), configOfNode(whole, node)))
  const { problems, warnings, folders } = seen.ok ? seen.result : { problems: [reportOf(node, seen.error)], warnings: [], folders: [] }
  return { whole, hash: hashOf(whole), differences, problems: [...(links === null ? [] : [links]), ...problems], warnings, folders }
}

/** As a report that names its node. */
export const reportOf = (node: string, error: Failure): Report => ({ node, ...error, exitCode: error.exitCode as Report['exitCode'] })

/** One is told in its own words, several together. */
export function refusalOf(node: string, problems: Report[]): ReportError {
  const [only, ...more] = problems
  if (only !== undefined && more.length === 0) return new ReportError(only)
  const named = problems.slice(0, PROBLEMS_SHOWN_MAX).map((each) => ({ ...each, message: withNode(each) }))
  return refusal('E_CONFIG_CHECKS', { node, problems: named })
}

const withNode = ({ node, message }: Report): string => (node === undefined || message.includes(node) ? message : `[${node}]: ${message}`)

function readWhole(node: string, file: string, text: string): Config {
  const answer = parseConfig(text, file)
  if ('config' in answer) return answer.config
  const shown = answer.problems.slice(0, PROBLEMS_SHOWN_MAX)
  // Who typed `witness remove` has no file to check: each problem says itself what is to be written instead.
  const instead = [...new Set(shown.map(({ tryThis }) => tryThis))]
  throw refusal('E_CONFIG_WRONG', { node, problems: shown.map(({ line, message }) => `line ${line}: ${message}`).join(' '), instead: instead.join(' ') })
}

/** While one node has the new links and the other one has not yet, they must hear each other on one that is the same for both. */
function whyNotLinks(node: string, ports: CheckPorts, before: Config, next: Config): Report | null {
  const heard = ports.heartbeat.view().links.filter(({ up }) => up)
  const stays = ({ name }: { name: string }): boolean => JSON.stringify(heartbeatOf(before, name)) === JSON.stringify(heartbeatOf(next, name))
  const changed = before.links.some((link) => !stays(link)) || next.links.some((link) => !stays(link))
  const peer = Object.keys(next.nodes).find((name) => name !== node) ?? ''
  return changed && !heard.some(stays) ? refusal('E_CONFIG_LINKS', { node, peer }).report : null
}

function heartbeatOf({ links }: Config, name: string): Pick<LinkConfig, 'heartbeatPort' | 'intervalMs' | 'maxMiss' | 'addresses' | 'serial'> | null {
  const link = links.find((each) => each.name === name)
  if (link === undefined || !carriesHeartbeat(link)) return null
  const { heartbeatPort, intervalMs, maxMiss, addresses, serial } = link
  return { heartbeatPort, intervalMs, maxMiss, addresses, ...(serial ? { serial } : {}) }
}

export const refusal = <Code extends ChangeCode>(code: Code, values: ChangeValues<Code>): ReportError => new ReportError(changeReport(code, values))
