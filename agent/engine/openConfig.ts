import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { jobsSince } from '../../src/core/agreement/agreement'
import { type Config, configHash, configOfNode, parseConfig } from '../../src/model'
import type { ConfigVersion } from '../../src/wire'
import type { KeptConfig, Places } from '../ports'

/** So many are kept beside the one in force. */
export const CONFIG_HISTORY_MAX = 20
/** The id of one that was edited while the agent was down: nobody has proposed it. */
export const BY_HAND = 'by hand'

export const hashOf = (config: Config): string => configHash(config, (text) => createHash('sha256').update(text).digest('hex'))

/** As this node goes by it: with its own folders, and the numbers that the voters compare. */
export function inForce(whole: Config, node: string, { agreed, isAgreed }: Pick<KeptConfig, 'agreed' | 'isAgreed'>): Config {
  const { quorum, witness } = whole
  const numbers = {
    ...(quorum ? { quorum: { ...quorum, configVersion: isAgreed ? agreed.version : 0 } } : {}),
    ...(witness ? { witness: { ...witness, since: agreed.witnessSince } } : {})
  }
  const jobs = Object.entries(whole.jobs).map(([name, job]) => [name, agreed.jobsSince?.[name] ? { ...job, since: agreed.jobsSince[name] } : job] as const)
  return configOfNode({ ...whole, jobs: Object.fromEntries(jobs), ...numbers }, node)
}

export const isSameWitness = (one: Config, other: Config): boolean => JSON.stringify(one.witness ?? null) === JSON.stringify(other.witness ?? null)

/** The jobs of the next one, and those of them that the one before has not. */
export function jobsOf(before: Config | null, next: Config): { jobs: string[]; newJobs: string[] } {
  const jobs = Object.keys(next.jobs)
  return { jobs, newJobs: before === null ? [] : jobs.filter((name) => !Object.hasOwn(before.jobs, name)) }
}

/** What was agreed once can be read, unless a version that knew more has agreed on it. */
export function readAgreed({ text }: ConfigVersion, file: string): Config | null {
  const answer = parseConfig(text, file)
  return 'config' in answer ? answer.config : null
}

export interface OpenConfig {
  kept: KeptConfig
  whole: Config
}

/**
 * What this node goes by when its engine starts. The file is for people: one that was edited by hand while the agent was down is used, but counts as agreed
 * only when the other node has been given the same. `kept` null: this node has never kept one.
 */
export function openConfig(file: string, read: (file: string) => Config, kept: KeptConfig | null, now: { node: string; wallMs: number }): OpenConfig {
  if (kept !== null && !kept.fileWritten) {
    const whole = readAgreed(kept.agreed, file)
    if (whole !== null) return { kept, whole }
  }
  const whole = read(file)
  const text = fs.readFileSync(file, 'utf8')
  if (kept === null) return { kept: firstKept(text, whole, now), whole }
  // Comments may have changed.
  if (hashOf(whole) === kept.agreed.hash) return { kept: { ...kept, agreed: { ...kept.agreed, text }, fileWritten: true }, whole }
  return { kept: byHand(kept, text, whole, file, now), whole }
}

function firstKept(text: string, whole: Config, { node, wallMs }: { node: string; wallMs: number }): KeptConfig {
  const agreed = { version: 0, hash: hashOf(whole), text, by: 'the first file', why: null, node, wallMs, witnessSince: 0, id: 'first' }
  return { agreed, isAgreed: false, prepared: null, before: null, history: [], fileWritten: true }
}

function byHand(kept: KeptConfig, text: string, whole: Config, file: string, { node, wallMs }: { node: string; wallMs: number }): KeptConfig {
  const { version } = kept.agreed
  const before = readAgreed(kept.agreed, file)
  const witnessSince = before !== null && isSameWitness(before, whole) ? kept.agreed.witnessSince : version + 1
  const { jobs, newJobs } = jobsOf(before, whole)
  const since = { witnessSince, ...jobsSince(kept.agreed, jobs, newJobs, version + 1) }
  const agreed: ConfigVersion = { version, hash: hashOf(whole), text, by: 'an editor', why: 'changed by hand', node, wallMs, ...since, id: BY_HAND }
  return { ...kept, agreed, isAgreed: false, before: kept.before ?? kept.agreed, history: withOlder(kept), fileWritten: true }
}

/** Those between the one of before and the one in force, oldest first. */
export const passedSince = ({ before, history }: Pick<KeptConfig, 'before' | 'history'>): ConfigVersion[] =>
  before === null ? [] : history.filter(({ version }) => version > before.version).reverse()

export const withOlder = ({ agreed, history }: Pick<KeptConfig, 'agreed' | 'history'>): ConfigVersion[] => [agreed, ...history].slice(0, CONFIG_HISTORY_MAX)

/** For an engine that is given its configuration, and no file. */
export function alreadyAgreed({ node, config }: Pick<Places, 'node' | 'config'>, hash: string): OpenConfig {
  const agreed = { version: 1, hash, text: '', by: 'its maker', why: null, node, wallMs: 0, witnessSince: 0, id: 'given' }
  return { kept: { agreed, isAgreed: true, prepared: null, before: null, history: [], fileWritten: true }, whole: config }
}
