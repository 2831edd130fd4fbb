import { reachTold, settleReach } from './arbitration'
import type { Action } from './action'
import { boot } from './boot'
import { chronicle } from './chronicle'
import { commandGiven } from './commands'
import { dataLost, dataStatusChanged } from './data'
import type { Event } from './event'
import { handoverAnswered, handoverReceived, withdrawReceived } from './handover'
import { leave } from './leave'
import { hearHeartbeat } from './heartbeat'
import { licenceSeen, tellLicence } from './licence'
import { orderEnded } from './outcomes'
import { usageSampled } from './monitor/sampled'
import { voteAnswered } from './quorum/answered'
import { voteAsked } from './quorum/asked'
import { forgetChange } from './modeChange'
import { hearPeer, tellContradictions } from './ownership'
import { configChanged, configHeld } from './reconfigure'
import { vipPathsSeen } from './paths'
import { watchApplications } from './resources'
import { settle, vipsSeen } from './settle'
import { copyState, type JobState, type State } from './state'
import { exposeEnded, outOfSyncAnswered, outOfSyncReceived } from './sync'
import { tellPeer } from './tell'
import { applicationFailed } from './trouble'
import { endOfWaiting } from './waiting'
import { recordsOf, refuse, reply, tellNotes, type Turn } from './turn'
import { jobReport } from '../report/job'

/**
 * The front page. One event comes in; the state after it and what is to be done about it come out.
 *
 * 1. The event changes facts (and answers who asked).
 * 2. `settle` looks at each job and begins what follows from the facts: start, stop, stand down, take over, …
 * 3. What changed is told to the peer.
 * 4. Records that changed go to disk before anything else of this step is done or said.
 */
export function step(state: State, event: Event): { state: State; actions: Action[] } {
  const turn: Turn = { state: copyState(state, event), actions: [], dirty: false, noted: new Map() }
  happen(turn, event)
  for (const command of endOfWaiting(turn)) commandGiven(turn, command, false)
  if (turn.state.booted) {
    settleReach(turn)
    forgetChange(turn)
    for (const name in turn.state.jobs) settle(turn, turn.state.jobs[name] as JobState)
    tellNotes(turn, state)
    tellContradictions(turn, state)
    chronicle(turn, state, event)
    watchApplications(turn, state)
    tellLicence(turn)
    tellPeer(turn)
  }
  const persist: Action[] = turn.dirty ? [{ do: 'persist', records: recordsOf(turn.state) }] : []
  return { state: turn.state, actions: [...persist, ...turn.actions] }
}

function happen(turn: Turn, event: Event): void {
  switch (event.kind) {
    case 'booted':
      return boot(turn, event)
    case 'ticked':
      return event.heartbeat === null ? undefined : hearHeartbeat(turn, event.heartbeat)
    case 'heartbeatChanged':
      return hearHeartbeat(turn, event.heartbeat)
    case 'peerStateReceived':
      hearPeer(turn, event.view)
      return reply(turn, event.request, { ok: true, result: null })
    case 'configHeld':
      return configHeld(turn, event)
    case 'configReleased':
      turn.state.hold = null
      return
    case 'configChanged':
      return configChanged(turn, event)
    case 'usageSampled':
      return usageSampled(turn, event.values)
    case 'licenceSeen':
      return licenceSeen(turn, event.facts)
    case 'shutdownBegun':
      return leave(turn)
    case 'reachTold':
      return reachTold(turn, event)
    case 'commandGiven':
      return commandGiven(turn, event)
    default:
      return happenToJob(turn, event)
  }
}

type JobEvent = Extract<Event, { job: string }> extends infer E ? Exclude<E, { kind: 'commandGiven' }> : never

function happenToJob(turn: Turn, event: JobEvent): void {
  const job = turn.state.jobs[event.job]
  if (!job) return refuseUnknown(turn, event)
  switch (event.kind) {
    case 'handoverReceived':
      return handoverReceived(turn, job, event)
    case 'withdrawReceived':
      return withdrawReceived(turn, job, event)
    case 'handoverAnswered':
      return handoverAnswered(turn, job, event)
    case 'outOfSyncReceived':
      return outOfSyncReceived(turn, job, event)
    case 'outOfSyncAnswered':
      return outOfSyncAnswered(turn, job, event)
    case 'exposeEnded':
      return exposeEnded(turn, job, event)
    case 'voteAsked':
      return voteAsked(turn, job, event)
    case 'voteAnswered':
      return voteAnswered(turn, job, event)
    case 'orderEnded':
      return orderEnded(turn, job, event)
    case 'applicationFailed':
      return applicationFailed(turn, job, event.application, event.why)
    case 'dataStatusChanged':
      return dataStatusChanged(turn, job, event.status)
    case 'dataLost':
      return dataLost(turn, job, event.why)
    case 'vipPathsSeen':
      return vipPathsSeen(turn, job, event.paths)
    case 'vipsSeen':
      return isCurrent(job, event.attempt) ? vipsSeen(turn, job, event.held) : undefined
  }
}

/** Nothing has begun since the look was ordered. */
const isCurrent = (job: JobState, attempt: number): boolean => job.attempt === attempt && job.plan === null && job.observed

function refuseUnknown(turn: Turn, event: JobEvent): void {
  if (!('request' in event)) return
  const known = Object.keys(turn.state.jobs).join(', ') || 'none'
  refuse(turn, event.request, jobReport('E_JOB_UNKNOWN', { job: event.job, node: turn.state.node, known }))
}
