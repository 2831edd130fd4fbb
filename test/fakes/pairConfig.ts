import type { ApplicationConfig, Config, DataConfig, JobConfig, JobMode, Safety } from '../../src/model'
import { DATA_DEFAULTS } from './dataDefaults'

export const A = 'RMHW131'
export const B = 'RMHW132'
export const otherOf = (name: string): string => (name === A ? B : A)
export const JOB = 'DB_Group'

export function applicationConfig(name: string, dependsOn: string[] = []): ApplicationConfig {
  return {
    name,
    kind: 'process',
    unit: null,
    start: 'sleep infinity',
    stop: null,
    check: null,
    user: null,
    workingDirectory: null,
    environment: {},
    stopSignal: 'SIGTERM',
    startTimeoutMs: 60_000,
    stopTimeoutMs: 60_000,
    checkIntervalMs: 10_000,
    checkTimeoutMs: 10_000,
    dependsOn
  }
}

export const DATA: DataConfig = { folders: [{ path: '/srv/db', exclude: [] }], port: 7340, capture: 'fuse', queueBytes: 1 << 20, ...DATA_DEFAULTS }

export function jobConfig(change: Partial<JobConfig> = {}): JobConfig {
  return {
    name: JOB,
    mode: 'guide',
    vips: [{ name: 'IP-DB_Group', address: '192.168.150.130', prefix: 16, family: 4, nicGroup: null, nic: null }],
    applications: [applicationConfig('POSTGRES'), applicationConfig('AGENT', ['POSTGRES'])],
    data: DATA,
    ...change
  }
}

export const withSafety = (safety: Safety): Config => pairConfig(jobConfig({ data: { ...DATA, safety } }))

/** Short, so that a simulated life sees many of them. */
export const QUORUM = { leaseMs: 6_000, driftMs: 200, configVersion: 1 }

/** A pair with a witness; its one job has this mode. */
export function quorumConfig(mode: JobMode = 'high-availability'): Config {
  return { ...pairConfig(jobConfig({ mode, data: { ...DATA, safety: 'full' } })), witness: { address: '192.168.150.153', port: 7330 }, quorum: QUORUM }
}

const FENCE = { agent: 'fence_dummy', timeoutMs: 5_000, options: {}, nodes: { [A]: { plug: '1' }, [B]: { plug: '2' } }, passwordFile: null }

/** A pair of the guide's mode that asks the gateway, and a fence agent. */
export const arbitrationConfig = (fence: boolean): Config => ({
  ...pairConfig(),
  arbitration: { reach: ['192.168.0.1'], need: 'any', timeoutMs: 2_000, fence: fence ? FENCE : null }
})

/** Both nodes look at their processors; what was busy for three looks gives its jobs away, and gets none by itself for ten minutes. */
export function monitorConfig(config: Config = pairConfig()): Config {
  const event = { name: 'cpu', conditions: ['cpu >= 70% NA'], averageMs: null, responses: ['equal 3 switch all'], export: null }
  const monitor = { intervalMs: 2_000, switchPauseMs: 600_000, alarmCommand: null, alarmTimeoutMs: 30_000, events: [event] }
  return { ...config, monitors: { [A]: monitor, [B]: monitor } }
}

/** A pair of the guide's mode whose nodes wait for each other for half a minute. */
export const waitingConfig = (): Config => ({ ...pairConfig(), boot: { waitForPeerMs: 30_000 } })

/** As quorumConfig, with an etcd cluster in the witness's place. */
export function etcdConfig(mode: JobMode = 'high-availability'): Config {
  const etcd = { endpoints: ['https://192.168.150.161:2379'], caFile: null, certFile: null, keyFile: null, user: null, passwordFile: null }
  return { ...quorumConfig(mode), witness: { address: '192.168.150.161', port: 2379, etcd } }
}

export function pairConfig(job: JobConfig = jobConfig()): Config {
  const link = (name: string, net: string, port: number, data: boolean) => ({
    name,
    heartbeatPort: port,
    intervalMs: 1_000,
    maxMiss: 3,
    data,
    addresses: { [A]: `${net}.131`, [B]: `${net}.132` }
  })
  return {
    cluster: 'seoul-db',
    nodes: { [A]: { address: '192.168.150.151' }, [B]: { address: '192.168.150.152' } },
    links: [link('service', '192.168.150', 3002, false), link('link-0', '22.22.150', 3001, true), link('link-1', '11.11.150', 3000, true)],
    jobs: { [job.name]: job },
    api: { port: 7330, listen: 'all', group: 'mirrorpair', login: 'pam', sessionMs: 3_600_000 }
  }
}
