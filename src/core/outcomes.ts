import { jobReport } from '../report/job'
import type { Upgraded } from '../wire'
import { attachEnded, takeUpEnded } from './attach'
import { observed } from './boot'
import { dataIsStopped } from './detached'
import type { Failure, Found, Outcome } from './event'
import { fenced, probed } from './failover'
import { forceProbed } from './forcetake'
import { giveBack, offerHandover, peerCanTake } from './handover'
import { whyHopeless } from './hopeless'
import { standDownStages, startStages } from './order'
import { leaseInUse } from './modeChange'
import { names, switchFailed } from './ownership'
import { beginPlan, blankResources, describe, taskEnded } from './plan'
import { reconfigured } from './staleConfig'
import { configOf, isTouched, RETRY_MS, setFailed, type JobState, type Plan } from './state'
import { hasLease } from './quorum/rules'
import { whyNoQuorum } from './quorum/serve'
import { changeTicket, endTicket, runningTicket } from './tickets'
import { resourceEnded } from './resourceCommand'
import { isUnwatched } from './resources'
import { countRestart } from './restartLimit'
import { giveUp } from './trouble'
import { upgraded } from './upgrade'
import { log, setNote, setRecord, type Turn } from './turn'

/** An answer to one order. Late ones, of a plan that was dropped, are ignored. */
export function orderEnded(turn: Turn, job: JobState, event: { attempt: number; task: number; outcome: Outcome }): void {
  if (event.attempt !== job.attempt) return
  const order = job.plan?.pending.find(({ task }) => task === event.task)?.order
  const attaches = job.plan?.kind === 'attach'
  const plan = taskEnded(turn, job, event.task, event.outcome)
  if (event.outcome.ok && order?.do === 'upgrade') upgraded(turn, job, plan?.ticket ?? null, event.outcome.result as Upgraded)
  if (event.outcome.ok && order?.do === 'observe') {
    if (attaches) blankResources(turn, job)
    observed(turn, job, event.outcome.result as Found, attaches ? 'when monitoring began again' : undefined)
  }
  if (event.outcome.ok && order?.do === 'probe' && event.outcome.result !== null) job.answeredBy = String(event.outcome.result)
  if (plan) planEnded(turn, job, plan)
}

export function planEnded(turn: Turn, job: JobState, plan: Plan): void {
  const ok = plan.failures.length === 0
  if (!ok) job.retryAtMs = turn.state.atMs + RETRY_MS
  switch (plan.kind) {
    case 'start':
    case 'recover':
    case 'restart':
      return ok ? started(turn, job, plan) : startFailed(turn, job, plan)
    case 'stop':
      return stopped(turn, job, plan)
    case 'switch':
      return ok ? offerHandover(turn, job) : switchStopFailed(turn, job, plan)
    case 'giveBack':
      return isTouched(job) ? inError(turn, job, 'it could not be stopped to give it back') : offerHandover(turn, job)
    case 'cleanup':
      return cleanedUp(turn, job, plan)
    case 'probe':
      return probed(turn, job, plan)
    case 'fence':
      return fenced(turn, job, plan)
    case 'force':
      return forceProbed(turn, job, plan)
    case 'safety':
    case 'data':
      return dataPlanEnded(turn, job, plan)
    case 'reconfigure':
      return reconfigured(turn, job, plan)
    case 'resource':
      return resourceEnded(turn, job, plan)
    case 'takeUp':
      return takeUpEnded(turn, job, plan)
    case 'attach':
      return attachEnded(turn, job, plan)
    case 'lease':
      return leaseInUse(turn, job, plan)
    case 'upgrade':
      return upgradeEnded(turn, job, plan)
    case 'standDown':
      return stoodDown(turn, job, plan)
    case 'observe':
    case 'standby':
      return
  }
}

function started(turn: Turn, job: JobState, plan: Plan): void {
  job.phase = 'online'
  job.note = null
  job.gaveUp = null
  job.yielded = false
  log(turn, 'info', `${job.name} is online on ${turn.state.node}`, job)
  endTicket(turn, plan.ticket, (plan.ticket !== null && turn.state.tickets[plan.ticket]?.pending) || null)
}

function startFailed(turn: Turn, job: JobState, plan: Plan): void {
  if (lostQuorum(turn, job, plan)) return stoppedOnTheWay(turn, job, plan)
  const error = failureReport(turn, job, plan, 'E_START_FAILED')
  const why = error.message
  const hopeless = whyHopeless(plan)
  if (plan.kind === 'restart') return hopeless === null ? noteFailed(job, plan) : giveUpHopeless(turn, job, plan, hopeless)
  if (plan.cause === 'bringin') changeTicket(turn, plan.ticket, () => ({ pending: error }))
  else if (plan.cause === 'handover') return startFailedAfterHandover(turn, job, why)
  else if (plan.cause === 'undo' || hopeless !== null || countRestart(turn, job) !== null) inError(turn, job, why)
  beginPlan(turn, job, 'cleanup', plan.cause, standDownStages(configOf(turn.state, job)))
}

/** Nothing is wrong with the job then: what begins to serve is refused when the lease is over, and it starts again with the next one. */
function lostQuorum(turn: Turn, job: JobState, { failures }: Plan): boolean {
  const now = job.record.unleased !== true && !hasLease(turn, job)
  // Its mode may have been changed to one without votes since.
  return now || failures.some(({ error }) => error.code === 'E_LEASE_ENDED')
}

function stoppedOnTheWay(turn: Turn, job: JobState, plan: Plan): void {
  job.phase = 'offline'
  endTicket(turn, plan.ticket, job.quorum === null ? failureReport(turn, job, plan, 'E_START_FAILED') : whyNoQuorum(turn, job))
}

/** They count as failed again, and the restart limit decides. */
function noteFailed(job: JobState, plan: Plan): void {
  for (const { order, error } of plan.failures) {
    if ((order.do === 'start' || order.do === 'stop') && !isUnwatched(job, order.application)) setFailed(job, order.application, error.message)
  }
  for (const [name, word] of Object.entries(job.applications))
    if (word !== 'online' && !isUnwatched(job, name)) setFailed(job, name, job.failedApplications[name] ?? 'it depends on one that failed')
}

/** The restart limit is for what may be well the next time. */
function giveUpHopeless(turn: Turn, job: JobState, plan: Plan, why: string): void {
  noteFailed(job, plan)
  giveUp(turn, job, why, 'another try would end in the same way')
}

/** The flag is kept from here on: this node does not start the job again before somebody has looked at it. */
function startFailedAfterHandover(turn: Turn, job: JobState, why: string): void {
  const back = peerCanTake(turn, job)
  setRecord(turn, job, { errorFlag: why })
  if (back) return giveBack(turn, job)
  inError(turn, job, why)
  beginPlan(turn, job, 'cleanup', 'handover', standDownStages(configOf(turn.state, job)))
}

function inError(turn: Turn, job: JobState, why: string): void {
  job.phase = 'error'
  setNote(turn, job, why, 'error')
}

function cleanedUp(turn: Turn, job: JobState, plan: Plan): void {
  const ticket = plan.ticket === null ? undefined : turn.state.tickets[plan.ticket]
  const error = ticket?.pending ?? null
  if (plan.cause === 'bringin') {
    setRecord(turn, job, { desired: 'offline' })
    job.phase = 'offline'
    job.note = error?.message ?? null
    return endTicket(turn, plan.ticket, error)
  }
  if (job.phase !== 'error') {
    job.phase = 'offline'
    return
  }
  endTicket(turn, plan.ticket, error ?? jobReport('E_START_FAILED', { ...names(turn, job), step: 'the start', why: job.note ?? 'see the event log' }))
}

function stopped(turn: Turn, job: JobState, plan: Plan): void {
  job.phase = 'offline'
  if (plan.failures.length > 0) return stopFailed(turn, job, plan)
  job.note = null
  if (job.drained && job.record.needToVerify === 'Yes') setRecord(turn, job, { needToVerify: 'No' })
  log(turn, 'info', `${job.name} is offline on ${turn.state.node}`, job)
  endTicket(turn, plan.ticket)
}

function stopFailed(turn: Turn, job: JobState, plan: Plan): void {
  const error = failureReport(turn, job, plan, 'E_STOP_FAILED')
  setNote(turn, job, error.message, 'error')
  endTicket(turn, plan.ticket, error)
}

/**
 * Nothing has been handed over yet: everything starts again here. What the start finds in place it leaves. Data that was never
 * unmounted has seen every write, so the peer lacks nothing but the queue; what was unmounted may have been changed by anybody.
 */
function switchStopFailed(turn: Turn, job: JobState, plan: Plan): void {
  const error = failureReport(turn, job, plan, 'E_STOP_FAILED')
  job.pendingFlag = null
  job.undoneAtMs = turn.state.atMs
  switchFailed(turn, job, error)
  job.phase = 'starting'
  beginPlan(turn, job, 'start', 'undo', startStages(configOf(turn.state, job), job.dataRole === 'source'))
}

function stoodDown(turn: Turn, job: JobState, plan: Plan): void {
  const error = plan.failures[0] ? failureReport(turn, job, plan, 'E_STOP_FAILED') : null
  if (error) setNote(turn, job, error.message, 'error')
  // Whatever it was stopped for, it is where it should be.
  else if (job.record.desired === 'offline') job.note = null
  const ticket = runningTicket(turn.state, job)
  if (ticket?.purpose === 'automatic') endTicket(turn, plan.ticket, error)
}

function upgradeEnded(turn: Turn, job: JobState, plan: Plan): void {
  job.retryAtMs = 0
  const error = plan.failures[0]?.error
  endTicket(turn, plan.ticket, error ? jobReport('E_UPGRADE_FAILED', { ...names(turn, job), why: error.message, helps: error.tryThis }) : null)
}

function dataPlanEnded(turn: Turn, job: JobState, plan: Plan): void {
  // One whose data was stopped says so soon; what nobody typed and came to nothing is tried again then.
  const later = dataIsStopped(job) || (plan.cause === 'automatic' && plan.failures.length > 0)
  if (plan.kind === 'data') job.retryAtMs = later ? turn.state.atMs + RETRY_MS : 0
  const failure = plan.failures[0]
  const at = names(turn, job)
  if (!failure) return endTicket(turn, plan.ticket)
  const why = failure.error.message
  const mirrors = failure.order.do === 'mirror'
  endTicket(
    turn,
    plan.ticket,
    mirrors ? jobReport('E_MIRROR_FAILED', { ...at, why }) : jobReport('E_DATA_ORDER_FAILED', { ...at, step: describe(failure.order), why })
  )
}

function failureReport(turn: Turn, job: JobState, plan: Plan, code: 'E_START_FAILED' | 'E_STOP_FAILED'): Failure {
  const failure = plan.failures[0]
  const step = failure ? describe(failure.order) : 'the last step'
  return jobReport(code, { ...names(turn, job), step, why: failure?.error.message ?? 'no reason was given' })
}
