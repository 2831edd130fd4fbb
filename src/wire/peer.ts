import type { JobMode, JobRecord, JobStateWord, LicenceWord } from '../model'
import type { CommandOptions, JobCommand } from './command'
import type { ConfigPrepare, ConfigVersion } from './config'
import type { MirrordStatus } from './mirrord'
import type { MonitorView } from './monitor'
import type { StepLine } from './step'
import type { Ballot, VoteMessage } from './vote'

/**
 * What the two engines say to each other: a JSON body to `POST /v1/peer` over mutual TLS on port 7330, answered by PeerReply.
 * Heartbeats (UDP) only say "alive"; everything that must not be misunderstood travels here, with the role sequence in it.
 */
export type PeerMessage =
  /** Sent on every change and at least every PEER_STATE_INTERVAL_MS while a link is up. */
  | { kind: 'state'; state: NodeView }
  /** The sender has stopped the job and persisted `handover`; the receiver persists the new record before it answers `accepted`. */
  | { kind: 'handover'; job: string; roleSequence: number; record: JobRecord; start: boolean; ticket: string }
  /** The sender takes its handover back: the receiver promises never to accept it from now on, and answers with the record it holds. */
  | { kind: 'withdraw'; job: string; roleSequence: number; ticket: string }
  /** A command typed at a node that must be carried out by the other one. */
  | ({ kind: 'command'; job: string; command: JobCommand; account: string; reason: string | null; dryRun: boolean } & CommandOptions)
  /**
   * Safety FULL: the sender, owner of this role sequence, wants to acknowledge writes that the receiver does not have. The receiver persists
   * that its copy is not in sync, with this sync sequence, before it answers with its record.
   */
  | { kind: 'outOfSync'; job: string; roleSequence: number; syncSequence: number }
  /** Modes with quorum: the sender asks for the receiver's vote; answered by a VoteReply, once what it promises is on disk. */
  | { kind: 'vote'; vote: VoteMessage }
  /** Keep this as the next one until you know what became of it. Nothing of it is in use yet. `dryRun`: only look whether you would. */
  | { kind: 'configPrepare'; prepare: ConfigPrepare; dryRun: boolean }
  /** The sender runs this one: it is decided. */
  | { kind: 'configAgreed'; agreed: ConfigVersion }
  /** Answered by a ConfigAnswer. */
  | { kind: 'configAsk' }
  | { kind: 'ticket'; ticket: string; sinceStep: number; waitMs: number }
  | { kind: 'verifyReport'; job: string; from: number; max: number }
  /** What the receiver would decide about the job now. */
  | { kind: 'why'; job: string }
  /** The changes of owner that the receiver has kept. */
  | { kind: 'history'; job: string }
  /** The receiver's monitor: its conditions as they are met now (or these instead), and what it has kept. */
  | { kind: 'monitorTest'; conditions: string[] | null }
  | { kind: 'monitorHistory' }

/**
 * `result` depends on the kind: handover, withdraw, outOfSync → the record the receiver now holds; vote → a VoteReply; why → its own decisions; command,
 * ticket, verifyReport → as the API answers.
 */
export type PeerReply = { ok: true; result: unknown } | { ok: false; error: { code: string; message: string; tryThis: string; exitCode: number } }

/** One node's own view of itself: what it says to its peer, and what the API shows. */
export interface NodeView {
  node: string
  /** Changes at every start of the engine. */
  incarnation: string
  /** The incarnation of the other node's engine that this one has heard last; null: none yet. It tells an answer from a message of before. */
  heard: string | null
  /** Of what this engine tells the other one, from 1: messages overtake each other. Absent: it is shown and not told, or that of a version that does not count. */
  number?: number
  configHash: string
  /** Absent: that of a version that knew no such number. */
  configVersion?: number
  /** Both nodes have agreed on it. */
  configAgreed?: boolean
  jobs: Record<string, JobView>
  links: LinkView[]
  /** `word` is what counts; absent: Valid. `state` is for versions that know no other. */
  licence: { state: 'Valid'; expires: string | null; word?: LicenceWord; why?: string | null }
  /** Absent: it watches nothing, or knows no monitor. */
  monitor?: MonitorView
}

/** The card of a virtual address: it has a link; it has none, and another one that could carry the address has; no card has. */
export type VipPath = 'ok' | 'other' | 'lost'

export interface ApplicationView {
  name: string
  state: 'online' | 'offline' | 'starting' | 'stopping' | 'error'
  /** As people are told it: online, offline, starting, stopping, failed, detached. This and what follows is absent in what an older version says. */
  word?: string
  /** Wall clock of the node: its last change, as far as this engine has seen it. */
  sinceMs?: number | null
  /** Who took it offline or detached it. */
  by?: string | null
  /** So often it was restarted in the window of its limit, and so often it may be. */
  restarts?: number
  restartsMax?: number
  /** Of one that has failed. */
  why?: string | null
}

export interface JobView {
  record: JobRecord
  /** What this node does with the job now. `standby`: the other node owns it. */
  phase: 'offline' | 'starting' | 'online' | 'stopping' | 'switching' | 'standby' | 'error'
  state: JobStateWord
  /** Why it is in error, or waits. */
  note: string | null
  vips: { name: string; address: string; prefix: number; up: boolean; path?: VipPath }[]
  applications: ApplicationView[]
  data: MirrordStatus | null
  /** It has stopped, and all that it had was taken by the other copy; absent: no, or told by an earlier version. */
  drained?: boolean
  /** What the configuration says about the data: the limits that belong to the numbers in `data`. */
  dataSettings?: DataSettings | null
  /** Absent: told by a version that knew the guide's only. */
  mode?: JobMode
  /** Why this node does not go by it yet, or does not know that the other one does; absent or null: it is in force. */
  modePending?: string | null
  /** What it lacks to survive the next fault; empty: nothing. */
  jeopardy?: Jeopardy[]
  /** Modes with quorum; absent or null: the guide's. */
  quorum?: QuorumView | null
  /** Running or last ticket with its steps, so that the other node can show them. */
  activity: { ticket: string; steps: StepLine[]; done: boolean; ok: boolean } | null
}

export const JEOPARDY_CAUSES = ['oneLink', 'peerLost', 'noWitness', 'notInSync', 'exposed'] as const
export type JeopardyCause = (typeof JEOPARDY_CAUSES)[number]

export interface Jeopardy {
  cause: JeopardyCause
  text: string
  /** Wall clock of the node that says so. */
  sinceMs: number
}

/** How this node stands with its voters. */
export interface QuorumView {
  /** Owner: it may serve for so long from now on if nobody answers any more; null: it may not. */
  leaseLeftMs: number | null
  /** The mirroring paper's table 7; null: the mode has no witness. */
  witness: WitnessWord | null
  /** Where this node finds it. */
  witnessAddress?: string | null
  /** What it said last that it holds; null: it has said nothing yet, or the mode has none. */
  witnessHolds?: WitnessHolds | null
}

export const WITNESS_WORDS = ['CONNECTED', 'DISCONNECTED', 'UNKNOWN'] as const
export type WitnessWord = (typeof WITNESS_WORDS)[number]

/** The mirroring paper's table 4, as a partner has heard it. */
export interface WitnessHolds {
  /** null: its memory is empty; it votes for nobody before it has heard both nodes. */
  ballot: Ballot | null
  /** Whom it lets serve; null: nobody. */
  leasedTo: string | null
  ageMs: number
}

export interface DataSettings {
  folders: { path: string; exclude: string[] }[]
  capture: 'fuse' | 'watch'
  queueBytes: number
  /** 0: no page file. */
  pagefileBytes: number
  redoQueueBytes: number
  partnerTimeoutMs: number
}

export interface LinkView {
  name: string
  /** This node hears the peer on this link. */
  state: 'ok' | 'error'
  local: string
  remote: string
  /** Age of the last heartbeat heard, ms; null: never. */
  ageMs: number | null
  sent: number
  received: number
  missed: number
  rejected: number
}

export const PEER_STATE_INTERVAL_MS = 1_000
