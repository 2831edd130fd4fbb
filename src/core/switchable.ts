import { jobReport } from '../report/job'
import { type Check, firstUnmet, type Observer } from './check'
import { configDiffers } from './decision'
import { watchedChecks } from './detached'
import type { Failure } from './event'
import { names } from './ownership'
import { configOf, isTouched, peerIsReachable, peerJob, type JobState } from './state'
import { runningTicket } from './tickets'
import type { Seeing } from './turn'
import { peerJobAge } from './views'

/** A condition of a command: what is answered to who typed it. */
export interface Condition extends Check {
  refuse: () => Failure
}

const condition = (name: string, met: boolean, value: () => string, by: Observer, refuse: () => Failure): Condition => ({
  name,
  met,
  value,
  by,
  refuse,
  why: () => refuse().message
})

export const whyRefused = (conditions: readonly Condition[]): Failure | null => firstUnmet(conditions)?.refuse() ?? null

const yesNo = (yes: boolean): string => (yes ? 'yes' : 'no')

/** Nothing else is under way that a person has asked for. */
export function idleCondition(turn: Seeing, job: JobState): Condition {
  const ticket = runningTicket(turn.state, job)
  const offered = job.record.handover !== null
  const met = job.observed && !offered && (ticket === null || ticket.purpose === 'automatic')
  const doing = !job.observed ? 'looking for what runs' : offered ? 'handing over' : (ticket?.purpose ?? job.phase)
  const by = job.observed ? (ticket?.id ?? 'no ticket') : 'engine start'
  return condition(
    'nothing under way',
    met,
    () => (met ? 'yes' : doing),
    'self',
    () => jobReport('E_JOB_BUSY', { ...names(turn, job), ticket: by, doing })
  )
}

/** The checks of a manual failover, in the order in which they are told. */
export function switchConditions(turn: Seeing, job: JobState): Condition[] {
  const at = names(turn, job)
  const { desired } = job.record
  const online = condition(
    'online here',
    desired === 'online' && job.phase === 'online',
    () => job.phase,
    'self',
    () => jobReport('E_JOB_NOT_ONLINE', { ...at, state: job.phase, command: 'switch' })
  )
  const { data, mode } = configOf(turn.state, job)
  const modeAllows = condition(
    'mode',
    mode !== 'high-performance',
    () => mode,
    'self',
    () => jobReport('E_MODE_NO_SWITCH', { ...at, mode })
  )
  return [
    online,
    ...watchedConditions(turn, job, 'switch'),
    ...peerConditions(turn, job),
    modeAllows,
    ...(data === null ? [] : [...streamConditions(turn, job), ...copyConditions(turn, job)])
  ]
}

/** Nobody moves what somebody works on. */
export const watchedConditions = (turn: Seeing, job: JobState, command: string): Condition[] =>
  watchedChecks(turn.state, job).map((check) => ({ ...check, refuse: () => jobReport('E_JOB_DETACHED', { ...names(turn, job), command, why: check.value() }) }))

/** The checks of a move of a job that stays offline. */
export function offlineMoveConditions(turn: Seeing, job: JobState): Condition[] {
  const stopped = job.phase === 'offline' && !isTouched(job)
  const doing = job.phase === 'offline' ? 'stopping' : job.phase
  const busy = (): Failure => jobReport('E_JOB_BUSY', { ...names(turn, job), ticket: job.ticket ?? 'no ticket', doing })
  const { data } = configOf(turn.state, job)
  return [
    condition('stopped here', stopped, () => doing, 'self', busy),
    ...peerConditions(turn, job),
    ...(data === null ? [] : [decidedCondition(turn, job, 'takeover'), ...copyConditions(turn, job)])
  ]
}

/** The other node is there, knows the job as this one does, and may run it. */
export function peerConditions(turn: Seeing, job: JobState): Condition[] {
  const { state } = turn
  const { peerNode } = state
  const at = names(turn, job)
  const theirs = peerJob(state, job)
  const flag = theirs?.record.errorFlag ?? null
  const silent = (): Failure => jobReport('E_PEER_NOT_HEARD', { ...at, age: peerJobAge(state) })
  const same = state.peer?.view.configHash === state.configHash
  return [
    condition(`agent of ${peerNode}`, peerIsReachable(state), () => state.peerAlive, 'peer', silent),
    condition(
      'same configuration',
      same,
      () => yesNo(same),
      'peer',
      () => configDiffers(turn, job)
    ),
    condition(`known on ${peerNode}`, theirs !== null, () => yesNo(theirs !== null), 'peer', silent),
    condition(
      'error flag there',
      flag === null,
      () => (flag === null ? 'none' : 'set'),
      'peer',
      () => jobReport('E_JOB_ERROR_FLAG', { ...at, node: peerNode, why: flag ?? '' })
    )
  ]
}

/** What is queued can be drained. */
function streamConditions(turn: Seeing, job: JobState): Condition[] {
  const at = names(turn, job)
  const { data } = job
  const mirror = data?.mirror
  return [
    decidedCondition(turn, job, 'switch'),
    condition(
      'data connected',
      data?.connected === true,
      () => yesNo(data?.connected === true),
      'self',
      () => jobReport('E_DATA_NOT_CONNECTED', at)
    ),
    condition(
      'full mirror',
      mirror?.state !== 'Mirror',
      () => mirror?.state ?? 'no data',
      'self',
      () => jobReport('E_MIRROR_RUNNING', { ...at, percent: mirror?.percent ?? 0 })
    )
  ]
}

export const decidedCondition = (turn: Seeing, job: JobState, command: string): Condition =>
  condition(
    'need to verify',
    job.record.needToVerify !== 'Manually',
    () => job.record.needToVerify,
    'self',
    () => jobReport('E_SELECT_FIRST', { ...names(turn, job), command })
  )

/** The copy there lacks nothing. */
export function copyConditions(turn: Seeing, job: JobState): Condition[] {
  const at = names(turn, job)
  const { record } = job
  const theirs = peerJob(turn.state, job)?.record
  const whole = theirs?.copyComplete === true && record.needToVerify === 'No'
  return [
    condition(
      'copy there',
      whole,
      () => (theirs?.copyComplete ? (record.needToVerify === 'No' ? 'complete' : `verify: ${record.needToVerify}`) : 'not complete'),
      'peer',
      () => jobReport('E_JOB_COPY_INCOMPLETE', { ...at, node: turn.state.peerNode })
    ),
    condition(
      'recorded in sync',
      record.mirrorInSync && theirs?.mirrorInSync === true,
      () => `here ${yesNo(record.mirrorInSync)}, there ${yesNo(theirs?.mirrorInSync === true)}`,
      'peer',
      () => jobReport('E_MIRROR_NOT_IN_SYNC', at)
    )
  ]
}
