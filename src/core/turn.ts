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
  /** Jobs whose note was set, and how much it matters. */
  noted: Map<JobName, NoteLevel>
}

type NoteLevel = 'info' | 'warning' | 'error'

/** What only looks needs no more of a turn. */
export type Seeing = Pick<Turn, 'state'>

export function log(turn: Turn, level: NoteLevel, text: string, job: JobState | null = null): void {
  turn.actions.push({ do: 'log', level, text, job: job?.name ?? null })
}

/** What is the matter with a job. The last word of a step counts. */
export function setNote(turn: Turn, job: JobState, note: string, level: NoteLevel): void {
  job.note = note
  turn.noted.set(job.name, level)
}

/** Said once, when it becomes true: two that are true at once would take turns for ever, in each step, if each were said when it is set. */
export function tellNotes(turn: Turn, before: State): void {
  for (const [name, level] of turn.noted) {
    const job = turn.state.jobs[name]
    if (!job || job.note === null || job.note === before.jobs[name]?.note) continue
    log(turn, level, `${name}: ${job.note}`, job)
  }
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
