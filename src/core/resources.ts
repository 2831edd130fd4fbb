import type { ApplicationConfig, ApplicationWord, JobRecord } from '../model'
import type { JobView } from '../wire'
import { restartsOf } from './restartLimit'
import { configOf, type JobState, type State, type Task } from './state'
import type { Turn } from './turn'

/** What an administrator has said of one application (guide 5); null: it runs as the job does, and is watched. */
export const wordOf = ({ record }: Pick<JobState, 'record'>, name: string): ApplicationWord | null => record.resources?.[name] ?? null

export const isOff = (job: JobState, name: string): boolean => wordOf(job, name)?.word === 'offline'

export const isUnwatched = (job: JobState, name: string): boolean => wordOf(job, name) !== null

/** A job that is brought in, or changes its owner, has all of its applications again. */
export const allResources = ({ resources }: JobRecord): Partial<JobRecord> => (resources && Object.keys(resources).length > 0 ? { resources: {} } : {})

/** Whatever starts: not what was taken offline. */
export const withoutOff = (job: JobState, stages: Task[][]): Task[][] =>
  stages.map((stage) => stage.filter((task) => task.do !== 'start' || !isOff(job, task.application))).filter((stage) => stage.length > 0)

/** These, and what they need, in the order of the file. */
export function withNeeds(applications: ApplicationConfig[], names: string[]): string[] {
  const needed = new Set(names)
  for (let before = -1; before !== needed.size; ) {
    before = needed.size
    for (const { name, dependsOn } of applications) if (needed.has(name)) for (const other of dependsOn) needed.add(other)
  }
  return applications.map(({ name }) => name).filter((name) => needed.has(name))
}

type View = JobView['applications'][number]

/** State, since when, and how near it is to its restart limit. */
export function applicationViews(state: State, job: JobState): View[] {
  const config = configOf(state, job)
  return config.applications.map(({ name }) => {
    const word = job.applications[name] ?? 'offline'
    const said = wordOf(job, name)
    const shown = said?.word === 'detached' && word === 'online' ? 'detached' : word === 'error' ? 'failed' : word
    const { done, max } = restartsOf(config, job, name, state.atMs)
    const why = job.failedApplications[name] ?? job.brokenApplications[name] ?? null
    return { name, state: word, word: shown, sinceMs: job.applicationsSince[name] ?? null, by: said?.by ?? null, restarts: done, restartsMax: max, why }
  })
}

/** After each step: nothing has to remember to write it down. */
export function watchApplications(turn: Turn, before: State): void {
  for (const job of Object.values(turn.state.jobs)) {
    const was = before.jobs[job.name]
    if (was?.applications === job.applications && was.record.resources === job.record.resources) continue
    const since = Object.keys(job.applications).map((name): [string, number] => {
      const same = was?.applications[name] === job.applications[name] && (!was || wordOf(was, name)?.word === wordOf(job, name)?.word)
      return [name, (same ? was?.applicationsSince[name] : undefined) ?? turn.state.wallMs]
    })
    job.applicationsSince = Object.fromEntries(since)
  }
}
