import { type Decision } from './decision'
import { dataIsStopped, SEND, watched } from './detached'
import { digest } from './digest'
import { stopStages } from './order'
import { beginPlan, describe } from './plan'
import { configOf, hasData, isTouched, peerIsReachable, type JobState, type State, type Task } from './state'
import { stepLine } from './tickets'
import { setRecord, type Turn } from './turn'
import { peerJobAge } from './views'
import type { Danger } from '../wire'
import { sizeText } from './words'

/** Stops the service; the owner stays. When the other node cannot hear of it this is a forced one, and has to be confirmed. */
export function decideBringout(turn: Turn, job: JobState): Decision {
  const { state } = turn
  const { record } = job
  if (record.desired === 'offline' && !isTouched(job)) return { is: 'nothing', why: `${job.name} is offline already` }
  const drain = job.data?.connected === true && job.dataRole === 'source'
  // What is held back is sent first.
  const resume: Task[][] = drain && dataIsStopped(job) ? [[SEND]] : []
  const stages = [...resume, ...stopStages(configOf(state, job), drain)]
  const warn = !drain && hasData(state, job)
  const word = record.needToVerify === 'No' ? 'Yes' : record.needToVerify
  const warning = `Warning: ${state.peerNode} is not connected, the queue is not drained; need to verify: ${word}`
  const begin = () => {
    setRecord(turn, job, { desired: 'offline', ...watched(record), ...(hasData(state, job) ? { needToVerify: word } : {}) })
    job.phase = 'stopping'
    job.drained = false
    if (warn) stepLine(turn, job.ticket, warning, 'done')
    beginPlan(turn, job, 'stop', 'command', stages)
  }
  const texts = [...(warn ? [warning] : []), ...stages.flat().map(describe)]
  return { is: 'steps', texts, ...(peerIsReachable(state) ? {} : { danger: dangerOf(state, job) }), begin }
}

/** What is said before the confirmation, and the state for which it is true. */
function dangerOf(state: State, job: JobState): Danger {
  const { node, peerNode, peer } = state
  const { roleSequence, desired, needToVerify } = job.record
  const queued = job.data === null ? '' : ` It lacks what is still queued here (${sizeText(job.data.queuedBytes)}).`
  const warning = [
    `${peerNode} cannot be reached (its agent: ${peerJobAge(state)}), so it does not hear that ${job.name} is brought out.${queued}`,
    `If it lives it may start ${job.name} itself: then both copies hold changes of their own. Look at both before ${job.name} is served again.`
  ]
  const facts = [job.name, node, roleSequence, desired, needToVerify, job.phase, state.peerAlive, peer?.view.incarnation ?? null, peer?.atMs ?? null]
  return { warning, state: digest(facts) }
}
