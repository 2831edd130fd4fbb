import type { Config, JobName, JobRecord, LicenceFacts } from '../model'
import type { CommandOptions, JobCommand, LinkView, MirrordStatus, NodeView, VoteMessage, VoteReply, VipPath } from '../wire'
import type { KeptRecord } from '../wire/keptState'

/** A failure as it travels: a code, a sentence, what to try, the exit code. */
export interface Failure {
  code: string
  message: string
  tryThis: string
  exitCode: number
}

export type Outcome<Result = unknown> = { ok: true; result: Result } | { ok: false; error: Failure }

/** What was found running when the engine started. */
export interface Found {
  held: string[]
  running: string[]
  /** `differs`: it goes by another configuration, and has to be taken up anew. */
  data: { ran: boolean; status: MirrordStatus; differs?: true } | null
  /** Modes with quorum: until when the guard lets this node serve, as an earlier engine told it. */
  leaseUntilMs?: number | null
}

/** Who may second an engine's vote. */
export type VoterName = 'peer' | 'witness'

/** As the heartbeat program reports it (agent/ports.ts, HeartbeatView). */
export interface HeartbeatFacts {
  links: (LinkView & { up: boolean })[]
  peerAlive: boolean
  peerEngineSilentMs: number
  peerLeaving: boolean
}

/**
 * `before`: the configuration of before the last changes, while these may not be through everywhere; `passed`: those between it and the one in force, oldest
 * first; `promised`: the next one, if it may have been decided.
 */
interface Booted {
  kind: 'booted'
  /** Of the machine: the same one as long as `atMs` is of one clock. */
  bootId: string
  records: Record<JobName, KeptRecord> | null
  before?: Config | null
  passed?: Config[]
  promised?: Config | null
}

/** Facts, in the past tense. `atMs` is monotonic; `wallMs` is for people. `request` names who waits for an answer. */
export type Event = { atMs: number; wallMs: number } & (
  | Booted
  /** A change is about to be agreed on; refused while a job stands in its way. */
  | { kind: 'configHeld'; request: number; next: Config; dryRun: boolean }
  /** It has come to nothing. */
  | { kind: 'configReleased' }
  /** It is agreed, and on disk. */
  | { kind: 'configChanged'; config: Config; configHash: string; version: number }
  /** This node's usage, by what its monitor watches; null: it could not be read. */
  | { kind: 'usageSampled'; values: Record<string, number | null> }
  /** What stands on this node of its licence, when something about it has changed. */
  | { kind: 'licenceSeen'; facts: LicenceFacts }
  /** The machine has begun to shut down. */
  | { kind: 'shutdownBegun' }
  | { kind: 'ticked'; heartbeat: HeartbeatFacts | null }
  | { kind: 'reachTold'; number: number; reached: boolean; why: string }
  | { kind: 'heartbeatChanged'; heartbeat: HeartbeatFacts }
  | { kind: 'peerStateReceived'; request: number; view: NodeView }
  | { kind: 'handoverReceived'; request: number; job: JobName; roleSequence: number; record: JobRecord; start: boolean; ticket: string }
  | { kind: 'withdrawReceived'; request: number; job: JobName; roleSequence: number; ticket: string }
  /** The answer to an offer or a withdrawal: the peer's record, its refusal, or silence. */
  | { kind: 'handoverAnswered'; job: JobName; roleSequence: number; ticket: string; asked: 'offer' | 'withdraw'; answer: HandoverAnswer }
  | { kind: 'outOfSyncReceived'; request: number; job: JobName; roleSequence: number; syncSequence: number }
  | { kind: 'outOfSyncAnswered'; job: JobName; roleSequence: number; syncSequence: number; answer: HandoverAnswer }
  | { kind: 'exposeEnded'; job: JobName; roleSequence: number; outcome: Outcome }
  | {
      kind: 'commandGiven'
      request: number
      job: JobName
      command: JobCommand
      options: CommandOptions
      dryRun: boolean
      account: string
      reason: string | null
    }
  | { kind: 'orderEnded'; job: JobName; attempt: number; roleSequence: number; task: number; outcome: Outcome }
  | { kind: 'applicationFailed'; job: JobName; application: string; why: string }
  | { kind: 'dataStatusChanged'; job: JobName; status: MirrordStatus }
  | { kind: 'dataLost'; job: JobName; why: string }
  /** Modes with quorum. Somebody asks for this node's vote; it is answered by a VoteReply. */
  | { kind: 'voteAsked'; request: number; job: JobName; message: VoteMessage }
  /** `reply` null: no answer came in time. */
  | { kind: 'voteAnswered'; job: JobName; voter: VoterName; number: number; reply: VoteReply | null }
  /** The network cards of this job's addresses, when something about them has changed. */
  | { kind: 'vipPathsSeen'; job: JobName; paths: Record<string, VipPath> }
  | { kind: 'vipsSeen'; job: JobName; attempt: number; held: string[] }
)

export type CommandGiven = Extract<Event, { kind: 'commandGiven' }>

/** A command that is decided when the job has taken up a change of the configuration, or then. */
export interface Waiting {
  command: CommandGiven
  untilMs: number
}

export type HandoverAnswer = { is: 'record'; record: JobRecord } | { is: 'refusal'; error: Failure } | { is: 'silence'; why: string }

type Bare<E> = E extends Event ? Omit<E, 'atMs' | 'wallMs'> : never
/** An event before the loop has put the time on it. */
export type Happening = Bare<Event>
