import { jobReport } from '../report/job'
import type { Ballot } from '../wire'
import { arbitrationChecks, isArbitrated, needsFence } from './arbitration'
import { serveAlone, startsAlone } from './alone'
import { type Check, allMet, whyNot } from './check'
import { comesBack, serveAgain } from './cutOff'
import { wantedChecks, whyNotServe, whyNotTakeBack, whyNotTakeOver } from './fit'
import { lossText } from './loss'
import { names, take, takeBack } from './ownership'
import { beginClaim, isPassedOver, ownerIsSilent, wantsBackByQuorum } from './quorum/claim'
import { rulesOf } from './quorum/rules'
import { beginPlan } from './plan'
import { configOf, owns, peerJob, PROBE_AGAIN_MS, type JobState, type Plan, type State } from './state'
import { endTicket, openTicket, runningTicket, stepLine } from './tickets'
import { log, setNote, type Turn } from './turn'

/** The owner's node is lost and its service should run: this node takes over if it may. True when it is on its way. */
export function tryFailover(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (job.quorum !== null) return tryClaim(turn, job)
  if (!isWanted(state, job)) return noteArbitration(turn, job)
  const blocked = whyNotTakeOver(state, job)
  if (blocked === null) return probe(turn, job)
  setNote(turn, job, `${state.peerNode} is lost and ${state.node} cannot take over: ${blocked}`, 'error')
  return false
}

/** Everything else says that this node takes over. */
function noteArbitration(turn: Turn, job: JobState): false {
  const { state } = turn
  const gone = allMet(wantedChecks(state, job)) && ownerIsGone(state, job)
  const why = gone ? whyNot(arbitrationChecks(state)) : null
  if (why !== null) setNote(turn, job, `${state.peerNode} is lost: ${why}`, 'warning')
  return false
}

/** An owner that stopped because it was cut off, and is not any more; one that has waited for the other one's word for as long as it should. */
export const tryComeBack = (turn: Turn, job: JobState): boolean => (comesBack(turn.state, job) || startsAlone(turn.state, job)) && probe(turn, job)

/**
 * This node has offered the job, and the peer died before it said whether it took it. The peer may hold role sequence n+1, so
 * this node takes n+2: whichever record the peer comes back with is older, and it stands by. If the peer lives and serves (every
 * link is cut), both serve, as in any takeover of the guide's mode, and the rule for that applies when they meet. An offer that
 * is still under way is waited for, and the VIP is asked for first. What was offered late finds a higher role sequence.
 */
export function tryReclaim(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (!mayTakeBack(state, job)) return false
  const why = whyNotTakeBack(state, job)
  if (why === null) return job.quorum === null ? probe(turn, job) : claimOnce(turn, job)
  const { node, peerNode } = state
  setNote(turn, job, `${peerNode} was lost before it said whether it took ${job.name}, and ${node} does not take it back: ${why}`, 'error')
  return false
}

const mayTakeBack = (state: State, job: JobState): boolean =>
  job.quorum === null ? wantsBack(state, job) && isArbitrated(state) : wantsBackByQuorum(state, job)

/** Without anybody's word, as soon as nobody answers for its addresses or a second voter has recorded it. */
export const takesBack = (state: State, job: JobState): boolean => mayTakeBack(state, job) && whyNotTakeBack(state, job) === null

/** Modes with quorum: not what this node hears decides, but a second vote. */
function tryClaim(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (rulesOf(state, job)?.automatic === false) return tellNobodyServes(turn, job)
  if (!ownerIsSilent(state, job)) return false
  const blocked = whyNotTakeOver(state, job)
  if (blocked === null) return claimOnce(turn, job)
  setNote(turn, job, `${state.peerNode} does not serve ${job.name} and ${state.node} cannot take over: ${blocked}`, 'error')
  return false
}

/** Only an administrator takes over here. */
function tellNobodyServes(turn: Turn, job: JobState): boolean {
  const { node, peerNode, peerAlive } = turn.state
  const { owner, desired } = job.record
  if (peerAlive === 'lost' && owner === peerNode && desired === 'online')
    setNote(turn, job, `${peerNode} is lost and ${node} does not take over: the mode ${configOf(turn.state, job).mode} knows no automatic failover`, 'error')
  return false
}

/** It goes on standing by until somebody has seconded it. */
function claimOnce(turn: Turn, job: JobState): boolean {
  beginClaim(turn, job)
  return false
}

/** An owner whose role sequence a voter has passed over. */
export function tryPass(turn: Turn, job: JobState): void {
  if (job.quorum !== null && isPassedOver(turn.state, job) && whyNotServe(turn.state, job) === null) beginClaim(turn, job)
}

/** A second voter has it on its disk. */
export function takeSeconded(turn: Turn, job: JobState, { roleSequence, syncSequence }: Ballot): void {
  if (!owns(turn.state, job)) return takeOver(turn, job, roleSequence, syncSequence)
  if (job.record.handover !== null) return reclaim(turn, job, roleSequence, syncSequence)
  takeAlone(turn, job, roleSequence, syncSequence)
}

function probe(turn: Turn, job: JobState): boolean {
  if (turn.state.atMs < job.retryAtMs && job.answeredBy !== null) return false
  const { vips } = configOf(turn.state, job)
  job.answeredBy = null
  if (vips.length === 0) nobodyAnswered(turn, job)
  else beginPlan(turn, job, 'probe', 'failover', [vips.map((vip) => ({ do: 'probe', vip }))])
  return true
}

/** All that the nodes wait for before one takes over has happened. */
export const ownerIsLost = (state: State, job: JobState): boolean => (job.quorum === null ? isWanted(state, job) : ownerIsSilent(state, job))

const isWanted = (state: State, job: JobState): boolean => allMet(wantedChecks(state, job)) && allMet(lostChecks(state, job))

const wantsBack = (state: State, job: JobState): boolean =>
  state.peerAlive === 'lost' && owns(state, job) && job.record.handover !== null && job.record.desired === 'online' && job.offer?.flying !== true

/** What has to become of the owner's node before this one takes over, where no voters are asked. */
export const lostChecks = (state: State, job: JobState): Check[] => [
  {
    name: 'owner gone',
    met: ownerIsGone(state, job),
    value: () => heardWords(state),
    why: () => (state.peerAlive === 'unknown' ? `${state.node} has not heard ${state.peerNode} since it started` : `${state.node} hears ${state.peerNode}`),
    by: 'self'
  },
  ...arbitrationChecks(state)
]

const heardWords = ({ peerAlive, heartbeat }: State): string => {
  const links = heartbeat?.links ?? []
  return `${peerAlive}, ${links.filter(({ up }) => up).length} of ${links.length} links`
}

/** Not heard on any link; or it said that it shuts down, and after that, that it has stopped the job. */
function ownerIsGone(state: State, job: JobState): boolean {
  if (state.peerAlive === 'lost') return true
  const theirs = peerJob(state, job)
  const saidSince = state.leavingSinceMs !== null && state.peer !== null && state.peer.atMs > state.leavingSinceMs
  if (state.peerAlive !== 'up' || !saidSince || theirs === null) return false
  const stopped = theirs.vips.every(({ up }) => !up) && theirs.applications.every((application) => application.state === 'offline')
  return stopped && theirs.data?.role !== 'source' && (theirs.phase === 'offline' || theirs.phase === 'error')
}

/** If somebody still answers for an address the other node lives, and only the heartbeats are lost. */
export function probed(turn: Turn, job: JobState, plan: Plan): void {
  const { state } = turn
  if (!isStillWanted(state, job)) return
  const failure = plan.failures[0]
  if (failure) job.answeredBy = 'unknown'
  if (job.answeredBy === null) return nobodyAnswered(turn, job)
  job.retryAtMs = state.atMs + PROBE_AGAIN_MS
  const why = failure ? `the VIP could not be probed: ${failure.error.message}` : `the VIP is still answered by ${job.answeredBy}`
  setNote(turn, job, `no heartbeat from ${state.peerNode}, but ${why}; ${owns(state, job) ? `${state.node} waits` : `${state.node} stays standby`}`, 'warning')
}

/** Much may have happened since the question: a copy that was whole may be overwritten by now. `settle` asks anew. */
function isStillWanted(state: State, job: JobState): boolean {
  if (wantsBack(state, job)) return isArbitrated(state) && whyNotTakeBack(state, job) === null
  if (comesBack(state, job) || startsAlone(state, job)) return whyNotServe(state, job) === null
  return isWanted(state, job) && whyNotTakeOver(state, job) === null
}

/** Not before it is known that the other one is off; one that was fenced in vain is asked for anew. */
export function fenced(turn: Turn, job: JobState, plan: Plan): void {
  const { state } = turn
  const failure = plan.failures[0]
  if (failure) {
    job.answeredBy = 'unknown'
    job.retryAtMs = state.atMs + PROBE_AGAIN_MS
    return setNote(turn, job, `${state.peerNode} is lost and could not be fenced: ${failure.error.message}`, 'error')
  }
  state.fenced = state.peerAlive !== 'up'
  log(turn, 'warning', `${state.peerNode} has been fenced: it is off`, job)
  if (isStillWanted(state, job)) nobodyAnswered(turn, job)
}

function nobodyAnswered(turn: Turn, job: JobState): void {
  const { state } = turn
  if (needsFence(state)) return beginPlan(turn, job, 'fence', 'failover', [[{ do: 'fence', node: state.peerNode }]])
  if (comesBack(state, job)) return serveAgain(job)
  if (startsAlone(state, job)) return serveAlone(turn, job)
  if (wantsBack(turn.state, job)) reclaim(turn, job)
  else takeOver(turn, job)
}

function takeOver(turn: Turn, job: JobState, roleSequence = job.record.roleSequence + 1, syncSequence?: number): void {
  const { state } = turn
  const waiting = runningTicket(state, job)
  if (waiting) endTicket(turn, waiting.id, jobReport('E_SWITCH_FAILED_THERE', { ...names(turn, job), why: `${state.peerNode} was lost` }))
  const loss = lossText(state, job)
  takeAlone(turn, job, roleSequence, syncSequence)
  const ticket = openTicket(turn, job, 'automatic')
  stepLine(turn, ticket, `Take ownership (role sequence ${roleSequence})`, 'done')
  if (loss !== '') stepLine(turn, ticket, `Data: ${loss}`, 'done')
  const [level, why] = state.heartbeat?.peerLeaving ? (['warning', 'has shut down'] as const) : (['error', 'is lost'] as const)
  log(turn, level, `${state.peerNode} ${why}: ${state.node} takes over ${job.name} (role sequence ${roleSequence})${loss === '' ? '' : `; ${loss}`}`, job)
}

function reclaim(turn: Turn, job: JobState, roleSequence = (job.record.handover?.roleSequence ?? job.record.roleSequence) + 1, syncSequence?: number): void {
  takeBack(turn, job, roleSequence, () => takeAlone(turn, job, roleSequence, syncSequence))
}

function takeAlone(turn: Turn, job: JobState, roleSequence: number, syncSequence = job.record.syncSequence + 1): void {
  take(turn, job, { roleSequence, takeReason: 'failover', takeTimeMs: turn.state.wallMs, mirrorInSync: false, syncSequence })
  // Seconded, it was not taken alone: nobody else can have served it.
  if (job.quorum === null) job.tookAloneSequence = roleSequence
  job.next = { cause: 'failover', peerCopyComplete: false }
}
