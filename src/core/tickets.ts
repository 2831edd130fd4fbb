import type { StepLine } from '../wire'
import type { Failure } from './event'
import type { JobState, State, Ticket } from './state'
import type { Turn } from './turn'

export const TICKETS_MAX = 100
export const TICKET_STEPS_MAX = 500

export function openTicket(turn: Turn, job: JobState, purpose: Ticket['purpose']): string {
  turn.state.ticketCount += 1
  return addTicket(turn, job, `${turn.state.node}-${turn.state.ticketCount}`, purpose)
}

const MOVES: Ticket['purpose'][] = ['switch', 'takeover', 'selectsrc']

/** A command that gives the job to the other node: it has ended when that one says so. */
export const isMove = (ticket: Ticket | null | undefined): ticket is Ticket => MOVES.includes(ticket?.purpose ?? 'automatic')

/** Also for a ticket that the other node opened and this node goes on with. */
export function addTicket(turn: Turn, job: JobState, id: string, purpose: Ticket['purpose']): string {
  const { state } = turn
  const ticket = state.tickets[id] ?? { id, job: job.name, purpose, state: 'running', steps: [], peerLines: 0, error: null, pending: null }
  state.tickets = { ...state.tickets, [id]: ticket }
  job.ticket = id
  forgetOldest(state)
  return id
}

function forgetOldest(state: State): void {
  const tooMany = Object.keys(state.tickets).length - TICKETS_MAX
  if (tooMany <= 0) return
  const ended = Object.values(state.tickets).filter((ticket) => ticket.state !== 'running')
  const forgotten = new Set(ended.slice(0, tooMany))
  state.tickets = Object.fromEntries(Object.entries(state.tickets).filter(([, ticket]) => !forgotten.has(ticket)))
}

export function changeTicket(turn: Turn, id: string | null, change: (ticket: Ticket) => Partial<Ticket>): void {
  const ticket = id === null ? undefined : turn.state.tickets[id]
  if (ticket) turn.state.tickets = { ...turn.state.tickets, [ticket.id]: { ...ticket, ...change(ticket) } }
}

export function stepLine(turn: Turn, id: string | null, text: string, word: StepLine['state']): void {
  const line: StepLine = { atMs: turn.state.wallMs, node: turn.state.node, text, state: word }
  changeTicket(turn, id, ({ steps }) => (steps.length >= TICKET_STEPS_MAX ? {} : { steps: [...steps, line] }))
}

export function endTicket(turn: Turn, id: string | null, error: Failure | null = null): void {
  changeTicket(turn, id, (ticket) => (ticket.state === 'running' ? { state: error ? 'failed' : 'done', error } : {}))
}

export const runningTicket = (state: State, job: JobState): Ticket | null => {
  const ticket = job.ticket === null ? undefined : state.tickets[job.ticket]
  return ticket?.state === 'running' ? ticket : null
}

/** The other node's lines of a ticket, copied once each. */
export function copyPeerLines(turn: Turn, activity: { ticket: string; steps: StepLine[] } | null): void {
  const known = activity && turn.state.tickets[activity.ticket]
  if (!known) return
  const theirs = activity.steps.filter((line) => line.node !== turn.state.node)
  if (theirs.length <= known.peerLines) return
  changeTicket(turn, activity.ticket, ({ steps, peerLines }) => {
    const added = theirs.slice(peerLines, peerLines + Math.max(0, TICKET_STEPS_MAX - steps.length))
    return { steps: [...steps, ...added], peerLines: peerLines + added.length }
  })
}
