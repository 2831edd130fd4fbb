import type { MirrordStatus } from '../wire'
import { isDetached, isRecordedThere } from './detached'
import type { HandoverAnswer, Outcome } from './event'
import { configOf, EXPOSE_AGAIN_MS, hasData, owns, peerJob, type JobState, type State } from './state'
import { servesOn } from './restartLimit'
import { isOfBefore } from './takeUp'
import { servesByForce } from './quorum/force'
import { log, reply, setRecord, type Turn } from './turn'

/**
 * Safety FULL: while the mirror does not answer, applications wait. Before the first write is acknowledged without it, both nodes have on
 * disk that the mirror is not in sync (design §3, rule 3). The peer first, then the own record, then `expose`. One that is dead by its
 * heartbeats cannot be asked: in the guide's mode the own record alone must do, and the log says what that means. One whose node lives and
 * whose engine does not answer is asked again and again: it may be about to take over.
 */
export function settleExposure(turn: Turn, job: JobState): void {
  const { state } = turn
  const { flying, nextAtMs } = job.exposure
  if (!wantsExposure(state, job) || flying === 'expose' || state.atMs < nextAtMs) return
  if (job.quorum !== null) return exposeByQuorum(turn, job)
  const { roleSequence, mirrorInSync, syncSequence } = job.record
  const dead = peerIsDead(state)
  if (!mirrorInSync && (dead || peerHasRecorded(state, job))) return expose(turn, job)
  if (flying === 'ask') return
  if (dead) return recordAlone(turn, job)
  job.exposure = { ...job.exposure, flying: 'ask' }
  turn.actions.push({ do: 'sendOutOfSync', job: job.name, roleSequence, syncSequence: mirrorInSync ? syncSequence + 1 : syncSequence })
}

/** Modes with quorum: never on this node's word alone. The voters are asked to record it (quorum/ask.ts); one of them has. */
function exposeByQuorum(turn: Turn, job: JobState): void {
  const may = servesByForce(turn.state, job) || outOfSyncIsSeconded(turn.state, job)
  if (!job.record.mirrorInSync && may) expose(turn, job)
}

export function outOfSyncIsSeconded(state: State, job: JobState): boolean {
  const { roleSequence, syncSequence } = job.record
  const held = Object.values(job.quorum?.asked ?? {}).map((asked) => asked.held)
  return held.some((each) => each?.roleSequence === roleSequence && !each.mirrorInSync && each.syncSequence >= syncSequence) || peerHasRecorded(state, job)
}

/** A source that begins without the claim that the mirror has all of it: the mirror is out of sync from the first moment on. */
export function startsWithoutMirror(state: State, job: JobState): boolean {
  const { record, phase, plan, next } = job
  if (!owns(state, job) || !hasData(state, job) || record.desired !== 'online' || record.handover !== null) return false
  return phase !== 'online' && phase !== 'error' && plan === null && next?.peerCopyComplete !== true
}

/** Detached while the other node is lost: no voter must let its copy take over. */
export const wantsOutOfSync = ({ peerAlive }: State, { detaching }: JobState): boolean => detaching !== null && peerAlive === 'lost'

/** By its answer, or by what it says of itself. One that was away while this node recorded it alone has not. */
function peerHasRecorded(state: State, job: JobState): boolean {
  const { roleSequence, syncSequence } = job.record
  const theirs = peerJob(state, job)?.record
  const said = theirs?.roleSequence === roleSequence && !theirs.mirrorInSync && theirs.syncSequence >= syncSequence
  return said || job.exposure.recordedThere === syncSequence
}

/**
 * Table 5 of the mirroring paper: with no witness to ask, a mirror whose redo met an error is no second one any more. The service is not ended, because
 * only a source that runs can set the mirror right: what has to be durable waits until it is. A session that somebody paused is another matter.
 */
export function waitsForRedo(state: State, job: JobState): boolean {
  const { data, record } = job
  const suspended = data?.session.state === 'SUSPENDED' && data.replication !== 'Pause'
  return configOf(state, job).mode === 'high-protection' && record.mirrorInSync && suspended
}

export function wantsExposure(state: State, job: JobState): boolean {
  const { data, record } = job
  const isSource = data?.role === 'source' && data.roleSequence === record.roleSequence
  const wanted = data?.session.exposure === 'wanted' || mirrorHasLeft(state, job)
  return isSource && owns(state, job) && record.handover === null && wanted && !waitsForRedo(state, job)
}

/** Its machine has said that it shuts down, and it takes nothing any more: applications need not wait for it as for one that may be back in a moment. */
const mirrorHasLeft = ({ leavingSinceMs }: State, { data }: JobState): boolean =>
  leavingSinceMs !== null && data?.session.exposure === 'protected' && !data.connected

/** An engine that has just started gives the heartbeats their time. */
export function peerIsDead(state: State): boolean {
  if (state.peerAlive !== 'unknown') return state.peerAlive === 'lost'
  const patienceMs = Math.max(0, ...state.config.links.map(({ intervalMs, maxMiss }) => intervalMs * maxMiss))
  return state.bootedAtMs !== null && state.atMs - state.bootedAtMs > 2 * patienceMs
}

function recordAlone(turn: Turn, job: JobState): void {
  const { node, peerNode } = turn.state
  setRecord(turn, job, { mirrorInSync: false, syncSequence: job.record.syncSequence + 1 })
  const risk = `if ${peerNode} lives it may take over without them, and the two copies diverge`
  log(
    turn,
    'warning',
    `${peerNode} is lost: ${node} alone has recorded that the mirror of ${job.name} is not in sync. Writes are acknowledged without it; ${risk}`,
    job
  )
  expose(turn, job)
}

function expose(turn: Turn, job: JobState): void {
  job.exposure = { ...job.exposure, flying: 'expose' }
  turn.actions.push({ do: 'expose', job: job.name, roleSequence: job.record.roleSequence })
}

/** The peer's record is on its disk when it answers. A wish that has passed meanwhile changes nothing about that. */
export function outOfSyncAnswered(turn: Turn, job: JobState, event: { roleSequence: number; syncSequence: number; answer: HandoverAnswer }): void {
  const { record } = job
  if (event.roleSequence !== record.roleSequence || job.exposure.flying !== 'ask') return
  job.exposure = { ...job.exposure, flying: null, nextAtMs: turn.state.atMs + EXPOSE_AGAIN_MS }
  if (event.answer.is !== 'record') return
  const theirs = event.answer.record
  if (theirs.roleSequence !== record.roleSequence || theirs.mirrorInSync || theirs.syncSequence < record.syncSequence) return
  job.exposure = { flying: null, nextAtMs: turn.state.atMs, recordedThere: theirs.syncSequence }
  if (theirs.syncSequence === record.syncSequence) return
  setRecord(turn, job, { mirrorInSync: false, syncSequence: theirs.syncSequence })
  log(turn, 'warning', `Both nodes have recorded that the mirror of ${job.name} on ${turn.state.peerNode} is not in sync`, job)
}

export function exposeEnded(turn: Turn, job: JobState, event: { roleSequence: number; outcome: Outcome }): void {
  if (job.exposure.flying !== 'expose') return
  job.exposure = { ...job.exposure, flying: null, nextAtMs: turn.state.atMs + EXPOSE_AGAIN_MS }
  if (event.roleSequence !== job.record.roleSequence) return
  if (event.outcome.ok)
    log(turn, 'warning', `${job.name} is exposed: its writes are acknowledged without the mirror, a crash of ${turn.state.node} would lose them`, job)
  else log(turn, 'error', `${job.name} could not go on without its mirror: ${event.outcome.error.message}`, job)
}

/** The other side: on disk first, then the answer. What is older than the own record is answered with that. */
export function outOfSyncReceived(turn: Turn, job: JobState, event: { request: number; roleSequence: number; syncSequence: number }): void {
  const { record } = job
  const isMirror = record.roleSequence === event.roleSequence && !owns(turn.state, job)
  if (isMirror && event.syncSequence > record.syncSequence) {
    setRecord(turn, job, { mirrorInSync: false, syncSequence: event.syncSequence })
    log(turn, 'warning', `${turn.state.peerNode} serves ${job.name} without this copy: it is not in sync and does not take over by itself`, job)
  }
  reply(turn, event.request, { ok: true, result: job.record })
}

/**
 * The mirror has all of it again, and the data program acknowledges nothing without it from then on: it closes its gate before it says so. The
 * own record comes first: an owner that believes "not in sync" would expose the next time without asking.
 */
export function trustMirror(turn: Turn, job: JobState): void {
  const { record, data } = job
  // One that is still on its way would open a gate that has just been closed.
  if (data === null || record.mirrorInSync || record.needToVerify === 'Manually' || job.exposure.flying === 'expose') return
  if (!owns(turn.state, job) || !servesOn(job) || isOfBefore(job) || !isInSync(job, data)) return
  // A mirror in sync may take over: it has to know first that it must not.
  if (isDetached(job) && !isRecordedThere(turn.state, job)) return
  setRecord(turn, job, { mirrorInSync: true, syncSequence: record.syncSequence + 1 })
  log(turn, 'info', `The mirror of ${job.name} on ${turn.state.peerNode} is in sync`, job)
}

function isInSync({ record, dataRole }: JobState, { role, roleSequence, connected, session, mirror, verify, needToVerify }: MirrordStatus): boolean {
  if (dataRole !== 'source' || role !== 'source' || roleSequence !== record.roleSequence || !connected || session.safety !== record.safety) return false
  if (session.safety === 'full') return session.state === 'SYNCHRONIZED' && session.exposure === 'protected'
  const compares = verify.state === 'Verifying' && verify.mode === 'difference'
  return needToVerify === 'No' && mirror.state === 'Idle' && !compares
}
