import { step, type Action, type Event, type State } from '../../src/core'
import type { JobState } from '../../src/core/state'
import type { JobRecord } from '../../src/model'
import { JOB } from '../fakes/pairConfig'
import type { WorldOptions } from '../fakes/fakeNode'
import { randomFrom } from './random'

export type Stepped = ReturnType<typeof step>

/** The decisions with something put wrong before, or after. */
export const stepping = (
  before: (state: State, event: Event) => State,
  after: (result: Stepped, event: Event) => Stepped = (result) => result
): Partial<WorldOptions> => ({
  step: (state, event) => after(step(before(state, event), event), event)
})

export function withJob(state: State, change: (job: JobState) => Partial<JobState>): State {
  const job = state.jobs[JOB]
  return job ? { ...state, jobs: { ...state.jobs, [JOB]: { ...job, ...change(job) } } } : state
}

export const withActions = (result: Stepped, change: (action: Action) => Action | null): Stepped => ({
  ...result,
  actions: result.actions.map(change).filter((action) => action !== null)
})

/** In the state and on its way to the disk. */
export function withRecord(result: Stepped, change: (record: JobRecord) => JobRecord): Stepped {
  const state = withJob(result.state, ({ record }) => ({ record: change(record) }))
  return withActions({ ...result, state }, (action) => {
    const record = action.do === 'persist' ? action.records[JOB] : undefined
    return action.do === 'persist' && record ? { ...action, records: { ...action.records, [JOB]: change(record) } } : action
  })
}

export const same = (state: State): State => state

/** Some messages take long, the others do not. */
const SLOW_PART = 0.2
const SLOW_MS = 4_500
export function slowAnswers(): Partial<WorldOptions> {
  const random = randomFrom(1)
  return { delayMs: (what) => (what === 'order' ? 20 : random() < SLOW_PART ? SLOW_MS : 5) }
}
