import { type Check, allMet } from './check'
import type { State } from './state'
import { log, type Turn } from './turn'
import { secondsText } from './words'

/** Until it is known, and then. */
const REACH_SOON_MS = 1_000
const REACH_EVERY_MS = 5_000
/** So many answers in a row before an owner takes itself for the one that is cut off. */
const MISSES_MAX = 2
/** What an owner that is cut off needs at most to drop its addresses, after it knows. */
const STOP_MS = 2_000

export const addressesOf = ({ config }: State): string[] => config.arbitration?.reach ?? []

/**
 * The guide's mode. A node that has booted waits for the other one's word: that may have taken over before it died too. How long it waits, if not for ever, is
 * the administrator's choice (`boot: waitForPeer`). Null: for ever.
 */
export function waitLeftMs({ config, bootedAtMs, atMs }: State): number | null {
  return config.boot && bootedAtMs !== null ? Math.max(0, bootedAtMs + config.boot.waitForPeerMs - atMs) : null
}

/** One that has said that it shuts down is not lost; one that was never heard is, when it has been waited for. */
const isLost = (state: State): boolean =>
  (state.peerAlive === 'lost' || (state.peerAlive === 'unknown' && waitLeftMs(state) === 0)) && state.heartbeat?.peerLeaving !== true

/** An owner that reaches nobody has stopped by then, wherever it is. */
function patienceMs({ config }: State): number {
  const timeoutMs = config.arbitration?.timeoutMs ?? 0
  return MISSES_MAX * (timeoutMs + REACH_SOON_MS) + STOP_MS
}

/** Asked as long as the other node is lost. */
export function settleReach(turn: Turn): void {
  const { state } = turn
  if (state.peerAlive === 'up') state.fenced = false
  if (!isLost(state) || addressesOf(state).length === 0) {
    state.reach = null
    return
  }
  const reach = state.reach ?? { asked: state.reachCount, flying: false, nextAtMs: 0, lostAtMs: state.atMs, reached: null, ever: false, misses: 0, why: '' }
  state.reach = reach
  if (reach.flying || state.atMs < reach.nextAtMs) return
  state.reachCount += 1
  state.reach = { ...reach, asked: state.reachCount, flying: true }
  turn.actions.push({ do: 'askReach', number: state.reachCount })
}

export function reachTold(turn: Turn, { number, reached, why }: { number: number; reached: boolean; why: string }): void {
  const { state } = turn
  const { reach } = state
  if (reach === null || reach.asked !== number) return
  const nextAtMs = state.atMs + (reached ? REACH_EVERY_MS : REACH_SOON_MS)
  state.reach = { ...reach, flying: false, nextAtMs, reached, ever: reach.ever || reached, misses: reached ? 0 : reach.misses + 1, why }
  if (reached === reach.reached) return
  const list = addressesOf(state).join(', ')
  if (reached) log(turn, 'info', `${state.node} reaches ${list}: it is not ${state.node} that is cut off`)
  else log(turn, 'warning', `${state.node} does not reach ${list}: ${why}`)
}

/** What stands between the loss of every heartbeat and a takeover. */
export function arbitrationChecks(state: State): Check[] {
  const { reach, node, peerNode, config } = state
  if (addressesOf(state).length === 0) return []
  const lost = isLost(state)
  const list = addressesOf(state).join(', ')
  const waitedMs = reach === null ? 0 : state.atMs - reach.lostAtMs
  const reaches: Check = {
    name: 'addresses reached',
    met: !lost || reach?.reached === true,
    value: () => (!lost ? 'not asked' : reach?.reached === null ? 'asked' : reach?.reached ? 'yes' : 'no'),
    why: () => (reach?.reached === false ? `${node} does not reach ${list}, so it may be ${node} that is cut off` : `${node} looks whether it reaches ${list}`),
    by: 'self'
  }
  const waits: Check = {
    name: 'time to stop there',
    met: !lost || config.arbitration?.fence !== null || waitedMs >= patienceMs(state),
    value: () => `${secondsText(waitedMs)} of ${secondsText(patienceMs(state))}`,
    why: () => `${peerNode} has ${secondsText(patienceMs(state))} to stop what it serves, if it is the one that is cut off`,
    by: 'self'
  }
  return [reaches, waits]
}

export const isArbitrated = (state: State): boolean => allMet(arbitrationChecks(state))

/** All heartbeats are lost, and nothing was reached since: the other node may reach it, and take over. */
export const isCutOff = (state: State): boolean => state.reach !== null && !state.reach.ever && state.reach.misses >= MISSES_MAX

export const needsFence = (state: State): boolean => isLost(state) && (state.config.arbitration?.fence ?? null) !== null && !state.fenced
