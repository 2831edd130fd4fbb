import type { NodeName, Safety } from '../model'
import type { CheckMode } from './frameFields'

/** What can be asked of a job, by a person or by the other node on his behalf. */
export const JOB_COMMANDS = [
  'bringin',
  'bringout',
  'switch',
  'takeover',
  'forcetake',
  'mirror',
  'verify',
  'transmit',
  'bandwidth',
  'safety',
  'selectsrc',
  'clearerr',
  'upgrade',
  'detach',
  'resource'
] as const
export type JobCommand = (typeof JOB_COMMANDS)[number]

export type MirrorAction = 'start' | 'stop' | 'pause' | 'resume'
export const RESOURCE_ACTIONS = ['online', 'offline', 'detach'] as const
export type ResourceAction = (typeof RESOURCE_ACTIONS)[number]

/** What a command says besides its name and its job. Each command has its own; what is missing or too much is refused. */
export interface CommandOptions {
  /** `mirror`: all four. `verify`: start, stop. `transmit`: pause, resume. `resource`: online, offline, detach. */
  action?: MirrorAction | ResourceAction
  /** `resource`: whose. */
  application?: string
  /** `verify` start: compare everything, or what may differ. Without it `full`. */
  mode?: CheckMode
  /** `bandwidth`: so much a second at most; null: no limit. */
  bytesPerSecond?: number | null
  /** `safety`. */
  safety?: Safety
  /** `clearerr`: whose error flag; without it the one that there is. `selectsrc`: whose data is right. `upgrade`: whose data program. */
  node?: NodeName
  /** `selectsrc`, `forcetake`, and a `bringout` that the other node cannot hear of: `danger.state` of the dry run whose warning was shown. Refused when the state has changed since. */
  confirm?: string
  /** `detach`: replication stops too; without it, it goes on. */
  stopData?: boolean
  /** `detach`: for so long, then it is watched again. */
  forMs?: number
}

/** How long a job may be detached for: long enough to notice, short enough not to be forgotten. */
export const DETACH_MS = { min: 10_000, max: 30 * 24 * 3_600_000 }
