import { type NodeView, PEER_STATE_INTERVAL_MS } from '../wire'
import type { JobState, State } from './state'
import type { Turn } from './turn'
import { nodeView } from './views'

/** The peer hears every change at once, and the whole state at least each PEER_STATE_INTERVAL_MS while it lives. */
export function tellPeer(turn: Turn): void {
  const { state } = turn
  if (state.peerAlive !== 'up') return
  const due = state.told === null || state.atMs - state.told.atMs >= PEER_STATE_INTERVAL_MS
  const news = newsOf(state)
  if (!due && state.told !== null && isSame(news, state.told.news)) return
  const view = nextTold(state)
  state.told = { news, atMs: state.atMs, number: view.number }
  turn.actions.push({ do: 'sendState', view })
}

/** What this node says of itself next. */
export const nextTold = (state: State): NodeView & { number: number } => ({ ...nodeView(state), number: (state.told?.number ?? 0) + 1 })

/** What is worth a message of its own; counters and percentages wait for the next one. What is replaced whole is compared as one. */
function newsOf(state: State): unknown[] {
  const news: unknown[] = [state.incarnation, state.peer?.view.incarnation, state.configVersion, state.configAgreed, state.monitor.errors]
  for (const name in state.jobs) {
    const job = state.jobs[name] as JobState
    const ticket = job.ticket === null ? undefined : state.tickets[job.ticket]
    news.push(job.record, job.phase, job.note, job.jeopardy, job.vips, job.applications, job.paths)
    news.push(job.ticket, ticket?.state, ticket?.steps.length, job.data?.connected, job.data?.mirror.state)
  }
  for (const link of state.heartbeat?.links ?? []) news.push(link.up)
  return news
}

const isSame = (a: unknown[], b: unknown[]): boolean => a.length === b.length && a.every((part, i) => part === b[i])
