import { PEER_STATE_INTERVAL_MS } from '../wire'
import type { State } from './state'
import type { Turn } from './turn'
import { nodeView } from './views'

/** The peer hears every change at once, and the whole state at least each PEER_STATE_INTERVAL_MS while it lives. */
export function tellPeer(turn: Turn): void {
  const { state } = turn
  if (state.peerAlive !== 'up') return
  const fingerprint = fingerprintOf(state)
  const due = state.told === null || state.atMs - state.told.atMs >= PEER_STATE_INTERVAL_MS
  if (!due && fingerprint === state.told?.fingerprint) return
  state.told = { fingerprint, atMs: state.atMs }
  turn.actions.push({ do: 'sendState', atMs: state.atMs, view: nodeView(state) })
}

/** What is worth a message of its own; counters and percentages wait for the next one. */
function fingerprintOf(state: State): string {
  const jobs = Object.values(state.jobs).map((job) => {
    const ticket = job.ticket === null ? undefined : state.tickets[job.ticket]
    return [
      job.record,
      job.phase,
      job.note,
      job.vips,
      job.applications,
      job.ticket,
      ticket?.state,
      ticket?.steps.length,
      job.data?.connected,
      job.data?.mirror.state
    ]
  })
  return JSON.stringify([state.incarnation, jobs, state.heartbeat?.links.map((link) => link.up)])
}
