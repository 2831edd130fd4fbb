import { jobReport } from '../report/job'
import type { Order } from './action'
import type { Failure, Outcome } from './event'
import { withoutOff } from './resources'
import { configOf, setApplication, setFailed, setVip, type JobState, type Plan, type PlanKind, type Task } from './state'
import { takenUp, takesUp } from './takeUp'
import { endTicket, openTicket, runningTicket, stepLine } from './tickets'
import { log, setRecord, type Turn } from './turn'

/** These go on whatever fails: the rest of the job must still be stopped. What stayed is tried again later. */
const GOES_ON: PlanKind[] = ['standDown', 'cleanup', 'giveBack']
/** Nothing that a person watches. */
const QUIET: PlanKind[] = ['observe', 'probe', 'fence', 'standby', 'lease']

/** Drops the plan under way, if any (its answers are late from now on), and begins this one. */
export function beginPlan(turn: Turn, job: JobState, kind: PlanKind, cause: Plan['cause'], stages: Task[][]): void {
  job.attempt += 1
  if (job.plan?.kind === 'upgrade') endTicket(turn, job.plan.ticket, jobReport('E_UPGRADE_OVERTAKEN', { job: job.name, node: turn.state.node }))
  const ticket = QUIET.includes(kind) ? null : (runningTicket(turn.state, job)?.id ?? openTicket(turn, job, 'automatic'))
  endOvertaken(turn, job)
  job.plan = { kind, cause, ticket, stages: withoutOff(job, stages), given: 0, pending: [], failures: [] }
  nextStage(turn, job, job.plan)
}

/** What the node had begun by itself, and a command goes on from there. */
export function overtakePlan(turn: Turn, job: JobState): void {
  endOvertaken(turn, job)
  dropPlan(job)
}

/** What the node had begun by itself is what a command has asked for: it goes on, and the newest ticket follows it. */
export function joinPlan(turn: Turn, job: JobState, cause: Plan['cause']): void {
  if (job.plan === null) return
  endOvertaken(turn, job)
  job.plan = { ...job.plan, cause, ticket: job.ticket }
}

/** The ticket of a plan that was dropped, or goes on under another one: nobody else would end it. */
function endOvertaken(turn: Turn, { plan, ticket }: JobState): void {
  if (plan && plan.ticket !== ticket && plan.ticket !== null && turn.state.tickets[plan.ticket]?.purpose === 'automatic') endTicket(turn, plan.ticket)
}

export function dropPlan(job: JobState): void {
  job.attempt += 1
  job.plan = null
}

function nextStage(turn: Turn, job: JobState, plan: Plan): void {
  for (const order of plan.stages.shift() ?? []) give(turn, job, plan, order)
}

function give(turn: Turn, job: JobState, plan: Plan, task: Task): void {
  const { safety, safetySequence } = job.record
  const order: Order = task.do === 'source' ? { ...task, safety, safetySequence } : task.do === 'raise' ? raiseAsConfigured(turn, job, task) : task
  plan.given += 1
  if (order.do === 'source') beginSource(turn, job, order.peerCopyComplete)
  plan.pending = [...plan.pending, { task: plan.given, order }]
  markBegun(job, order)
  if (plan.ticket) stepLine(turn, plan.ticket, describe(order), 'begin')
  turn.actions.push({ do: 'order', job: job.name, attempt: job.attempt, roleSequence: job.record.roleSequence, task: plan.given, order })
}

/** The configuration may have changed since the plan was made. */
const raiseAsConfigured = ({ state }: Turn, job: JobState, task: Extract<Task, { do: 'raise' }>): Order => ({
  do: 'raise',
  vip: configOf(state, job).vips.find(({ name }) => name === task.vip.name) ?? task.vip
})

/** The answer to one task. Returns the plan when this was its end. */
export function taskEnded(turn: Turn, job: JobState, task: number, outcome: Outcome): Plan | null {
  const plan = job.plan
  const found = plan?.pending.find((pending) => pending.task === task)
  if (!plan || !found) return null
  plan.pending = plan.pending.filter((pending) => pending.task !== task)
  if (found.order.do === 'rebuild') takenUp(turn, job, outcome)
  else markEnded(job, found.order, outcome.ok)
  tell(turn, job, plan, found.order, outcome)
  if (!outcome.ok) taskFailed(turn, job, plan, found.order, outcome.error)
  return advance(turn, job, plan)
}

function advance(turn: Turn, job: JobState, plan: Plan): Plan | null {
  if (plan.pending.length > 0) return null
  const stop = plan.failures.length > 0 && !GOES_ON.includes(plan.kind)
  if (!stop && plan.stages.length > 0) {
    nextStage(turn, job, plan)
    return null
  }
  job.plan = null
  return plan
}

function tell(turn: Turn, job: JobState, plan: Plan, order: Order, outcome: Outcome): void {
  if (plan.ticket) stepLine(turn, plan.ticket, describe(order), outcome.ok ? 'done' : 'failed')
  if (!outcome.ok) log(turn, 'error', `${describe(order)} of ${job.name} failed: ${outcome.error.message}`, job)
  else if (plan.ticket) log(turn, 'info', `${describe(order)} of ${job.name} done`, job)
}

/** What a single failure means for the stage: asked in vain, an application is killed; a bring-out goes on without the drain. */
function taskFailed(turn: Turn, job: JobState, plan: Plan, order: Order, error: Failure): void {
  if (order.do === 'stop' && !order.kill) give(turn, job, plan, { ...order, kill: true })
  else if (order.do === 'drain' && plan.kind === 'stop')
    log(turn, 'warning', `The queue of ${job.name} was not drained: the other copy lacks the last writes`, job)
  else plan.failures = [...plan.failures, { order, error }]
}

/**
 * A source that begins without the claim that the peer has all of it: from here on, on disk and before the first write, the
 * peer's copy may differ. Only the end of a full mirror says otherwise (data.ts). One that is the source already just goes on.
 */
function beginSource(turn: Turn, job: JobState, peerCopyComplete: boolean): void {
  if (job.dataRole === 'source' && job.dataSequence === job.record.roleSequence) return
  // What the data program said before was said of an earlier source.
  if (job.data !== null) job.data = { ...job.data, connected: false }
  if (!peerCopyComplete && job.record.needToVerify === 'No') setRecord(turn, job, { needToVerify: 'Yes' })
}

function markBegun(job: JobState, order: Order): void {
  if (order.do === 'raise') setVip(job, order.vip.name, 'raising')
  else if (order.do === 'drop') setVip(job, order.vip.name, 'dropping')
  else if (order.do === 'start') setApplication(job, order.application, 'starting')
  else if (order.do === 'stop') setApplication(job, order.application, 'stopping')
  else if (order.do === 'source' || order.do === 'stopData') markData(job, order.do)
  else if (order.do === 'rebuild') takesUp(job)
}

function markData(job: JobState, what: 'source' | 'stopData'): void {
  if (job.dataRole === 'source' && what === 'source') return
  job.dataRole = 'unknown'
  if (what === 'source') job.drained = false
}

function markEnded(job: JobState, order: Order, ok: boolean): void {
  if (order.do === 'raise') setVip(job, order.vip.name, ok ? 'up' : 'raising')
  else if (order.do === 'drop') setVip(job, order.vip.name, ok ? 'down' : 'dropping')
  else if (order.do === 'start') applicationStarted(job, order.application, ok)
  else if (order.do === 'stop') setApplication(job, order.application, ok ? 'offline' : 'error')
  else if (order.do === 'drain') job.drained = ok
  else if (ok) dataMoved(job, order)
}

function applicationStarted(job: JobState, name: string, ok: boolean): void {
  setApplication(job, name, ok ? 'online' : 'error')
  if (ok) setFailed(job, name, null)
}

function dataMoved(job: JobState, order: Order): void {
  if (order.do === 'source' || order.do === 'safety') job.safetyGiven = order.safetySequence
  // Its own word may come later: nobody need be told twice.
  if (order.do === 'transmit' && job.data !== null) job.data = { ...job.data, replication: order.action === 'pause' ? 'Pause' : 'Idle' }
  const role = order.do === 'source' ? 'source' : order.do === 'target' ? 'target' : order.do === 'stopData' ? 'none' : null
  if (role === null) return
  job.dataRole = role
  job.dataSequence = job.record.roleSequence
  job.dataLost = null
  // Its own word may come later, and the other node waits for this.
  if (role === 'none' && job.data !== null) job.data = { ...job.data, role }
}

export function describe(order: Task): string {
  switch (order.do) {
    case 'observe':
      return 'Look for what runs'
    case 'source':
      return 'Mount data as source'
    case 'target':
      return 'Receive data as target'
    case 'drain':
      return 'Drain data queue'
    case 'stopData':
      return order.force ? 'Stop data by force' : 'Stop data'
    case 'mirror':
      return `Mirror ${order.action}`
    case 'verify':
      return order.action === 'stop' ? 'Verify stop' : `Verify start (${order.mode})`
    case 'transmit':
      return `Transmit ${order.action}`
    case 'bandwidth':
      return order.bytesPerSecond === null ? 'Lift the speed limit' : `Limit the speed to ${order.bytesPerSecond} bytes/s`
    case 'safety':
      return `Set safety ${order.safety.toUpperCase()}`
    case 'selectSource':
      return 'Select data source'
    case 'upgrade':
      return 'Hand over to the installed data program'
    case 'reconfigure':
      return 'Tell the data program its new configuration'
    case 'rebuild':
      return 'Take the data program up with its new configuration'
    case 'probe':
      return `Probe VIP ${order.vip.address}`
    case 'fence':
      return `Fence ${order.node}`
    case 'raise':
      return `Raise VIP ${order.vip.address}`
    case 'drop':
      return `Drop VIP ${order.vip.address}`
    case 'start':
      return `Start application ${order.application}`
    case 'stop':
      return `${order.kill ? 'Kill' : 'Stop'} application ${order.application}`
  }
}

/** Everything of the job is off on this node, as far as the configuration names it. */
export function blankResources(turn: Turn, job: JobState): void {
  const config = configOf(turn.state, job)
  job.vips = Object.fromEntries(config.vips.map(({ name }) => [name, 'down' as const]))
  job.applications = Object.fromEntries(config.applications.map(({ name }) => [name, 'offline' as const]))
}
