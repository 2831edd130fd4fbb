import type { JobName, LicenceWord, NodeName } from '../model'
import type { CommandOptions } from './command'
import type { VerifyReport } from './mirrord'
import type { NodeView } from './peer'
import type { StepLine } from './step'

/**
 * The agent's HTTPS API (port 7330), version 1. JSON bodies.
 *
 * | route                              | session | body → answer                              |
 * | ---------------------------------- | ------- | ------------------------------------------ |
 * | GET  /v1/hello                     | no      | → HelloAnswer                              |
 * | POST /v1/login                     | no      | LoginRequest → LoginAnswer                 |
 * | POST /v1/logout                    | yes     | → {}                                       |
 * | GET  /v1/status?known=&waitMs=     | yes     | → StatusAnswer (long poll, at most 25 s, while its digest is the known one) |
 * | POST /v1/jobs/:job/:command        | yes     | CommandRequest → CommandAnswer             |
 * | GET  /v1/tickets/:id?since=&waitMs=| yes     | → TicketAnswer (long poll, at most 25 s)   |
 * | GET  /v1/jobs/:job/verify?from=&max=| yes    | → VerifyAnswer, asked of the job's owner   |
 * | GET  /v1/jobs/:job/why            | yes     | → WhyAnswer (both nodes' decisions)          |
 * | GET  /v1/events?since=&max=&level=&job=&from=&to=&waitMs= | yes | → EventsAnswer (long poll, at most 25 s) |
 * | GET  /v1/jobs/:job/history        | yes     | → HistoryAnswer (kept by both nodes)         |
 * | GET  /v1/jobs/:job/drills         | yes     | → DrillsAnswer (see drill.ts)               |
 * | POST /v1/jobs/:job/drills         | yes     | DrillEntry → {}                             |
 * | POST /v1/jobs/:job/probe          | yes     | { sequence } or { remove } → ProbeAnswer    |
 * | POST /v1/jobs/:job/crash          | yes     | { application } → {}                        |
 * | POST /v1/links/:link/hold         | yes     | { forMs } → {}                              |
 * | GET  /v1/config                    | yes     | → ConfigView (see config.ts)                |
 * | POST /v1/config                    | yes     | ConfigRequest → ConfigChangeAnswer          |
 * | POST /v1/monitor/test             | yes     | MonitorTestRequest → MonitorTestAnswer (see monitor.ts) |
 * | GET  /v1/monitor/history?node=     | yes     | → MonitorHistoryAnswer                      |
 * | GET  /v1/hostid                    | yes     | → HostIdAnswer (see licence.ts)             |
 * | GET  /v1/license                   | yes     | → LicenceAnswer                             |
 * | POST /v1/license                   | yes     | LicenceRequest → LicenceChangeAnswer        |
 * | GET  /v1/agents                    | yes     | → AgentsAnswer (resource agents of the node) |
 * | GET  /v1/agents/:agent             | yes     | → AgentAnswer (its metadata)                |
 * | POST /v1/peer                      | client certificate | PeerMessage → PeerReply (see peer.ts)  |
 *
 * The session's token goes in `Authorization: Bearer TOKEN`. Every failure is `{ error: ApiError }` with a 4xx/5xx status.
 */
export interface ApiError {
  code: string
  message: string
  tryThis: string
  /** The exit code of the shell (product §2). */
  exitCode: number
  node: NodeName
}

export interface HelloAnswer {
  product: 'mirrorpair'
  apiVersion: 1
  version: string
  node: NodeName
  cluster: string
}

export interface LoginRequest {
  account: string
  password: string
}

export interface LoginAnswer {
  token: string
  node: NodeName
  /** As the guide prints it: the account, first letter in capital. */
  account: string
  /** Shown in `list` as `on line(admin)`. */
  role: 'admin'
  licenceState: LicenceWord
  /** What is wrong with the licence; absent or null: nothing. */
  licenceWhy?: string | null
  /** Epoch ms, wall clock. */
  expiresAtMs: number
}

/** One node's view of the pair. Every value has an observer (`node`) and an age. */
export interface StatusAnswer {
  node: NodeName
  cluster: string
  address: string
  peerNode: NodeName
  peerAddress: string
  /** Wall clock of the node, epoch ms, and its offset from UTC in minutes (tables show the node's local time). */
  wallMs: number
  utcOffsetMinutes: number
  self: NodeView
  /** What the peer last said of itself, and how long ago; null: never heard since this engine started. */
  peer: { view: NodeView; ageMs: number } | null
  /** `up`: heartbeats arrive on some link. `lost`: on none. `unknown`: none yet since start. */
  peerAlive: 'up' | 'lost' | 'unknown'
  /** Plain sentences for what is not as it should be. */
  problems: string[]
  /** Another word when anything but an age or a counter of a link has changed. Absent: that of a version that did not say so. */
  digest?: string
}

export interface CommandRequest extends CommandOptions {
  dryRun?: boolean
  reason?: string
}

/** What may be lost by a dangerous command, in sentences, and a digest of the state they were said of. */
export interface Danger {
  warning: string[]
  state: string
  /** Where data is what may be lost. */
  loss?: LossView
}

/** What the other node has that this one lacks, as far as it can be known; null: it cannot. */
export interface LossView {
  none: boolean
  files: number | null
  /** Known to have been queued there, or marked as changed, when it was last heard. */
  bytes: number | null
  changes: number | null
  /** The data has not been connected for so long. */
  seconds: number | null
  /** All of it in words, with what bounds it. */
  bound: string
}

export type CommandAnswer =
  /** `dryRun`: what would be done, in order. `nothing`: why there is nothing to do. `danger`: only of a command that needs `confirm`. */
  | { dryRun: true; steps: string[]; nothing?: string; danger?: Danger }
  /** Accepted: wait for the ticket's outcome. A command with nothing to do (already online) is answered with a ticket that is done. */
  | { dryRun: false; ticket: string }

export interface TicketAnswer {
  ticket: string
  job: JobName
  state: 'running' | 'done' | 'failed'
  /** Steps after the number asked for with `since`. */
  steps: StepLine[]
  nextSince: number
  error: ApiError | null
}

/** What the comparison that runs, or ran last, has found. `folders`: the job's folders on `node`; `Difference.folder` counts them from 0. */
export interface VerifyAnswer {
  node: NodeName
  job: JobName
  folders: string[]
  report: VerifyReport
}

/** So many differences in one answer. */
export const VERIFY_PAGE_MAX = 200

export const TICKET_WAIT_MS_MAX = 25_000
export const STATUS_WAIT_MS_MAX = 25_000
