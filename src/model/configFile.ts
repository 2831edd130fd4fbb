import type { Config } from './config'
import { checkWhole } from './config/checks'
import { readArbitration } from './config/arbitrationSection'
import { readBoot } from './config/bootSection'
import { readApi, readHeartbeat, readLinks, readNodes } from './config/clusterSections'
import { readJobs } from './config/jobSections'
import { readMonitors } from './config/monitorSection'
import { checkName } from './config/name'
import { readQuorum, readWatchdog, readWitness } from './config/quorumSections'
import { Section } from './config/section'
import { type ConfigProblem, Source } from './config/source'

export type { ConfigProblem } from './config/source'

const TOP_KEYS = ['cluster', 'nodes', 'witness', 'quorum', 'watchdog', 'arbitration', 'boot', 'heartbeat', 'links', 'jobs', 'monitors', 'api']

/** Reads the text form of a configuration. Everything that is wrong with it is told at once, in the order of the file. */
export function parseConfig(text: string, fileName: string): { config: Config } | { problems: ConfigProblem[] } {
  const source = new Source(text, fileName)
  if (source.problems.length > 0) return { problems: source.problems }
  const config = readConfig(source)
  if (source.problems.length === 0) return { config }
  return { problems: source.problems.sort((a, b) => a.line - b.line || a.column - b.column) }
}

function readConfig(source: Source): Config {
  const top = new Section(source, 'The file', source.root, TOP_KEYS)
  if (source.root === null)
    source.refuse(null, 'E_CONFIG_MISSING', { where: 'The file', key: 'everything', example: 'cluster: seoul-db, then nodes, links and jobs' })
  const cluster = top.require('cluster', 'cluster: seoul-db') ? top.text('cluster', '', 'seoul-db') : ''
  if (cluster !== '') checkName(source, top.place('cluster'), 'the cluster', cluster)
  const nodes = readNodes(top)
  const links = readLinks(top, Object.keys(nodes), readHeartbeat(top))
  source.remember(links, top.keyNode('links'))
  const jobs = readJobs(top)
  const config: Config = {
    cluster,
    nodes,
    links,
    jobs,
    api: readApi(top),
    ...readWitness(top),
    ...readQuorum(top, Object.values(jobs)),
    ...readWatchdog(top),
    ...readArbitration(top, Object.keys(nodes)),
    ...readMonitors(top, Object.keys(nodes), Object.keys(jobs)),
    ...readBoot(top)
  }
  source.remember(config.api, top.keyNode('api'))
  checkWhole(config, source)
  return config
}

/** The same configuration gives the same text, however its file is laid out. */
export function canonicalConfig(config: Config): string {
  return JSON.stringify(config, (_key, value: unknown) => (isRecord(value) ? sorted(value) : value))
}

/** What two nodes compare to see whether they run the same configuration. The hash function (hex or base64 of SHA-256) comes from outside. */
export const configHash = (config: Config, hash: (text: string) => string): string => hash(canonicalConfig(config))

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (value: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
