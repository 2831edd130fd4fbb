import { jobReport } from '../report/job'
import { names, take } from './ownership'
import { beginPlan } from './plan'
import { configOf, PROBE_AGAIN_MS, whyNotServe, type JobState, type Plan } from './state'
import { endTicket, openTicket, runningTicket, stepLine } from './tickets'
import { log, setNote, type Turn } from './turn'

/** The owner's node is lost and its service should run: this node takes over if it may. True when it is on its way. */
export function tryFailover(turn: Turn, job: JobState): boolean {
  if (!isWanted(turn, job)) return false
  const blocked = whyNotServe(turn.state, job) ?? (job.record.needToVerify === 'Manually' ? 'need to verify: Manually' : null)
  if (blocked) {
    setNote(turn, job, `${turn.state.peerNode} is lost and ${turn.state.node} cannot take over: ${blocked}`, 'error')
    return false
  }
  if (turn.state.atMs < job.retryAtMs && job.answeredBy !== null) return false
  const vips = configOf(turn.state, job).vips
  job.answeredBy = null
  if (vips.length === 0) takeOver(turn, job)
  else beginPlan(turn, job, 'probe', 'failover', [vips.map((vip) => ({ do: 'probe', vip }))])
  return true
}

const isWanted = (turn: Turn, job: JobState): boolean =>
  turn.state.peerAlive === 'lost' && job.record.owner === turn.state.peerNode && job.record.desired === 'online'

/** If somebody still answers for an address the other node lives, and only the heartbeats are lost. */
export function probed(turn: Turn, job: JobState, plan: Plan): void {
  if (!isWanted(turn, job)) return
  const failure = plan.failures[0]
  if (failure) job.answeredBy = 'unknown'
  if (job.answeredBy === null) return takeOver(turn, job)
  job.retryAtMs = turn.state.atMs + PROBE_AGAIN_MS
  const why = failure ? `the VIP could not be probed: ${failure.error.message}` : `the VIP is still answered by ${job.answeredBy}`
  setNote(turn, job, `no heartbeat from ${turn.state.peerNode}, but ${why}; ${turn.state.node} stays standby`, 'warning')
}

function takeOver(turn: Turn, job: JobState): void {
  const { state } = turn
  const roleSequence = job.record.roleSequence + 1
  const waiting = runningTicket(state, job)
  if (waiting) endTicket(turn, waiting.id, jobReport('E_SWITCH_FAILED_THERE', { ...names(turn, job), why: `${state.peerNode} was lost` }))
  take(turn, job, { roleSequence, takeReason: 'failover', takeTimeMs: state.wallMs })
  job.tookAloneSequence = roleSequence
  job.next = { cause: 'failover', peerCopyComplete: false }
  const ticket = openTicket(turn, job, 'automatic')
  stepLine(turn, ticket, `Take ownership (role sequence ${roleSequence})`, 'done')
  const queued = job.data?.connected === false ? '; the data was not connected at the end, so the last writes may be missing' : ''
  log(turn, 'error', `${state.peerNode} is lost: ${state.node} takes over ${job.name} (role sequence ${roleSequence})${queued}`, job)
}
