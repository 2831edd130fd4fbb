import type { DrillTargets } from './drill'
import type { MonitorConfig } from './monitor/monitorConfig'

/**
 * The configuration of a cluster, checked and with every default filled in.
 * The text form (YAML, guide annex 1, design §9) is read by `parseConfig` in `configFile.ts`.
 * All durations are milliseconds, all sizes bytes.
 */
export interface Config {
  cluster: string
  /** Exactly two. The key is the host name, the word used everywhere else. */
  nodes: Record<NodeName, NodeConfig>
  links: LinkConfig[]
  jobs: Record<JobName, JobConfig>
  api: ApiConfig
  /** The third voter of the modes with quorum; absent: there is none. */
  witness?: WitnessConfig | null
  quorum?: QuorumConfig
  /** The guide's mode: asked when every heartbeat is lost. */
  arbitration?: ArbitrationConfig
  /** By node: what it watches of itself. A node that is not named watches nothing. */
  monitors?: Record<NodeName, MonitorConfig>
  /** The guide's mode: how long a node that has booted waits for the other one's word, before it starts what it owned last; absent: for ever. */
  boot?: { waitForPeerMs: number }
  /** A device that resets the machine when what is served without a lease does not end otherwise. */
  watchdog?: string | null
}

/** Where the witness is reached. */
export interface WitnessConfig {
  address: string
  port: number
  /** An etcd cluster stands in for it; then the address is that of its first member, for people. */
  etcd?: EtcdConfig
  /** The configVersion in which it became the pair's; absent: the first one. What it holds from before it was replaced counts no more. */
  since?: number
}

export interface ArbitrationConfig {
  /** A takeover needs one of them, or all; empty: none is asked. */
  reach: string[]
  need: 'any' | 'all'
  timeoutMs: number
  fence: FenceConfig | null
}

/** A fence agent of ClusterLabs, with its own options: those for both nodes, and those that say which machine is to be switched off. */
export interface FenceConfig {
  agent: string
  /** Of each call. */
  timeoutMs: number
  options: Record<string, string>
  nodes: Record<NodeName, Record<string, string>>
  /** Its first line is the password. */
  passwordFile: string | null
}

/** Its members, and what they want to see. Secrets stay in files. */
export interface EtcdConfig {
  /** `https://192.168.150.161:2379` */
  endpoints: string[]
  /** PEM files; null: plain HTTP, or the system's authorities and no certificate of ours. */
  caFile: string | null
  certFile: string | null
  keyFile: string | null
  user: string | null
  passwordFile: string | null
}

/** The times that the voters share. */
export interface QuorumConfig {
  /** An owner serves for so long, on its own clock, from the moment at which it sent a renewal that was granted. */
  leaseMs: number
  /** A voter waits for so much longer, on its own clock, before it grants another one: what two clocks may differ by within a lease. */
  driftMs: number
  /** Grows with every change that is applied; an older configuration does not vote. */
  configVersion: number
}

const MS_A_SECOND = 1_000
/**
 * Half a lease, in whole seconds: in the other half it is petted. Petted only while the lease still runs for that long, or nothing is served, it has reset
 * the machine before somebody else may serve.
 */
export const watchdogTimeoutMs = ({ leaseMs }: Pick<QuorumConfig, 'leaseMs'>): number =>
  Math.max(MS_A_SECOND, Math.floor(leaseMs / 2 / MS_A_SECOND) * MS_A_SECOND)
export const WATCHDOG_LEASE_MS_MIN = 2 * MS_A_SECOND

/** Product §6. */
export const JOB_MODES = ['guide', 'high-availability', 'high-protection', 'high-performance'] as const
export type JobMode = (typeof JOB_MODES)[number]

/** A job of such a mode is served by the leave of a second voter only. */
export const hasQuorum = (mode: JobMode): boolean => mode === 'high-availability' || mode === 'high-protection'

export type NodeName = string
export type JobName = string
export type LinkName = string

export interface NodeConfig {
  /** Where the node's agent is reached by the shell and by its peer. */
  address: string
}

export interface LinkConfig {
  name: LinkName
  /** UDP port of the heartbeat on this link; null: no heartbeat here. */
  heartbeatPort: number | null
  intervalMs: number
  /** So many intervals in a row without a heartbeat and the link is down. */
  maxMiss: number
  /** May carry replication. The order in the file is the order of preference. */
  data: boolean
  /** None: it is a serial line. */
  addresses: Record<NodeName, string>
  /** A serial line, which carries the heartbeat and nothing else; absent: sockets. */
  serial?: SerialConfig
}

export interface SerialConfig {
  baud: number
  /** `/dev/ttyS0` */
  devices: Record<NodeName, string>
}

export const carriesHeartbeat = ({ heartbeatPort, serial }: LinkConfig): boolean => heartbeatPort !== null || serial !== undefined

export interface ApiConfig {
  port: number
  /** `all`: every address of the machine; `address`: only the node's own. */
  listen: 'all' | 'address'
  /** OS accounts of this group may log in (PAM). Root always may. */
  group: string
  login: 'pam' | 'users'
  sessionMs: number
}

export interface JobConfig {
  name: JobName
  /** One that the file does not name is high-availability where there is a witness, else guide. */
  mode: JobMode
  /** The node that owns it when it begins; absent: the first one. */
  firstOwner?: NodeName
  /** Absent: DEFAULT_RESTART_LIMIT. */
  restart?: RestartLimit
  /** What a drill must stay within; absent: nothing is asked. */
  drill?: DrillTargets
  vips: VipConfig[]
  /** In the order of the file; `dependsOn` decides the start order. */
  applications: ApplicationConfig[]
  data: DataConfig | null
  /** The configVersion in which it was made; absent: the first one. What voters hold of an earlier job of this name counts no more. */
  since?: number
}

/** The node whose job it is before it has ever moved. */
export const firstOwnerOf = ({ nodes, jobs }: Config, job: JobName): NodeName => jobs[job]?.firstOwner ?? Object.keys(nodes)[0] ?? ''

/** What fails is restarted here so often within so long; then the job goes to the other node. */
export interface RestartLimit {
  max: number
  windowMs: number
}

export const DEFAULT_RESTART_LIMIT: RestartLimit = { max: 3, windowMs: 600_000 }

export interface VipConfig {
  name: string
  address: string
  prefix: number
  family: 4 | 6
  /** The guide's NIC group; here the NIC is found by the network that holds the address. */
  nicGroup: string | null
  /** Fixed NIC name, or null: the one whose network holds the address. */
  nic: string | null
  /** Several, best first: the first one that has a link. */
  nics?: string[]
}

/** An OCF resource agent: a program that starts, stops and watches something, whatever that is. */
export interface AgentConfig {
  provider: string
  type: string
  /** Told as OCF_RESKEY_NAME. What each one means is the agent's own business: its metadata. */
  parameters: Record<string, string>
  /** OCF_CHECK_LEVEL of its checks: how thorough they are. */
  checkLevel: number
}

/** As it is written everywhere: `ocf:heartbeat:pgsql`. */
export const agentName = ({ provider, type }: Pick<AgentConfig, 'provider' | 'type'>): string => `ocf:${provider}:${type}`

export interface ApplicationConfig {
  name: string
  kind: 'service' | 'process' | 'agent'
  /** kind service: the systemd unit. */
  unit: string | null
  agent?: AgentConfig | null
  /** kind process: shell command lines. `start` stays in the foreground. */
  start: string | null
  stop: string | null
  check: string | null
  /** kind process: the OS account that runs it. */
  user: string | null
  workingDirectory: string | null
  environment: Record<string, string>
  /** Sent by a stop when there is no `stop` command. */
  stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT'
  startTimeoutMs: number
  stopTimeoutMs: number
  checkIntervalMs: number
  checkTimeoutMs: number
  /** Absent: that of the job, which all without one of their own share. */
  restart?: RestartLimit
  dependsOn: string[]
}

/** The mirroring paper's safety: FULL waits for the mirror's disk, OFF never waits. */
export type Safety = 'full' | 'off'

/** What a mode is made of; null: either. */
export const SAFETY_OF_MODE: Record<JobMode, Safety | null> = {
  guide: null,
  'high-availability': 'full',
  'high-protection': 'full',
  'high-performance': 'off'
}

export interface DataConfig {
  folders: FolderConfig[]
  /** TCP port of the replication stream, on the addresses of the data links. */
  port: number
  capture: 'fuse' | 'watch'
  /** Memory queue between capture and sender. */
  queueBytes: number
  /** The safety that a job begins with; `safety JOB` changes it while it runs. */
  safety: Safety
  pagefileBytes: number
  redoQueueBytes: number
  partnerTimeoutMs: number
  bandwidthBytesPerSecond: number | null
}

export interface FolderConfig {
  /** Whole path. Where each node has its own (`nodePaths`), the first one's until `configOfNode` has chosen. */
  path: string
  nodePaths?: Record<NodeName, string>
  /** Then: what both nodes call it, when `configOfNode` has chosen. */
  name?: string
  /** Glob patterns relative to the folder: neither captured nor sent; with the mark: all the same (`include` of the file). */
  exclude: string[]
}

export const DEFAULT_API_PORT = 7330
export const DEFAULT_DATA_PORT = 7340
/** Its memory is used up to the last byte in time, and there is a page file behind it: mirrord as a whole stays well below 300 MiB. */
export const DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024
export const DEFAULT_PAGEFILE_BYTES = 1024 ** 3
export const DEFAULT_REDO_QUEUE_BYTES = 1024 ** 3
/** The mirroring paper's partner timeout. */
export const DEFAULT_PARTNER_TIMEOUT_MS = 10_000
/** With the drift bound and the time that a kill takes it ends within the default partner timeout. */
export const DEFAULT_LEASE_MS = 8_000
/** Clocks that differ by less than one part in a hundred each: two of them, over a lease. */
export const DRIFT_OF_LEASE_MIN = 0.02
export const DEFAULT_DRIFT_OF_LEASE = 0.025
/** The last part of a lease is for stopping in order; what outlives the engine (the guard) kills in the last half of it. */
export const STOP_PART = 5
/** From the guard's waking up until the kernel has ended a job's processes and its addresses are gone. */
export const KILL_GRACE_MS = 250
/** A file that nobody has changed at run time. */
export const FIRST_CONFIG_VERSION = 1
export const DEFAULT_WITNESS_PORT = 7330
export const DEFAULT_HEARTBEAT_INTERVAL_MS = 5_000
export const DEFAULT_MAX_MISS = 3
export const HEARTBEAT_INTERVAL_MS_MIN = 50
/** What serial ports know since a long time. */
export const BAUD_RATES = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600] as const
export const DEFAULT_BAUD = 115_200
/** A heartbeat with its frame, in bits: eight and two of each byte. */
const HEARTBEAT_BITS = 10 * 112
/** An interval leaves room for a heartbeat, for an answer beside it, and for as much again. */
const HEARTBEATS_AN_INTERVAL = 4
export const serialIntervalMsMin = (baud: number): number => Math.ceil((HEARTBEATS_AN_INTERVAL * HEARTBEAT_BITS * 1_000) / baud)
export const HEARTBEAT_INTERVAL_MS_MAX = 60_000
