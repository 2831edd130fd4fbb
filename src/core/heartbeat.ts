import type { HeartbeatFacts } from './event'
import type { State } from './state'
import { log, type Turn } from './turn'

/** The peer's node is `lost` only when it has been heard before: a node that boots alone takes nothing over. */
export function hearHeartbeat(turn: Turn, facts: HeartbeatFacts): void {
  const { state } = turn
  tellLinks(turn, facts)
  const before = state.peerAlive
  const heardBefore = before !== 'unknown' || facts.links.some((link) => link.ageMs !== null)
  state.heartbeat = facts
  state.peerAlive = facts.peerAlive ? 'up' : heardBefore ? 'lost' : 'unknown'
  const leftBefore = state.leavingSinceMs !== null
  state.leavingSinceMs = facts.peerLeaving ? (state.leavingSinceMs ?? state.atMs) : null
  if (facts.peerLeaving && !leftBefore && state.peerAlive === 'up') log(turn, 'info', `[HBT] ${state.peerNode} is shutting down`)
  if (before === 'up' && state.peerAlive === 'lost') tellLost(turn, facts)
  if (before !== 'up' && state.peerAlive === 'up') log(turn, 'info', `[HBT] ${state.peerNode} is alive`)
}

function tellLost(turn: Turn, facts: HeartbeatFacts): void {
  const { peerNode } = turn.state
  if (facts.peerLeaving) log(turn, 'info', `[HBT] ${peerNode} has shut down`)
  else log(turn, 'error', `[HBT] ${peerNode} is lost: no heartbeat on any link`)
}

/** One link down changes nothing but the log. */
function tellLinks(turn: Turn, facts: HeartbeatFacts): void {
  for (const link of facts.links) {
    const before = turn.state.heartbeat?.links.find(({ name }) => name === link.name)
    if (!before || before.up === link.up) continue
    if (link.up) log(turn, 'info', `[HBT] link ${link.name} (${link.local} <-> ${link.remote}) is ok`)
    else log(turn, 'warning', `[HBT] link ${link.name} (${link.local} <-> ${link.remote}) is broken`)
  }
}

/** The peer's engine is away while its node lives: never a reason to take over. */
export const ENGINE_SILENT_MS = 5_000
export const peerEngineIsSilent = (state: State): boolean => state.peerAlive === 'up' && (state.heartbeat?.peerEngineSilentMs ?? 0) > ENGINE_SILENT_MS
