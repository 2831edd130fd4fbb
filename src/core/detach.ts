import type { Detached } from '../model'
import { jobReport } from '../report/job'
import type { CommandOptions } from '../wire'
import { whyPlanned, type Decision, refused } from './decision'
import { dataIsStopped, detachedNow, heard, HOLD, isRecordedThere, saidNow, SEND } from './detached'
import type { Failure } from './event'
import { names } from './ownership'
import { beginPlan, describe } from './plan'
import { rulesOf } from './quorum/rules'
import { DETACH_LIMIT_MS, hasData, owns, peerIsReachable, type JobState, type State, type Task } from './state'
import { isOfBefore, takeUpStages } from './takeUp'
import { outOfSyncIsSeconded } from './sync'
import { endTicket, runningTicket, stepLine } from './tickets'
import { log, setRecord, type Turn } from './turn'
import { peerJobAge } from './views'

/** Who typed it, and why: kept with the job. */
export interface Typed {
  account: string
  reason: string | null
  options: CommandOptions
}

/**
 * Monitoring stops, the service goes on (guide 4). Nothing acts on a fault from here on: no restart, no failover, not when the node dies. So the other
 * node, which alone could take over, has it on its disk before anybody is told that it is so; then no vote of a witness is ever asked for. One that is
 * lost cannot be told. Where votes decide it must have been recorded, by a second voter, that its copy is not in sync; it comes into sync again only
 * after it has heard of this. Whoever serves still needs a lease for it.
 */
export function decideDetach(turn: Turn, job: JobState, typed: Typed): Decision {
  const { state } = turn
  const why = whyNotDetach(turn, job, typed) ?? whyPlanned(turn, job)
  if (why !== null) return refused(why)
  const detached = wanted(state, typed)
  const alone = state.peerAlive === 'lost' ? [aloneText(state, job)] : []
  const texts = [recordText(job), ...alone, ...(detached.stopData ? [describe(HOLD)] : dataIsStopped(job) ? sendStages(job).flat().map(describe) : [])]
  return { is: 'steps', texts, begin: () => begin(turn, job, detached) }
}

function wanted({ wallMs }: State, { account, reason, options: { stopData, forMs } }: Typed): Detached {
  return { sinceMs: wallMs, by: account, reason, untilMs: forMs === undefined ? null : wallMs + forMs, stopData: stopData === true }
}

/** What was changed while it was stopped is changed first. */
const sendStages = (job: JobState): Task[][] => [...takeUpStages(job), [SEND]]

const recordText = ({ name }: JobState): string => `Record that ${name} is detached on both nodes`

const aloneText = ({ peerNode }: State, { name }: JobState): string =>
  `Note: ${peerNode} is lost and hears of it when it is back; if it lives and only the links are cut, it may take ${name} over`

function whyNotDetach(turn: Turn, job: JobState, { options }: Typed): Failure | null {
  const { state } = turn
  const at = names(turn, job)
  if (detachedNow(job) === null && (job.phase !== 'online' || job.record.desired !== 'online'))
    return jobReport('E_JOB_NOT_ONLINE', { ...at, state: job.phase, command: 'detach' })
  if (options.stopData === true && !hasData(state, job)) return jobReport('E_JOB_NO_DATA', at)
  if (peerIsReachable(state) || (state.peerAlive === 'lost' && mayBeKeptFrom(state, job))) return null
  return jobReport('E_DETACH_UNHEARD', { ...at, age: peerJobAge(state) })
}

/** Without data nothing could keep it from taking over with the vote of a witness. */
const mayBeKeptFrom = (state: State, job: JobState): boolean => rulesOf(state, job)?.automatic !== true || hasData(state, job)

function begin(turn: Turn, job: JobState, detached: Detached): void {
  // A word that was not heard either is nothing to go back to.
  const before = job.record.detachUnheard ? job.record.detachUnheard.before : detachedNow(job)
  job.detaching = { sinceMs: turn.state.atMs }
  setRecord(turn, job, { ...saidNow(job.record, detached), detachUnheard: { before }, ...(detached.stopData ? { dataHeld: true } : {}) })
  stepLine(turn, job.ticket, recordText(job), 'begin')
}

/** An engine that died before the other node was known to have it asks again. */
export function resumeDetaching(state: State, job: JobState): void {
  if (owns(state, job) && job.record.detachUnheard) job.detaching = { sinceMs: state.atMs }
}

/** Nobody else takes it over by itself. */
function isSafe(state: State, job: JobState): boolean {
  if (isRecordedThere(state, job)) return true
  if (state.peerAlive !== 'lost') return false
  return rulesOf(state, job)?.automatic !== true || (!job.record.mirrorInSync && outOfSyncIsSeconded(state, job))
}

/** Recorded, or taken back when the other node does not answer: then it is watched as before. */
export function settleDetaching(turn: Turn, job: JobState): void {
  const { state } = turn
  if (job.detaching === null || job.plan !== null) return
  if (isSafe(state, job)) return begun(turn, job)
  if (state.atMs - job.detaching.sinceMs < DETACH_LIMIT_MS) return
  const ticket = runningTicket(state, job)?.id ?? null
  setRecord(turn, job, saidNow(job.record, job.record.detachUnheard?.before ?? null))
  job.detaching = null
  const error = jobReport('E_DETACH_UNHEARD', { ...names(turn, job), age: peerJobAge(state) })
  log(turn, 'warning', error.message, job)
  stepLine(turn, ticket, recordText(job), 'failed')
  endTicket(turn, ticket, error)
}

function begun(turn: Turn, job: JobState): void {
  const { state } = turn
  const ticket = runningTicket(state, job)?.id ?? null
  const detached = detachedNow(job)
  const stopped = job.record.detachUnheard?.before?.stopData === true
  job.detaching = null
  setRecord(turn, job, heard(job.record))
  stepLine(turn, ticket, recordText(job), 'done')
  if (!isRecordedThere(state, job)) stepLine(turn, ticket, aloneText(state, job), 'done')
  log(turn, 'warning', `${job.name} is detached: its faults do not act, and it does not fail over, until bringin`, job)
  if (detached === null || job.dataRole !== 'source' || detached.stopData === stopped) return endTicket(turn, ticket)
  beginPlan(turn, job, 'data', 'command', detached.stopData ? [[HOLD]] : sendStages(job))
}

/** It is watched again, and an engine may have died before it said so to the data program. True when it is being told. */
export function releaseData(turn: Turn, job: JobState): boolean {
  const { data, record } = job
  if (isOfBefore(job) || record.dataHeld !== true || data?.role !== 'source' || !data.connected || turn.state.atMs < job.retryAtMs) return false
  if (data.replication === 'Pause') beginPlan(turn, job, 'data', 'automatic', [[SEND]])
  else setRecord(turn, job, { dataHeld: false })
  return job.plan !== null
}

/** A data program that was started anew sends again. True when it is being told. */
export function holdData(turn: Turn, job: JobState): boolean {
  const { data } = job
  const sends = data?.role === 'source' && data.connected && data.replication !== 'Pause'
  if (!dataIsStopped(job) || job.detaching !== null || !sends || turn.state.atMs < job.retryAtMs) return false
  beginPlan(turn, job, 'data', 'automatic', [[HOLD]])
  return true
}
