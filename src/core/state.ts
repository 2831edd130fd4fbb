import type { Config, Detached, JobConfig, JobName, JobRecord, LicenceFacts, NodeName } from '../model'
import type { Ballot, Jeopardy, JobCommand, JobView, MirrordStatus, NodeView, StepLine, TakeoverView, VoteRefusal, VipPath } from '../wire'
import type { Restart } from '../wire/keptRestarts'
import type { Order } from './action'
import type { Failure, HeartbeatFacts, VoterName, Waiting } from './event'
import { BLANK_MONITOR, type MonitorState } from './monitor/monitorState'
import type { Lease } from './quorum/lease'
import type { Voter } from './quorum/voter'
import type { Reach } from './reach'
import type { Stale } from './stale'

/** Everything the decisions know: plain data, so that it can be printed, compared and replayed. */
export interface State {
  node: NodeName
  peerNode: NodeName
  incarnation: string
  configHash: string
  config: Config
  /** Grows with each configuration that both nodes have agreed on. */
  configVersion: number
  /** False: the other node has not seen this one yet (first start, or edited by hand). */
  configAgreed: boolean
  /** A change is being agreed on: these jobs stay offline, and these are not taken over by themselves, until it is decided. */
  hold: { jobs: JobName[]; modes: JobName[] } | null
  unconfirmed: Unconfirmed | null
  /** Of the event that is being looked at. */
  atMs: number
  wallMs: number
  booted: boolean
  /** Of the machine; empty: the engine has not booted. */
  bootId: string
  bootedAtMs: number | null
  /** Arbitration of the guide's mode; null: the other node is not lost, or nothing is configured. */
  reach: Reach | null
  reachCount: number
  /** The other node was switched off, and has not been heard since. */
  fenced: boolean
  /** This machine shuts down. */
  leaving: boolean
  heartbeat: HeartbeatFacts | null
  /** `unknown`: no heartbeat heard yet, as far as anybody here remembers. */
  peerAlive: 'up' | 'lost' | 'unknown'
  /** The peer's node has announced its shutdown then; what its engine said before does not count as said on leaving. */
  leavingSinceMs: number | null
  /** What the peer last said of itself; replaced whole, never changed in place. */
  peer: { view: NodeView; atMs: number } | null
  jobs: Record<JobName, JobState>
  /** Replaced whole. */
  tickets: Readonly<Record<string, Ticket>>
  ticketCount: number
  /** Replaced whole. */
  waiting: readonly Waiting[]
  /** Of this node's own usage. Replaced whole. */
  monitor: MonitorState
  /** null: not looked at yet. Replaced whole. */
  licence: LicenceFacts | null
  /** What the log was last told of it. */
  licenceTold: string | null
  /** What was last told to the peer, in short, and when. */
  told: { news: unknown[]; atMs: number; number: number } | null
}

export interface JobState {
  name: JobName
  /** Made by this version of the configuration while the engine ran: what the peer said by an older one was about another job. */
  sinceVersion: number
  /** On disk, or in the persist of this very step. Replaced whole. */
  record: JobRecord
  phase: JobView['phase']
  note: string | null
  /** Grows with every plan: an answer that names an older one is late and is ignored. */
  attempt: number
  plan: Plan | null
  /** What runs on this node is known (it is looked for when the engine starts). */
  observed: boolean
  /** Replaced whole (`setVip`, `setApplication`, `setFailed`). */
  vips: Readonly<Record<string, VipState>>
  applications: Readonly<Record<string, ApplicationState>>
  /** What data was last made to be here. `unknown` while a change is under way or has failed. */
  dataRole: 'none' | 'source' | 'target' | 'unknown'
  dataSequence: number
  data: MirrordStatus | null
  dataLost: string | null
  /** A full mirror has begun here, and its end has not been told; null in it: an engine before this one has seen it begin. Replaced whole. */
  mirrorRuns: { sinceMs: number | null } | null
  /** By the name of the virtual address, as far as it is known; replaced whole. */
  paths: Readonly<Record<string, VipPath>>
  /** Since when one of them is not ok. */
  pathsSinceMs: number | null
  failedApplications: Readonly<Record<string, string>>
  /** Why those that nobody watches do not run. Replaced whole. */
  brokenApplications: Readonly<Record<string, string>>
  /** Wall clock of the last change of each. Replaced whole. */
  applicationsSince: Readonly<Record<string, number>>
  /** The queue has been drained with the applications stopped, and nothing was written since. */
  drained: boolean
  /** Oldest first. On disk, or in the persist of this very step: an engine that restarts counts on. */
  restarts: readonly Restart[]
  /** No automatic plan before this time. */
  retryAtMs: number
  /** The peer has said which record it holds, since this engine started. */
  peerSpoke: boolean
  /** While record.handover is set: offer it, or take it back. */
  offer: { do: 'offer' | 'withdraw'; sinceMs: number; nextAtMs: number; flying: boolean; flag: string | null } | null
  /** Why the job moves by itself; null: somebody has typed it. */
  movesBecause: string | null
  /** Why no restart helps here any more: the other node takes the job as soon as it can. null: it has not given up. */
  gaveUp: string | null
  /** Becomes this node's error flag when the peer has taken the job. */
  pendingFlag: string | null
  /** Handovers that this node has promised never to accept, newest last. */
  voided: readonly string[]
  /** Last ticket, also of automatic changes. */
  ticket: string | null
  /** The switch under way is one to the right data (`selectsrc`): what is queued here is given up. */
  giveUpOwn: boolean
  selectAtMs: number
  /** The data program was told the safety with this sequence. */
  safetyGiven: number
  safetyAskedMs: number | null
  /** `recordedThere`: the peer has answered that it has "not in sync" with this sequence on its disk. */
  exposure: { flying: 'ask' | 'expose' | null; nextAtMs: number; recordedThere: number | null }
  redoToldMs: number | null
  lookAtMs: number
  /** How the next start by itself is meant; null: as after a restart. */
  next: { cause: Plan['cause']; peerCopyComplete: boolean } | null
  /** A handover came to nothing then: it is not tried again by itself for a while. */
  undoneAtMs: number | null
  /** The role sequence that this node took by itself, because the peer was lost. */
  tookAloneSequence: number
  /** The newest command, and who typed it. */
  typed: { ticket: string; command: JobCommand; account: string; reason: string | null } | null
  /** The change of owner under way (chronicle.ts). */
  takeover: Takeover | null
  /** The newest takeover by this node, until the old owner is back and equal again. */
  taken: TakeoverView | null
  /** The other node served it until then, or serves it: as its engine has told. */
  servedThere: { atMs: number; still: boolean } | null
  /** An administrator has forced the start that runs here (quorum/force.ts). */
  forcing: boolean
  /** Brought in before the first votes came: they are waited for until then. */
  votesByMs: number | null
  /** Since then a voter has said, without a break, that it lets the other node serve. */
  rivalSinceMs: number | null
  /** The data was connected until then; null: it is, or never was. */
  partedAtMs: number | null
  /** The last role sequence at which the target was connected: from then on the data program's own word counts. */
  connectedSequence: number
  /** It stopped because this node was cut off, and nobody has said since who serves it. */
  cutOff: boolean
  /** Somebody else answered for this address while the peer seemed dead. */
  answeredBy: string | null
  /** What is still here as the configuration before had it. Replaced whole. */
  stale: Stale
  /** Not known to be recorded on the other node yet (`detachUnheard`): since when. */
  detaching: { sinceMs: number } | null
  /** When the time of this detachment is over, by the clock that nobody sets. Replaced whole. */
  detachEnds: { of: Detached; atMs: number } | null
  /** Detached, and this node has stopped it because it might not serve any more: it serves again when it may. */
  yielded: boolean
  /** Replaced whole. */
  jeopardy: Jeopardy[]
  /** null: the job's mode knows no quorum. */
  quorum: QuorumState | null
}

/** What has changed in this version, until the peer has said that it goes by it (modeChange.ts). Replaced whole. */
export interface Unconfirmed {
  version: number
  witness: boolean
  modes: JobName[]
  /** Of the rules before and after: a vote that was given by either may count for so long. */
  longest: { leaseMs: number; driftMs: number }
  /** The peer goes by all of it since then; it is remembered until what was granted before is over. */
  heardAtMs: number | null
}

/** A change of owner that has begun, as far as this node takes part in it. */
export interface Takeover {
  view: TakeoverView
  /** The last sign of service before it; null: there was none, or it is not known. */
  servedMs: number | null
  /** The other node gave it: what it had not sent is known, and not measured when it is equal again. */
  handed: boolean
}

/** Replaced whole at every change. */
export interface QuorumState {
  /** The voters are asked since then. */
  sinceMs: number
  /** As owner. */
  lease: Lease
  /** As a voter. */
  grant: Voter['grant']
  heard: Voter['heard']
  asked: Record<VoterName, Asked>
  /** The lease that the data program and the guard were told. */
  told: Lease
}

/** What this node knows of one of its voters. */
export interface Asked {
  /** Of the newest question. */
  number: number
  /** Not answered yet, and not overtaken by an answer to a newer one; oldest first, at most SENT_MAX. */
  sent: Sent[]
  /** The newest question: nothing new is asked before it is time. */
  last: { record: JobRecord; kind: QuestionKind; voter: string | null } | null
  nextAtMs: number
  incarnation: string | null
  answeredAtMs: number | null
  /** By its last answer. */
  held: Ballot | null
  leasedTo: string | null
  refused: VoteRefusal | null
}

export interface Sent {
  number: number
  atMs: number
  voter: string | null
  /** The length of the lease that was asked for. */
  leaseMs: number
  /** What it was to hold. */
  ballot: Ballot
}

export type QuestionKind = 'report' | 'renew' | 'release' | 'outOfSync' | 'claim'

/** A task is one order to a port. What the record says about safety is added when it is given. */
export type Task = Exclude<Order, { do: 'source' }> | { do: 'source'; peerCopyComplete: boolean }

export type PlanKind =
  | 'observe'
  | 'start'
  | 'stop'
  | 'switch'
  | 'giveBack'
  | 'standDown'
  | 'cleanup'
  | 'standby'
  | 'probe'
  | 'fence'
  | 'restart'
  | 'recover'
  | 'data'
  | 'safety'
  | 'upgrade'
  | 'reconfigure'
  | 'takeUp'
  | 'lease'
  | 'force'
  | 'attach'
  | 'resource'

/** Stages are done one after the other, the tasks of a stage side by side. */
export interface Plan {
  kind: PlanKind
  /** Why: decides what a failure leads to. */
  cause: 'bringin' | 'handover' | 'failover' | 'resume' | 'undo' | 'command' | 'automatic'
  ticket: string | null
  stages: Task[][]
  /** Tasks given out so far: the number of the next one. */
  given: number
  pending: { task: number; order: Order }[]
  failures: { order: Order; error: Failure }[]
}

/** What became of a command, or of a change that the node decided on by itself. Replaced whole at every change. */
export interface Ticket {
  id: string
  job: string
  purpose: JobCommand | 'automatic'
  state: 'running' | 'done' | 'failed'
  steps: StepLine[]
  /** So many of the other node's lines have been copied. */
  peerLines: number
  error: Failure | null
  /** What went wrong first; the ticket ends when the job is at rest again. */
  pending: Failure | null
}

export type ApplicationState = JobView['applications'][number]['state']
export type VipState = 'down' | 'raising' | 'up' | 'dropping'

export const TICK_MS = 250
export const RETRY_MS = 5_000
export const LOOK_MS = 10_000
export const PROBE_AGAIN_MS = 5_000
export const DRAIN_TIMEOUT_MS = 60_000
/** One that came to nothing is not tried again by itself for so long. */
export const UNDONE_MS = 600_000
/** The peer's own words older than this do not count as "reachable". */
export const PEER_FRESH_MS = 5_000
export const OFFER_AGAIN_MS = 1_000
export const OFFER_LIMIT_MS = 15_000
export const VOIDED_MAX = 32
export const SAFETY_LIMIT_MS = 15_000
export const EXPOSE_AGAIN_MS = 1_000
export const DETACH_LIMIT_MS = 15_000

export function initialState(input: {
  node: NodeName
  config: Config
  configHash: string
  configVersion?: number
  configAgreed?: boolean
  incarnation: string
}): State {
  const peerNode = Object.keys(input.config.nodes).find((name) => name !== input.node) ?? ''
  return {
    ...input,
    configVersion: input.configVersion ?? 1,
    configAgreed: input.configAgreed ?? true,
    hold: null,
    unconfirmed: null,
    peerNode,
    atMs: 0,
    wallMs: 0,
    booted: false,
    bootId: '',
    bootedAtMs: null,
    reach: null,
    reachCount: 0,
    fenced: false,
    leaving: false,
    heartbeat: null,
    peerAlive: 'unknown',
    leavingSinceMs: null,
    peer: null,
    jobs: {},
    tickets: {},
    ticketCount: 0,
    waiting: [],
    monitor: BLANK_MONITOR,
    licence: null,
    licenceTold: null,
    told: null
  }
}

export function configOf(state: State, job: JobState): JobConfig {
  const config = state.config.jobs[job.name]
  if (!config) throw new Error(`job ${job.name} is not in the configuration`)
  return config
}

export const owns = (state: State, job: JobState): boolean => job.record.owner === state.node

export const hasData = (state: State, job: JobState): boolean => configOf(state, job).data !== null

/** A job without data has nothing that could be incomplete. */
export const copyIsWhole = (state: State, job: JobState): boolean => !hasData(state, job) || job.record.copyComplete

export const peerIsReachable = (state: State): boolean => state.peerAlive === 'up' && state.peer !== null && state.atMs - state.peer.atMs <= PEER_FRESH_MS

export const peerJob = (state: State, job: JobState): JobView | null => state.peer?.view.jobs[job.name] ?? null

/** Something of the job is, or may be, active on this node. */
export function isTouched(job: JobState): boolean {
  const vip = Object.values(job.vips).some((vipState) => vipState !== 'down')
  const application = Object.values(job.applications).some((word) => word !== 'offline')
  return vip || application || job.dataRole === 'source' || job.dataRole === 'unknown'
}

/** A copy that a step may change; what is documented as "replaced whole" is shared. */
export function copyState(state: State, { atMs, wallMs }: { atMs: number; wallMs: number }): State {
  const jobs: Record<JobName, JobState> = {}
  for (const name in state.jobs) jobs[name] = copyJob(state.jobs[name] as JobState)
  return { ...state, atMs, wallMs, jobs }
}

function copyJob(job: JobState): JobState {
  const { plan, offer } = job
  return { ...job, plan: plan === null ? null : { ...plan, stages: [...plan.stages] }, offer: offer === null ? null : { ...offer } }
}

export function setVip(job: JobState, name: string, word: VipState): void {
  if (job.vips[name] !== word) job.vips = { ...job.vips, [name]: word }
}

export function setApplication(job: JobState, name: string, word: ApplicationState): void {
  if (job.applications[name] !== word) job.applications = { ...job.applications, [name]: word }
  if (word !== 'error') job.brokenApplications = without(job.brokenApplications, name)
}

const without = (record: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> =>
  record[name] === undefined ? record : Object.fromEntries(Object.entries(record).filter(([each]) => each !== name))

/** `why` null: it has not failed, or does not any more. */
export function setFailed(job: JobState, name: string, why: string | null): void {
  const { [name]: before, ...others } = job.failedApplications
  if (why !== null) job.failedApplications = { ...job.failedApplications, [name]: why }
  else if (before !== undefined) job.failedApplications = others
}

export function setBroken(job: JobState, name: string, why: string): void {
  job.brokenApplications = { ...job.brokenApplications, [name]: why }
}
