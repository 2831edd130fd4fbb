import { endTimeAlone, settleDetached } from './attach'
import { startsAlone } from './alone'
import { trustOwnCopy, trustPeerCopy } from './data'
import { releaseData } from './detach'
import { isDetached } from './detached'
import { followMode, settleSafety } from './safety'
import { settleStale } from './staleConfig'
import { settleSelected } from './selectSource'
import { settleExposure, trustMirror } from './sync'
import { watchJeopardy } from './jeopardy'
import { noteCutOff, settleCutOff } from './cutOff'
import { ownerIsLost, tryComeBack, tryFailover, tryPass, tryReclaim } from './failover'
import { settleUnleased } from './modeChange'
import { planEnded } from './outcomes'
import { askVoters } from './quorum/ask'
import { settleClaim } from './quorum/claim'
import { settleFirstVotes } from './quorum/firstVotes'
import { startChecks, stopWithoutLease } from './quorum/serve'
import { recoverData, restartApplications, settleGivenUp } from './trouble'
import { settleResources } from './resourceCommand'
import { whyNot } from './check'
import { whyNotServe } from './fit'
import { settlePaths } from './paths'
import { dropVips, nonEmpty, standDownStages, startStages, stopStages } from './order'
import { settleMonitored } from './monitor/haSwitch'
import { beginPlan } from './plan'
import { configOf, hasData, isTouched, LOOK_MS, owns, peerJob, setVip, type JobState, type Plan } from './state'
import { settleLeaving } from './leave'
import { driveOffer, goBack, goesBack } from './handover'
import { log, setNote, type Turn } from './turn'

/**
 * Facts have changed: what follows for this job? Asked after every event, so that nothing depends on the order in
 * which events came. A job with a plan under way is left alone; only a takeover goes before the quiet ones, and before a hand-over of the data program.
 */
export function settle(turn: Turn, job: JobState): void {
  settleJob(turn, job)
  settleClaim(turn, job)
  askVoters(turn, job)
  watchJeopardy(turn, job)
}

function settleJob(turn: Turn, job: JobState): void {
  if (!job.observed) return observe(turn, job)
  // Before anything else: whoever was asleep may have lost it in the meantime.
  if (stopWithoutLease(turn, job)) return
  // Applications may be waiting for it, whatever else is under way.
  settleExposure(turn, job)
  if (job.plan !== null) endEmptyPlan(turn, job, job.plan)
  if (job.plan?.kind === 'upgrade' && !owns(turn.state, job)) return void tryFailover(turn, job)
  if (job.plan !== null && job.plan.kind !== 'standby') return
  if (job.plan === null && (settleStale(turn, job) || settleUnleased(turn, job))) return
  if (owns(turn.state, job)) settleOwner(turn, job)
  else settleStandby(turn, job)
  look(turn, job)
}

/** A job may have no data, no addresses and no applications: a plan without a single task has ended as soon as it has begun. */
function endEmptyPlan(turn: Turn, job: JobState, plan: Plan): void {
  if (plan.pending.length > 0 || plan.stages.length > 0) return
  job.plan = null
  planEnded(turn, job, plan)
}

function observe(turn: Turn, job: JobState): void {
  if (job.plan !== null || !isTime(turn, job)) return
  beginPlan(turn, job, 'observe', 'automatic', [[{ do: 'observe' }]])
}

const isTime = (turn: Turn, job: JobState): boolean => turn.state.atMs >= job.retryAtMs

function settleOwner(turn: Turn, job: JobState): void {
  if (job.plan !== null) return
  if (turn.state.leaving && job.record.handover === null) return settleLeaving(turn, job)
  tryPass(turn, job)
  followMode(turn, job)
  if (job.record.handover) return settleHandover(turn, job)
  if (job.record.desired === 'offline') return settleOffline(turn, job)
  // Only says that it stays.
  if (isDetached(job)) settleMonitored(turn, job)
  if (settleDetached(turn, job) || settleCutOff(turn, job)) return
  const blocked = whyNotServe(turn.state, job)
  if (blocked) return goesBack(turn, job) ? goBack(turn, job, blocked) : stayInError(turn, job, blocked)
  if (job.phase === 'online') return settleOnline(turn, job)
  if (job.phase === 'error') return settleGivenUp(turn, job)
  startWhenAllowed(turn, job)
}

function settleHandover(turn: Turn, job: JobState): void {
  if (isTouched(job)) standDown(turn, job)
  else if (!tryReclaim(turn, job)) driveOffer(turn, job)
}

function stayInError(turn: Turn, job: JobState, why: string): void {
  job.phase = 'error'
  setNote(turn, job, why, 'error')
  if (isTouched(job)) standDown(turn, job)
}

function settleOffline(turn: Turn, job: JobState): void {
  job.phase = 'offline'
  if (!isTouched(job) || !isTime(turn, job)) return
  job.phase = 'stopping'
  beginPlan(turn, job, 'stop', 'automatic', stopStages(configOf(turn.state, job), false))
}

function settleOnline(turn: Turn, job: JobState): void {
  if (job.dataLost !== null) return recoverData(turn, job)
  trustPeerCopy(turn, job)
  trustMirror(turn, job)
  if (releaseData(turn, job) || settleSafety(turn, job) || settleSelected(turn, job)) return
  if (settleResources(turn, job) || settlePaths(turn, job) || settleMonitored(turn, job)) return
  const vipMissing = Object.values(job.vips).some((word) => word !== 'up')
  if (vipMissing || Object.keys(job.failedApplications).length > 0) restartApplications(turn, job)
}

/** After a start of the node its own record may be old: nothing runs before the peer has said which one it holds. */
function startWhenAllowed(turn: Turn, job: JobState): void {
  if (isTouched(job)) return standDown(turn, job)
  if (tryComeBack(turn, job)) return
  if (job.cutOff) return noteCutOff(turn, job)
  // Somebody answers for its address: it asks again soon, and the note says so.
  if (startsAlone(turn.state, job) || settleFirstVotes(turn, job)) return
  const blocked = whyNot(startChecks(turn, job))
  if (blocked !== null) return setNote(turn, job, blocked, 'warning')
  if (!isTime(turn, job)) return
  const next = job.next ?? { cause: 'resume' as const, peerCopyComplete: false }
  job.next = null
  job.note = null
  job.phase = 'starting'
  beginPlan(turn, job, 'start', next.cause, startStages(configOf(turn.state, job), next.peerCopyComplete))
}

function standDown(turn: Turn, job: JobState): void {
  if (!isTime(turn, job)) return
  beginPlan(turn, job, 'standDown', 'automatic', standDownStages(configOf(turn.state, job)))
}

function settleStandby(turn: Turn, job: JobState): void {
  job.phase = 'standby'
  if (isTouched(job)) return standDown(turn, job)
  endTimeAlone(turn, job)
  const silent = turn.state.peerAlive === 'lost' || ownerIsLost(turn.state, job)
  const receives = job.dataRole === 'target' && job.dataSequence === job.record.roleSequence
  if (!silent && (receives || !hasData(turn.state, job))) job.note = null
  if (turn.state.leaving || tryFailover(turn, job)) return
  if (job.plan !== null || !hasData(turn.state, job)) return
  if (job.record.needToVerify === 'Manually')
    // Why it does not take over is said already.
    return silent ? undefined : setNote(turn, job, `both copies may hold changes of their own: selectsrc ${job.name} NODE says whose data is right`, 'warning')
  if (receives) trustOwnCopy(turn, job)
  if (!receives && isTime(turn, job) && isToldBySource(turn, job)) beginPlan(turn, job, 'standby', 'automatic', [[{ do: 'target' }]])
}

/**
 * With a quorum this node may know of a new owner from a voter alone, or as one, and a ballot does not say whether both sides hold changes of their own
 * now (a forced start). Nothing of the copy is given up before the owner itself has said what it wants of it.
 */
const isToldBySource = ({ state }: Turn, job: JobState): boolean => job.quorum === null || peerJob(state, job)?.record.roleSequence === job.record.roleSequence

/** Addresses can be taken away, or left behind, by others. */
function look(turn: Turn, job: JobState): void {
  const { atMs } = turn.state
  if (job.plan !== null || atMs < job.lookAtMs || nonEmpty([dropVips(configOf(turn.state, job))]).length === 0) return
  job.lookAtMs = atMs + LOOK_MS
  turn.actions.push({ do: 'look', job: job.name, attempt: job.attempt })
}

/** An address that is here and should not be makes the job "touched"; one that should be and is not is raised again. */
export function vipsSeen(turn: Turn, job: JobState, held: string[]): void {
  for (const name of Object.keys(job.vips)) {
    const here = held.includes(name)
    if (here === (job.vips[name] === 'up')) continue
    log(turn, 'warning', here ? `VIP ${name} is on ${turn.state.node}, which does not serve ${job.name}` : `VIP ${name} has gone from ${turn.state.node}`, job)
    setVip(job, name, here ? 'up' : 'down')
  }
}
