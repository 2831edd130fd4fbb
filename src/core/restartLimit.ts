import { DEFAULT_RESTART_LIMIT, type JobConfig, type RestartLimit } from '../model'
import { KEPT_RESTARTS_MAX, readRestarts, type Restart } from '../wire/keptRestarts'
import { configOf, type JobState } from './state'
import { log, type Turn } from './turn'

/** Its own, or that of the job. */
export const limitOf = (config: JobConfig, application: string | null): RestartLimit =>
  config.applications.find(({ name }) => name === application)?.restart ?? config.restart ?? DEFAULT_RESTART_LIMIT

const hasOwn = ({ applications }: JobConfig, name: string): boolean => applications.some((each) => each.name === name && each.restart !== undefined)

/** Those that count for this application (null: for the job, and for all applications without a limit of their own). */
function counted(config: JobConfig, job: JobState, application: string | null, atMs: number): number {
  const { windowMs } = limitOf(config, application)
  const own = application !== null && hasOwn(config, application)
  const counts = ({ applications }: Restart): boolean =>
    own ? applications.includes(application) : applications.length === 0 || applications.some((name) => !hasOwn(config, name))
  return job.restarts.filter((restart) => atMs - restart.atMs < windowMs && counts(restart)).length
}

/** How often it was restarted, as far as that counts; for people. */
export const restartsOf = (config: JobConfig, job: JobState, application: string, atMs: number): { done: number } & RestartLimit => ({
  done: counted(config, job, application, atMs),
  ...limitOf(config, application)
})

/** The limit that is used up; null: one more is allowed, and counts. */
export function countRestart(turn: Turn, job: JobState, applications: readonly string[] = []): RestartLimit | null {
  const { atMs } = turn.state
  const config = configOf(turn.state, job)
  const limited = applications.length === 0 ? [null] : applications
  const full = limited.find((name) => counted(config, job, name, atMs) >= limitOf(config, name).max)
  if (full !== undefined) return limitOf(config, full)
  const longestMs = Math.max(...config.applications.map(({ name }) => limitOf(config, name).windowMs), limitOf(config, null).windowMs)
  setRestarts(turn, job, [...job.restarts.filter((restart) => atMs - restart.atMs < longestMs), { atMs, applications }])
  return null
}

/** On disk before it is done, so that no engine that dies in between counts from the beginning. */
function setRestarts(turn: Turn, job: JobState, restarts: readonly Restart[]): void {
  job.restarts = restarts.slice(-KEPT_RESTARTS_MAX)
  turn.dirty = true
}

/** Online, or in error with what still runs. */
export const servesOn = ({ phase, gaveUp }: JobState): boolean => phase === 'online' || (phase === 'error' && gaveUp !== null)

/** Somebody has looked at it, or says that it shall serve: it may be restarted as often as before. */
export function forgetRestarts(turn: Turn, job: JobState): void {
  if (job.restarts.length > 0) setRestarts(turn, job, [])
}

/** The newest one has come to nothing, because something else failed. */
export const takeBackRestart = (turn: Turn, job: JobState): void => setRestarts(turn, job, job.restarts.slice(0, -1))

/** What the engine before this one has counted, in this boot of the machine. */
export function keptRestarts(turn: Turn, job: JobState, kept: unknown): readonly Restart[] {
  const read = readRestarts(kept, turn.state)
  if (typeof read !== 'string') return read
  log(turn, 'warning', `${job.name}: how often it was restarted cannot be read (${read}); it is counted anew`, job)
  return []
}
