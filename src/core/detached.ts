import type { Detached, JobRecord } from '../model'
import type { Check } from './check'
import { owns, peerJob, type JobState, type State, type Task } from './state'
import type { Seeing } from './turn'
import { ageText } from './words'

/** Nobody acts on its faults: this much is asked everywhere; what is done about it stands in detach.ts. */
export const detachedNow = ({ record }: Pick<JobState, 'record'>): Detached | null => record.detached ?? null

export const isDetached = (job: JobState): boolean => detachedNow(job) !== null

export const dataIsStopped = (job: JobState): boolean => detachedNow(job)?.stopData === true

const sequenceOf = ({ detachSequence }: JobRecord): number => detachSequence ?? 0

/** The next word on it. What only had been asked for is over with it. */
export const saidNow = (record: JobRecord, detached: Detached | null): Partial<JobRecord> => ({
  detached,
  detachSequence: sequenceOf(record) + 1,
  ...heard(record)
})

/** Both nodes have it, or it has been taken back. */
export const heard = ({ detachUnheard }: JobRecord): Partial<JobRecord> => (detachUnheard ? { detachUnheard: null } : {})

/** A record that was never detached stays as it was. */
export const watched = (record: JobRecord): Partial<JobRecord> => (record.detached ? saidNow(record, null) : {})

/** As it stands in a newer record of the job. */
export const detachedOf = ({ detached, detachSequence }: JobRecord, { record }: JobState): Partial<JobRecord> =>
  detachSequence === undefined && record.detachSequence === undefined
    ? {}
    : { detached: detached ?? null, detachSequence: detachSequence ?? 0, ...heard(record) }

/** The owner's word counts, unless the other one has ended it while the owner was lost. */
export function newerDetached({ state }: Seeing, job: JobState, theirs: JobRecord): Partial<JobRecord> {
  const { record } = job
  const difference = sequenceOf(theirs) - sequenceOf(record)
  const known = difference < 0 || (difference === 0 && (owns(state, job) || isSame(record.detached, theirs.detached)))
  return known ? {} : detachedOf(theirs, job)
}

const isSame = (a: Detached | null | undefined, b: Detached | null | undefined): boolean =>
  (a ?? null) === (b ?? null) || (a?.sinceMs === b?.sinceMs && a?.untilMs === b?.untilMs && a?.stopData === b?.stopData && a?.by === b?.by)

/** The other node has it on its disk, as it says itself. Cut off from each other both may have said a word of the same number, and not the same word. */
export function isRecordedThere(state: State, job: JobState): boolean {
  const { record } = job
  const theirs = peerJob(state, job)?.record
  if (theirs?.roleSequence !== record.roleSequence) return false
  const ahead = sequenceOf(theirs) - sequenceOf(record)
  return ahead > 0 || (ahead === 0 && isSame(theirs.detached, record.detached))
}

/** The time that it was given is over. It is counted from the first look of this engine: the wall clock may be set while it lasts. */
export function isOver(state: State, job: JobState): boolean {
  const detached = detachedNow(job)
  if (detached === null) return false
  const leftMs = leftOf(state, job, detached)
  if (leftMs === null) return false
  if (!isSame(job.detachEnds?.of, detached)) job.detachEnds = { of: detached, atMs: state.atMs + leftMs }
  return leftMs <= 0
}

/** Never more than it was given: the clock may have been set back while no engine ran. null: it ends when somebody says so. */
function leftOf({ atMs, wallMs }: State, { detachEnds }: JobState, detached: Detached): number | null {
  const { sinceMs, untilMs } = detached
  if (untilMs === null) return null
  return detachEnds !== null && isSame(detachEnds.of, detached) ? detachEnds.atMs - atMs : Math.min(untilMs - wallMs, untilMs - sinceMs)
}

const byWhom = ({ by, reason }: Detached): string => `by ${by}${reason === null ? '' : `: ${reason}`}`

/** For how long, by whom, why, and for how long still. */
export function detachedText(state: State, job: JobState, detached: Detached): string {
  const { sinceMs, stopData } = detached
  const leftMs = leftOf(state, job, detached)
  const left = leftMs === null ? 'until bringin' : `${ageText(leftMs)} left`
  return `detached for ${ageText(state.wallMs - sinceMs)}, ${left}${stopData ? ', replication stopped' : ''} (${byWhom(detached)})`
}

/** What a detached job's data is told while it is stopped, and when it is not any more. */
export const HOLD: Task = { do: 'transmit', action: 'pause' }
export const SEND: Task = { do: 'transmit', action: 'resume' }

export const WATCHED = 'watched'

/** A condition of a takeover that nobody has typed; a job that is watched needs no words for it. */
export function watchedChecks(state: State, job: JobState): Check[] {
  const detached = detachedNow(job)
  if (detached === null) return []
  // Said once: what is in it does not change by the minute.
  const why = (): string => `it is detached (${byWhom(detached)}); bringin ${job.name} watches it again`
  return [{ name: WATCHED, met: false, value: () => detachedText(state, job, detached), why, by: 'self' }]
}
