import { invariant, ROLE_HISTORY_MAX, type JobName, type JobRecord } from '../model'
import type { KeptRestarts } from '../wire/keptRestarts'
import type { KeptRecord } from '../wire/keptState'
import type { Action } from './action'
import type { Failure, Outcome } from './event'
import type { JobState, State } from './state'

/** One call of `step`: the state it may change and the actions it collects. */
export interface Turn {
  state: State
  actions: Action[]
  /** A record has changed: the step begins with a persist. */
  dirty: boolean
}

/** What only looks needs no more of a turn. */
export type Seeing = Pick<Turn, 'state'>

export function log(turn: Turn, level: 'info' | 'warning' | 'error', text: string, job: JobState | null = null): void {
  turn.actions.push({ do: 'log', level, text, job: job?.name ?? null })
}

/** Said once, when it becomes true. */
export function setNote(turn: Turn, job: JobState, note: string, level: 'info' | 'warning' | 'error'): void {
  if (job.note === note) return
  job.note = note
  log(turn, level, `${job.name}: ${note}`, job)
}

export function reply(turn: Turn, request: number, outcome: Outcome): void {
  turn.actions.push({ do: 'reply', request, outcome })
}

export const refuse = (turn: Turn, request: number, error: Failure): void => reply(turn, request, { ok: false, error })

/** The only way a record changes. The role sequence never goes back. */
export function setRecord(turn: Turn, job: JobState, change: Partial<JobRecord>): void {
  const record = { ...job.record, ...change }
  invariant(record.roleSequence >= job.record.roleSequence, 'the role sequence of a job never goes back')
  if (record.roleSequence === job.record.roleSequence) invariant(record.owner === job.record.owner, 'a new owner has a new role sequence')
  else {
    record.history = [...record.history, { roleSequence: record.roleSequence, owner: record.owner }].slice(-ROLE_HISTORY_MAX)
    // A vote for oneself was one against the record of before.
    if (record.claim) record.claim = null
    if (record.released) record.released = false
    if (record.forced && record.forced.roleSequence !== record.roleSequence) record.forced = null
  }
  if (record.unserved && (record.copyComplete || record.roleSequence !== job.record.roleSequence)) record.unserved = false
  job.record = record
  turn.dirty = true
}

export function recordsOf(state: State): Record<JobName, KeptRecord> {
  return Object.fromEntries(Object.values(state.jobs).map((job) => [job.name, keptOf(state, job)]))
}

function keptOf({ bootId }: State, { record, restarts }: JobState): KeptRecord {
  if (restarts.length === 0) return record
  const kept: KeptRestarts = { bootId, done: [...restarts] }
  return { ...record, restarts: kept }
}
