import type { Config } from '../../src/model'
import { etcdConfig, monitorConfig, pairConfig, QUORUM, quorumConfig } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import { JOBS, JOBS_CHANGES, JOBS_FAULTS, someJob } from './jobsFaults'
import { MONITOR_FAULTS } from './monitorLives'
import { randomFrom } from './random'
import { type Planted, simulateQuorum } from './simulateQuorum'

const WITHOUT_WITNESS_EVERY = 4
const ETCD_EVERY = 3
/** All that a busy node serves is to go to the other one at once. */
const MONITORED_EVERY = 5

const isMonitored = (seed: number): boolean => seed % MONITORED_EVERY === 0

/** Two or three jobs, each with a mode of its own. */
function configOf(seed: number): Config {
  const random = randomFrom(seed + 1)
  const isAlone = seed % WITHOUT_WITNESS_EVERY === 0
  const pair: Config = isAlone ? { ...pairConfig(), quorum: QUORUM } : seed % ETCD_EVERY === 0 ? etcdConfig() : quorumConfig()
  const config = isMonitored(seed) ? monitorConfig(pair) : pair
  const names = JOBS.slice(0, random() < 0.5 ? 2 : JOBS.length)
  return { ...config, jobs: Object.fromEntries(names.map((name) => [name, someJob(name, config, random)])) }
}

const BUSY = Array.from({ length: 4 }, () => MONITOR_FAULTS).flat()

/** A pair with several jobs beside each other, which are made, changed and taken out while it runs. Answers how often a node got one. */
export function simulateJobs(seed: number, line: ((text: string) => void) | null = null, { options, ...planted }: Planted = {}): number {
  const faults = [...(seed % 2 === 0 ? JOBS_FAULTS : JOBS_CHANGES), ...(isMonitored(seed) ? BUSY : [])]
  let made = (): number => 0
  const prepare = ({ jobs }: World): void => {
    made = () => jobs.made
  }
  simulateQuorum(seed, line, { faults, prepare, ...planted, options: { config: configOf(seed), ...options } })
  return made()
}
