import type { CommandGiven, Waiting } from './event'
import type { JobState, PlanKind } from './state'
import { runningTicket } from './tickets'
import type { Turn } from './turn'

/** The shell waits a little longer for an answer, also over the other node. */
export const TAKE_UP_WAIT_MS = 3_000
/** More are answered at once: the job is busy. */
export const WAITING_MAX = 32
/** What follows a change of the configuration by itself, on its owner. */
const TAKES_UP: PlanKind[] = ['reconfigure', 'lease', 'safety']

function takesUp({ state }: Turn, job: JobState): boolean {
  const ticket = runningTicket(state, job)
  return job.plan !== null && TAKES_UP.includes(job.plan.kind) && (ticket === null || ticket.purpose === 'automatic')
}

/** Who has just changed the configuration, and goes on, is not told that the job is busy with just that. What need not wait for it does not. */
export function waitsForConfig(turn: Turn, job: JobState, command: CommandGiven): boolean {
  const { state } = turn
  if (!takesUp(turn, job) || state.waiting.length >= WAITING_MAX) return false
  state.waiting = [...state.waiting, { command, untilMs: state.atMs + TAKE_UP_WAIT_MS }]
  return true
}

/** Those that wait no longer, in the order in which they came. */
export function endOfWaiting(turn: Turn): CommandGiven[] {
  const { state } = turn
  if (state.waiting.length === 0) return []
  const goesOn = ({ command, untilMs }: Waiting): boolean => {
    const job = state.jobs[command.job]
    return job !== undefined && !state.leaving && state.atMs < untilMs && takesUp(turn, job)
  }
  const due = state.waiting.filter((each) => !goesOn(each))
  if (due.length > 0) state.waiting = state.waiting.filter(goesOn)
  return due.map(({ command }) => command)
}
