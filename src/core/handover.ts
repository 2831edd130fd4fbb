import type { JobRecord } from '../model'
import { jobReport } from '../report/job'
import type { JobView } from '../wire'
import { type Check, whyNot } from './check'
import type { Event, Failure, HandoverAnswer } from './event'
import { drainStage, dropVips, nonEmpty, standDownStages, stopApplications } from './order'
import { handoverText, hearNewer, names, switchFailed, take } from './ownership'
import { allResources } from './resources'
import { beginPlan } from './plan'
import {
  configOf,
  copyIsWhole,
  isTouched,
  OFFER_AGAIN_MS,
  OFFER_LIMIT_MS,
  owns,
  peerIsReachable,
  peerJob,
  UNDONE_MS,
  VOIDED_MAX,
  type JobState,
  type Plan,
  type PlanKind,
  type State,
  type Task
} from './state'
import { addTicket, changeTicket, isMove, runningTicket, stepLine } from './tickets'
import { log, reply, type Seeing, setRecord, type Turn } from './turn'

/** Stop here, drain, hand over. `flag`: this node failed, and keeps it in mind. `why`: why it moves by itself, where there is no flag. */
export function handOver(turn: Turn, job: JobState, cause: Plan['cause'], flag: string | null, why: string | null = flag): void {
  job.phase = 'switching'
  job.movesBecause = why
  job.pendingFlag = flag
  beginPlan(turn, job, 'switch', cause, switchStages(turn.state, job))
}

export function switchStages(state: State, job: JobState): Task[][] {
  const config = configOf(state, job)
  if (job.dataLost !== null) return standDownStages(config)
  // What is queued here is declared wrong, or is sent before the other node goes on with it.
  const drain = job.giveUpOwn ? [] : [drainStage()]
  const data: Task[][] = config.data ? [...drain, [{ do: 'stopData', force: false }]] : []
  return isTouched(job) || (!job.giveUpOwn && job.record.desired === 'online')
    ? nonEmpty([...stopApplications(config, null, false), dropVips(config), ...data])
    : []
}

/** A start that failed here goes back; what it wrote is drained if it can be. */
export function giveBack(turn: Turn, job: JobState): void {
  const config = configOf(turn.state, job)
  const kills = config.applications.map(({ name }): Task => ({ do: 'stop', application: name, kill: true }))
  const data: Task[][] = config.data ? [drainStage(), [{ do: 'stopData', force: true }]] : []
  job.phase = 'switching'
  job.pendingFlag = job.record.errorFlag
  job.movesBecause = job.record.errorFlag
  beginPlan(turn, job, 'giveBack', 'automatic', nonEmpty([dropVips(config), kills, ...data]))
}

/** One has just come to nothing. */
export const isUndone = ({ atMs }: State, { undoneAtMs }: JobState): boolean => undoneAtMs !== null && atMs - undoneAtMs < UNDONE_MS

/** The other node, if nothing but its copy may keep it from taking the job. */
function peerThatMayTake({ state }: Seeing, job: JobState): JobView | null {
  const theirs = peerJob(state, job)
  if (state.peer?.view.configHash !== state.configHash || isUndone(state, job)) return null
  if (!peerIsReachable(state) || !theirs || theirs.record.roleSequence !== job.record.roleSequence) return null
  return theirs.record.errorFlag === null && theirs.record.needToVerify !== 'Manually' ? theirs : null
}

export function peerCanTake(turn: Seeing, job: JobState): boolean {
  const theirs = peerThatMayTake(turn, job)
  if (theirs === null) return false
  return configOf(turn.state, job).data === null || (theirs.record.copyComplete && job.record.needToVerify === 'No' && inSyncOnBoth(job, theirs))
}

/** This node was made the owner in vain: the one before it, which alone has served, is there and has all of it. */
export function goesBack(turn: Seeing, job: JobState): boolean {
  const { unserved, history, needToVerify } = job.record
  if (unserved !== true || needToVerify === 'Manually' || history.at(-2)?.owner !== turn.state.peerNode || isTouched(job)) return false
  return peerThatMayTake(turn, job)?.record.copyComplete === true
}

export function goBack(turn: Turn, job: JobState, why: string): void {
  log(turn, 'warning', `${job.name} goes back to ${turn.state.peerNode}, which served it before: ${why}, and nothing was served here`, job)
  job.movesBecause = why
  job.pendingFlag = null
  offerHandover(turn, job)
}

const inSyncOnBoth = ({ record }: JobState, theirs: JobView): boolean => record.mirrorInSync && theirs.record.mirrorInSync

/** All is stopped here. From now on this node may not start the job before the peer has said which record it holds. */
export function offerHandover(turn: Turn, job: JobState): void {
  const { state } = turn
  const roleSequence = job.record.roleSequence + 1
  const ticket = runningTicket(state, job)?.id ?? job.ticket ?? state.node
  setRecord(turn, job, { handover: { to: state.peerNode, roleSequence, ticket } })
  job.offer = { do: 'offer', sinceMs: state.atMs, nextAtMs: state.atMs, flying: false, flag: job.pendingFlag }
  job.phase = 'switching'
  stepLine(turn, ticket, handoverText(state, job), 'begin')
}

/** Offers until the peer answers; when it stays silent, takes the offer back until the peer has said what it holds. */
export function driveOffer(turn: Turn, job: JobState): void {
  const { atMs } = turn.state
  // An engine that restarted does not know what it had sent: it only asks back.
  job.offer ??= { do: 'withdraw', sinceMs: atMs, nextAtMs: atMs, flying: false, flag: null }
  const { offer } = job
  job.phase = 'switching'
  if (offer.flying || atMs < offer.nextAtMs) return
  if (offer.do === 'offer' && atMs - offer.sinceMs > OFFER_LIMIT_MS) offer.do = 'withdraw'
  offer.flying = true
  sendOffer(turn, job, offer.do, offer.flag)
}

function sendOffer(turn: Turn, job: JobState, what: 'offer' | 'withdraw', flag: string | null): void {
  const { handover } = job.record
  if (!handover) return
  const { roleSequence, ticket } = handover
  if (what === 'withdraw') turn.actions.push({ do: 'sendWithdraw', job: job.name, roleSequence, ticket })
  else
    turn.actions.push({
      do: 'sendHandover',
      job: job.name,
      roleSequence,
      record: offeredRecord(turn, job, flag),
      start: job.record.desired === 'online',
      ticket
    })
}

function offeredRecord(turn: Turn, job: JobState, flag: string | null): JobRecord {
  const { state } = turn
  const equal = !job.giveUpOwn && (job.drained || configOf(state, job).data === null)
  const roleSequence = job.record.roleSequence + 1
  return {
    ...job.record,
    roleSequence,
    owner: state.peerNode,
    takeReason: flag === null && job.movesBecause === null ? 'manual' : 'failover',
    takeTimeMs: state.wallMs,
    handover: null,
    errorFlag: null,
    needToVerify: equal ? 'No' : 'Yes',
    copyComplete: true,
    mirrorInSync: equal && job.record.mirrorInSync,
    syncSequence: job.record.syncSequence + 1,
    selectedSequence: job.giveUpOwn ? roleSequence : 0,
    ...allResources(job.record)
  }
}

export function handoverAnswered(
  turn: Turn,
  job: JobState,
  event: { roleSequence: number; ticket: string; asked: 'offer' | 'withdraw'; answer: HandoverAnswer }
): void {
  const { handover } = job.record
  if (!handover || handover.roleSequence !== event.roleSequence || handover.ticket !== event.ticket || !job.offer) return
  job.offer.flying = false
  job.offer.nextAtMs = turn.state.atMs + OFFER_AGAIN_MS
  const { answer } = event
  if (answer.is === 'record' && answer.record.roleSequence >= event.roleSequence) return hearNewer(turn, job, answer.record)
  if (answer.is === 'record' && event.asked === 'withdraw')
    return undone(turn, job, jobReport('E_PEER_NOT_HEARD', { ...names(turn, job), age: 'not in time for the handover' }))
  if (answer.is === 'refusal' && event.asked === 'offer') undone(turn, job, answer.error)
}

/** The peer has promised not to accept it any more: this node goes on as owner. */
function undone(turn: Turn, job: JobState, error: Failure): void {
  stepLine(turn, job.record.handover?.ticket ?? null, handoverText(turn.state, job), 'failed')
  setRecord(turn, job, { handover: null })
  // The folder was unmounted meanwhile: the peer's copy is not claimed to be equal.
  job.next = { cause: 'undo', peerCopyComplete: false }
  job.undoneAtMs = turn.state.atMs
  job.offer = null
  job.pendingFlag = null
  job.giveUpOwn = false
  job.phase = 'offline'
  job.peerSpoke = true
  switchFailed(turn, job, error)
}

/** What a node does with its data while it stands by, and what a takeover need not wait for. */
const YIELDING: PlanKind[] = ['standby', 'upgrade']

type Received = Extract<Event, { kind: 'handoverReceived' }>

/** The other side. A refusal is a promise: this very handover is never accepted later, however late a repetition comes. */
export function handoverReceived(turn: Turn, job: JobState, event: Received): void {
  const { request, roleSequence, ticket } = event
  if (job.record.roleSequence >= roleSequence) return reply(turn, request, { ok: true, result: job.record })
  const why = isVoid(job, ticket, roleSequence) ? 'the handover was taken back' : whyNot(acceptChecks(turn.state, job, roleSequence, isSelected(event.record)))
  if (why !== null) {
    voidHandover(job, ticket, roleSequence)
    return reply(turn, request, { ok: false, error: jobReport('E_HANDOVER_REFUSED', { ...names(turn, job), why }) })
  }
  acceptHandover(turn, job, event)
}

function acceptHandover(turn: Turn, job: JobState, event: Received): void {
  const { state } = turn
  const { desired, takeReason, takeTimeMs, needToVerify, safety, safetySequence, mirrorInSync, syncSequence, selectedSequence } = event.record
  const peerCopyComplete = needToVerify === 'No'
  const offered = { desired, takeReason, takeTimeMs, needToVerify, safety, safetySequence, mirrorInSync, syncSequence, selectedSequence }
  take(turn, job, { roleSequence: event.roleSequence, ...offered, ...(isSelected(event.record) ? { copyComplete: true } : {}) })
  if (event.start) job.next = { cause: 'handover', peerCopyComplete }
  addTicket(turn, job, event.ticket, 'automatic')
  if (isMove(runningTicket(state, job))) cameBack(turn, job)
  stepLine(turn, event.ticket, `Take ownership (role sequence ${event.roleSequence})`, 'done')
  reply(turn, event.request, { ok: true, result: job.record })
}

function cameBack(turn: Turn, job: JobState): void {
  const why = peerJob(turn.state, job)?.record.errorFlag ?? 'it did not start there'
  changeTicket(turn, job.ticket, () => ({ pending: jobReport('E_SWITCH_CAME_BACK', { ...names(turn, job), why }) }))
}

/** An administrator has declared the data of the receiver right, whatever is recorded about it. */
export const isSelected = ({ selectedSequence, roleSequence }: JobRecord): boolean => selectedSequence === roleSequence

/** What this node needs to take a job that is handed over to it. */
export function acceptChecks(state: State, job: JobState, roleSequence: number, selected: boolean): Check[] {
  const { record, plan } = job
  const follows = record.roleSequence === roleSequence - 1 && !owns(state, job)
  const holds = (): string => `it holds role sequence ${record.roleSequence}, not ${roleSequence - 1}`
  const blocking = plan !== null && !YIELDING.includes(plan.kind) ? plan.kind : null
  const copy = (): string => (record.copyComplete ? 'complete' : 'not complete')
  const rows: [name: string, met: boolean, value: () => string, why: () => string][] = [
    ['stays', !state.leaving, () => (state.leaving ? 'no' : 'yes'), () => 'it is shutting down'],
    ['role sequence there', follows, () => String(record.roleSequence), holds],
    ['flag there', record.errorFlag === null, () => (record.errorFlag === null ? 'none' : 'set'), () => `it keeps an error flag: ${record.errorFlag}`],
    ['its copy', copyIsWhole(state, job) || selected, copy, () => 'its copy is not complete'],
    ['verify there', record.needToVerify !== 'Manually' || selected, () => record.needToVerify, () => 'both copies may hold changes of their own'],
    ['looked there', job.observed, () => (job.observed ? 'yes' : 'no'), () => 'it has just started and does not know yet what runs there'],
    ['nothing active there', !isTouched(job), () => (isTouched(job) ? 'no' : 'yes'), () => 'it is still stopping what ran there'],
    ['not busy there', blocking === null, () => blocking ?? 'yes', () => `it is busy (${blocking})`]
  ]
  return rows.map(([name, met, value, why]) => ({ name, met, value, why, by: 'self' }))
}

const voidKey = (ticket: string, roleSequence: number): string => `${ticket}/${roleSequence}`
const isVoid = (job: JobState, ticket: string, roleSequence: number): boolean => job.voided.includes(voidKey(ticket, roleSequence))
function voidHandover(job: JobState, ticket: string, roleSequence: number): void {
  job.voided = [...job.voided, voidKey(ticket, roleSequence)].slice(-VOIDED_MAX)
}

export function withdrawReceived(turn: Turn, job: JobState, event: { request: number; roleSequence: number; ticket: string }): void {
  if (job.record.roleSequence < event.roleSequence) voidHandover(job, event.ticket, event.roleSequence)
  reply(turn, event.request, { ok: true, result: job.record })
}
