import { isArbitrated, isCutOff } from './arbitration'
import { standDownStages } from './order'
import { beginPlan } from './plan'
import { configOf, isTouched, type JobState, type State } from './state'
import { setNote, type Turn } from './turn'

/**
 * The guide's mode with arbitration: an owner that hears nobody and reaches nobody stops, because the other node takes over when it does reach
 * somebody. It serves again when the other one has said who owns the job, or when it reaches the addresses and nobody answers for the VIP.
 * True: that is all there is to do now.
 */
export function settleCutOff(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (job.quorum !== null) return false
  // An administrator has said that it serves alone; when the other one is heard that is over.
  if (job.forcing && state.peerAlive !== 'up') return false
  job.forcing = false
  if (!job.cutOff && isCutOff(state) && wouldServe(job)) return standDown(turn, job)
  if (job.cutOff && job.peerSpoke) hearOwner(state, job)
  return false
}

/** While nobody is heard and nothing reached, what the other node has said may be old: it may have taken over since. */
function hearOwner(state: State, job: JobState): void {
  if (isCutOff(state)) job.peerSpoke = false
  else job.cutOff = false
}

/**
 * Also one whose start has failed, and that would try again, and one that has given up, as far as it got: its address may still be here. One that has not
 * heard the other node since it was booted waits for it anyway.
 */
function wouldServe(job: JobState): boolean {
  const { phase, peerSpoke } = job
  return phase === 'online' || phase === 'starting' || (phase === 'offline' && peerSpoke) || (phase === 'error' && isTouched(job))
}

function standDown(turn: Turn, job: JobState): boolean {
  const { state } = turn
  job.cutOff = true
  job.peerSpoke = false
  job.phase = 'offline'
  job.next = null
  noteCutOff(turn, job)
  beginPlan(turn, job, 'standDown', 'automatic', standDownStages(configOf(state, job)))
  return true
}

export function noteCutOff(turn: Turn, job: JobState): void {
  const { node, peerNode, config } = turn.state
  const why = `${node} heard ${peerNode} on no link and did not reach ${config.arbitration?.reach.join(', ')}`
  setNote(turn, job, `${why}: it does not serve before it is known that ${peerNode} has not taken over`, 'error')
}

/** Without addresses of its own that could be asked for, only the other node knows, or a fence agent. */
export function comesBack(state: State, job: JobState): boolean {
  const { vips } = configOf(state, job)
  const asked = vips.length > 0 || (state.config.arbitration?.fence ?? null) !== null
  return job.cutOff && job.record.owner === state.node && job.record.desired === 'online' && state.reach?.reached === true && isArbitrated(state) && asked
}

/** Nobody else serves it. */
export function serveAgain(job: JobState): void {
  job.cutOff = false
  job.peerSpoke = true
  job.retryAtMs = 0
}
