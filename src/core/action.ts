import type { NodeName, JobName, JobRecord, Safety, UsageExportConfig, VipConfig } from '../model'
import type { CheckMode } from '../wire/frameFields'
import type { CommandOptions, JobCommand, MirrorAction, MonitorEntry, NodeView, TakeoverView, VoteMessage } from '../wire'
import type { KeptRecord } from '../wire/keptState'
import type { Outcome, VoterName } from './event'

/** Orders, in the imperative. `persist` is always the first of a step: the loop awaits it before it does any other. */
export type Action =
  | { do: 'persist'; records: Record<JobName, KeptRecord> }
  | { do: 'log'; level: 'info' | 'warning' | 'error'; text: string; job: JobName | null }
  | { do: 'order'; job: JobName; attempt: number; roleSequence: number; task: number; order: Order }
  /** Are the addresses of the arbitration reached? Answered by `reachTold`. */
  | { do: 'askReach'; number: number }
  /** Are the job's addresses on this node? Answered by `vipsSeen`. */
  | { do: 'look'; job: JobName; attempt: number }
  | { do: 'sendState'; view: NodeView }
  | { do: 'sendHandover'; job: JobName; roleSequence: number; record: JobRecord; start: boolean; ticket: string }
  | { do: 'sendWithdraw'; job: JobName; roleSequence: number; ticket: string }
  | { do: 'sendOutOfSync'; job: JobName; roleSequence: number; syncSequence: number }
  /** It is recorded that the mirror is not in sync: acknowledge writes without it. Answered by `exposeEnded`; plans are not touched. */
  | { do: 'expose'; job: JobName; roleSequence: number }
  /** Modes with quorum: answered by `voteAnswered`, always. */
  | { do: 'sendVote'; to: VoterName; job: JobName; message: VoteMessage }
  /**
   * Modes with quorum, and only ever later than before in one role sequence. On this node's monotonic clock: the data program acknowledges nothing from
   * `untilMs` on, whoever lives or sleeps; what outlives the engine (the guard) kills the applications and drops the addresses at `killAtMs`, and no
   * order begins to serve after that.
   */
  | { do: 'lease'; job: JobName; roleSequence: number; untilMs: number; killAtMs: number }
  /** The mode of the job needs no lease any more: what was told of one is over, and ends nothing. */
  | { do: 'unlease'; job: JobName }
  | {
      do: 'forward'
      request: number
      job: JobName
      command: JobCommand
      options: CommandOptions
      dryRun: boolean
      account: string
      reason: string | null
    }
  /** The job is not in the configuration any more: its data program ends, and what it kept is put aside. */
  | { do: 'forget'; job: JobName }
  /** A change of owner, as this node knows it: kept, in the place of what was kept of it before. Nothing waits for it. */
  | { do: 'history'; entry: TakeoverView }
  /** Kept in the history of this node's monitor. Nothing waits for it. */
  | { do: 'monitorNote'; entry: MonitorEntry }
  /** The administrator's command for an alarm. Nothing waits for it. */
  | { do: 'alarm'; event: string; cause: string; values: string[]; command: string; timeoutMs: number }
  /** The usage of the whole server, one more line of it. Nothing waits for it. */
  | { do: 'exportUsage'; event: string; settings: UsageExportConfig }
  | { do: 'reply'; request: number; outcome: Outcome }

/** What one task of a plan asks of a port; answered by `orderEnded`. */
export type Order =
  | { do: 'observe' }
  /** Safety is told first: from the first write on it is what the record says. */
  | { do: 'source'; peerCopyComplete: boolean; safety: Safety; safetySequence: number }
  | { do: 'target' }
  | { do: 'drain'; timeoutMs: number }
  | { do: 'stopData'; force: boolean }
  | { do: 'mirror'; action: MirrorAction }
  | { do: 'verify'; action: 'start' | 'stop'; mode: CheckMode }
  | { do: 'transmit'; action: 'pause' | 'resume' }
  | { do: 'bandwidth'; bytesPerSecond: number | null }
  | { do: 'safety'; safety: Safety; safetySequence: number }
  /** The administrator has said that this side's data is right. */
  | { do: 'selectSource' }
  /** The data program hands over to the installed one. */
  | { do: 'upgrade' }
  /** The data program takes on what has changed in its configuration while it works. `leased`: also that it needs a lease, although the job is not served by one yet. */
  | { do: 'reconfigure'; leased?: true }
  /** The data program goes on with what cannot be changed while it works: folders, capture, queues, port. */
  | { do: 'rebuild' }
  | { do: 'probe'; vip: VipConfig }
  /** Switches the other node off and makes sure that it is. */
  | { do: 'fence'; node: NodeName }
  | { do: 'raise'; vip: VipConfig }
  | { do: 'drop'; vip: VipConfig }
  | { do: 'start'; application: string }
  | { do: 'stop'; application: string; kill: boolean }
