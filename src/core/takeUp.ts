import type { MirrordStatus } from '../wire'
import { dataIsStopped } from './detached'
import type { Outcome } from './event'
import { owns, type JobState, type State, type Task } from './state'
import type { Turn } from './turn'

/**
 * What the data program stands on has been changed: folders, capture, queues, port. Under a service that goes on this is done only while its replication is
 * stopped, and the program of before then serves the folders until somebody wants them to be sent again; so much may be changed, and changed back, without
 * the applications noticing. From the change on the other copy does not count as one of what is served now.
 */
export const REBUILD: Task = { do: 'rebuild' }
const AGAIN_MS = 30_000

/** The data program does not go by the configuration yet: what it says of the other copy is said of something else. */
export const isOfBefore = ({ stale, plan }: Pick<JobState, 'stale' | 'plan'>): boolean =>
  stale.anew || plan?.pending.some(({ order }) => order.do === 'rebuild') === true

/** It is not to be sent: whoever ends that takes it up. */
export function mayTakeUp(state: State, job: JobState): boolean {
  const { stale, detaching, phase } = job
  if (!stale.anew || detaching !== null || state.atMs < stale.anewAtMs) return false
  return !(owns(state, job) && phase === 'online' && dataIsStopped(job))
}

/** Before the data of a source is sent again. */
export const takeUpStages = (job: JobState): Task[][] => (job.stale.anew && job.dataRole === 'source' ? [[REBUILD]] : [])

export function takesUp(job: JobState): void {
  job.stale = { ...job.stale, anew: false }
  if (job.data !== null) job.data = { ...job.data, connected: false }
}

/** The next one that it becomes is begun with the new configuration in any case. */
export function takenUp({ state }: Turn, job: JobState, outcome: Outcome): void {
  if (!outcome.ok) job.stale = { ...job.stale, anew: true, anewAtMs: state.atMs + AGAIN_MS }
  const status = outcome.ok ? (outcome.result as MirrordStatus | null) : null
  if (status === null) return
  job.data = status
  job.dataRole = status.role
  job.dataSequence = status.roleSequence
}
