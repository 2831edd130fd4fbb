import type { JobName, JobRecord, NodeName, VipConfig } from '../model'
import type { JobCommand, MirrorAction, NodeView } from '../wire'
import type { Outcome } from './event'

/** Orders, in the imperative. `persist` is always the first of a step: the loop awaits it before it does any other. */
export type Action =
  | { do: 'persist'; records: Record<JobName, JobRecord> }
  | { do: 'log'; level: 'info' | 'warning' | 'error'; text: string; job: JobName | null }
  | { do: 'order'; job: JobName; attempt: number; roleSequence: number; task: number; order: Order }
  /** Are the job's addresses on this node? Answered by `vipsSeen`. */
  | { do: 'look'; job: JobName; attempt: number }
  | { do: 'sendState'; atMs: number; view: NodeView }
  | { do: 'sendHandover'; job: JobName; roleSequence: number; record: JobRecord; start: boolean; ticket: string }
  | { do: 'sendWithdraw'; job: JobName; roleSequence: number; ticket: string }
  | {
      do: 'forward'
      request: number
      job: JobName
      command: JobCommand
      action: MirrorAction | null
      node: NodeName | null
      dryRun: boolean
      account: string
      reason: string | null
    }
  | { do: 'reply'; request: number; outcome: Outcome }

/** What one task of a plan asks of a port; answered by `orderEnded`. */
export type Order =
  | { do: 'observe' }
  | { do: 'source'; peerCopyComplete: boolean }
  | { do: 'target' }
  | { do: 'drain'; timeoutMs: number }
  | { do: 'stopData'; force: boolean }
  | { do: 'mirror'; action: MirrorAction }
  | { do: 'probe'; vip: VipConfig }
  | { do: 'raise'; vip: VipConfig }
  | { do: 'drop'; vip: VipConfig }
  | { do: 'start'; application: string }
  | { do: 'stop'; application: string; kill: boolean }
