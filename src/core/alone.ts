import { isArbitrated, waitLeftMs } from './arbitration'
import { owns, type JobState, type State } from './state'
import { log, type Turn } from './turn'
import { ageText } from './words'

/** Nobody has spoken in that time, and what this node can ask does not say that somebody serves. */
export const startsAlone = (state: State, job: JobState): boolean => waitsFor(state, job) && waitLeftMs(state) === 0 && isArbitrated(state)

const waitsFor = (state: State, job: JobState): boolean =>
  job.quorum === null && !job.peerSpoke && state.peerAlive !== 'up' && owns(state, job) && job.record.desired === 'online' && job.record.handover === null

/** For people who look: how long yet. */
export function waitText(state: State, job: JobState): string {
  const leftMs = waitsFor(state, job) ? waitLeftMs(state) : null
  return leftMs === null || leftMs === 0 ? '' : `; ${ageText(leftMs)} yet`
}

/** What the wait is for does not change while it lasts. */
export const waitEnd = ({ config, node }: State, job: JobState): string =>
  config.boot
    ? `, at most ${ageText(config.boot.waitForPeerMs)} after its start; then ${node} starts ${job.name} alone, if nobody answers for its addresses`
    : ''

export function serveAlone(turn: Turn, job: JobState): void {
  const { peerNode, node } = turn.state
  job.peerSpoke = true
  job.retryAtMs = 0
  log(turn, 'warning', `${peerNode} has not said who owns ${job.name} since ${node} started: ${node} starts it alone (boot: waitForPeer)`, job)
}
