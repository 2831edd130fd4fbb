import { jobReport } from '../report/job'
import { serveAgain } from './cutOff'
import { type Decision, refused } from './decision'
import { isDetached } from './detached'
import { digest } from './digest'
import type { Failure } from './event'
import { ownerIsLost, takesBack } from './failover'
import { whyNotTakeOver } from './fit'
import { lossOf } from './loss'
import { modeIsUnsure } from './modeChange'
import { startStages } from './order'
import { names, take } from './ownership'
import { beginPlan, describe } from './plan'
import { ownVoteIsFree } from './quorum/claim'
import { letsPeerServe, renewByForce } from './quorum/force'
import { forgetRestarts } from './restartLimit'
import { configOf, copyIsWhole, hasData, owns, peerJob, type JobState, type Plan, type State, type Task } from './state'
import { peerIsDead } from './sync'
import { endTicket, runningTicket, stepLine } from './tickets'
import { log, type Seeing, type Turn } from './turn'
import { peerJobAge } from './views'
import type { Danger } from '../wire'

/**
 * A node that is cut off may have changed owners a few times on its own account (a takeover, one that was taken back, a claim). A forced role sequence
 * lies beyond all of those, and those of the two nodes never meet: each has its own remainder. So nobody can ever own a job twice in one role sequence.
 */
const FORCE_STEP = 10

export function forcedSequence(state: State, job: JobState): number {
  const { record } = job
  const theirs = peerJob(state, job)?.record
  const held = Object.values(job.quorum?.asked ?? {}).map((asked) => asked.held?.roleSequence ?? 0)
  const own = [record.roleSequence, record.handover?.roleSequence ?? 0, record.claim?.roleSequence ?? 0]
  const least = FORCE_STEP + Math.max(...own, theirs?.roleSequence ?? 0, theirs?.claim?.roleSequence ?? 0, ...held)
  const nodes = Object.keys(state.config.nodes)
  const remainder = nodes.indexOf(state.node)
  return least + ((remainder - (least % nodes.length) + nodes.length) % nodes.length)
}

/** Force start: this node serves although the other one cannot be asked. Decided here, whoever owns the job. `startable`: bringin would start it. */
export function decideForcetake(turn: Turn, job: JobState, startable: boolean): Decision {
  const { state } = turn
  if (owns(state, job) && job.phase === 'online' && job.record.desired === 'online') return { is: 'nothing', why: `${job.name} is online on ${state.node}` }
  const why = whyNotForce(turn, job) ?? whyNotNeeded(turn, job, startable)
  if (why !== null) return refused(why)
  const config = configOf(state, job)
  const probes = config.vips.map((vip): Task => ({ do: 'probe', vip }))
  const texts = [...probes, ...startStages(config, false).flat()].map(describe)
  return {
    is: 'steps',
    texts: [...texts.slice(0, probes.length), takeText(forcedSequence(state, job)), ...texts.slice(probes.length)],
    danger: dangerOf(state, job),
    begin: () => {
      endTicket(turn, openMove(turn, job), jobReport('E_PEER_LOST_IN_HANDOVER', names(turn, job)))
      job.answeredBy = null
      beginPlan(turn, job, 'force', 'command', probes.length > 0 ? [probes] : [])
    }
  }
}

const takeText = (roleSequence: number): string => `Take ownership by force (role sequence ${roleSequence})`

/** A switch that the other node never answered. The command's own ticket is the newest one already. */
const openMove = ({ state }: Turn, job: JobState): string | null =>
  Object.values(state.tickets).find((ticket) => ticket.job === job.name && ticket.state === 'running' && ticket.id !== job.ticket)?.id ?? null

/** Asked again when nobody has answered for the addresses. */
function whyNotForce(turn: Seeing, job: JobState): Failure | null {
  const { state } = turn
  const at = names(turn, job)
  const doing = !job.observed ? 'looking for what runs' : job.offer?.flying ? 'handing over' : busyWith(job)
  if (doing !== null) return jobReport('E_JOB_BUSY', { ...at, ticket: runningTicket(state, job)?.id ?? 'no ticket', doing })
  if (!peerIsDead(state)) return jobReport('E_FORCE_PEER_HEARD', { ...at, age: peerJobAge(state) })
  if (job.record.errorFlag !== null) return jobReport('E_JOB_ERROR_FLAG', { ...at, why: job.record.errorFlag })
  if (job.quorum === null) return null
  const voter = ownVoteIsFree(state, job) ? letsPeerServe(state, job) : state.node
  return voter === null ? null : jobReport('E_FORCE_SERVED', { ...at, voter })
}

const busyWith = ({ plan }: JobState): string | null => (plan === null || ['standby', 'probe', 'force'].includes(plan.kind) ? null : plan.kind)

function whyNotNeeded(turn: Turn, job: JobState, startable: boolean): Failure | null {
  const { state } = turn
  const at = names(turn, job)
  if (owns(state, job) && job.record.handover !== null)
    return takesBack(state, job) ? jobReport('E_FORCE_NOT_NEEDED', { ...at, how: `${state.node} takes it back by itself` }) : null
  if (owns(state, job)) return startable ? jobReport('E_FORCE_NOT_NEEDED', { ...at, how: `bringin ${job.name} starts it` }) : null
  const byItself = ownerIsLost(state, job) && whyNotTakeOver(state, job) === null
  if (isDetached(job) && ownerIsLost(state, job) && whyNotTakeOver(state, job, true) === null)
    return jobReport('E_FORCE_NOT_NEEDED', { ...at, how: `bringin ${job.name} watches it again, and then ${state.node} takes over by itself` })
  return byItself ? jobReport('E_FORCE_NOT_NEEDED', { ...at, how: `${state.node} takes over by itself, as soon as nobody answers for its addresses` }) : null
}

/** What is said before the confirmation, and the state for which it is true. */
function dangerOf(state: State, job: JobState): Danger {
  const { node, peerNode } = state
  const { record } = job
  const loss = lossOf(state, job, true)
  const warning = [
    `${peerNode} is not heard (its agent: ${peerJobAge(state)}). If it lives and serves ${job.name}, both nodes serve it and their data goes apart.`,
    ...(modeIsUnsure(state, job)
      ? [`The mode of ${job.name} is being changed, and it is not known by which one ${peerNode} goes: no voter knows whether it serves.`]
      : []),
    ...(loss === null ? [] : [`${loss.none ? `The data on ${node}` : `${node} may lack data`}: ${loss.bound}.`]),
    ...(copyIsWhole(state, job) ? [] : [`The copy on ${node} is NOT COMPLETE: files may be missing, or be half of what they should be.`]),
    ...(hasData(state, job) ? [`Nothing is copied afterwards (need to verify: Manually) until selectsrc ${job.name} NODE says whose data is right.`] : [])
  ]
  const { roleSequence, owner, desired, needToVerify, copyComplete, mirrorInSync, errorFlag } = record
  const facts = [job.name, roleSequence, owner, desired, needToVerify, copyComplete, mirrorInSync, errorFlag, job.phase, state.peerAlive]
  return { warning, state: digest([...facts, state.peer?.atMs ?? null, state.peer?.view.incarnation ?? null]), ...(loss === null ? {} : { loss }) }
}

/** Nobody answers for the addresses, as far as can be asked; then it is taken, on disk before anything starts. */
export function forceProbed(turn: Turn, job: JobState, plan: Plan): void {
  const { state } = turn
  const at = names(turn, job)
  const failure = plan.failures[0]
  const answered = failure ? failure.error.message : job.answeredBy
  const why = whyNotForce(turn, job) ?? (answered === null ? null : jobReport('E_FORCE_ANSWERED', { ...at, by: answered }))
  if (why !== null) return endTicket(turn, plan.ticket, why)
  const roleSequence = forcedSequence(state, job)
  const loss = lossOf(state, job, true)
  forceOwnership(turn, job, roleSequence)
  stepLine(turn, plan.ticket, takeText(roleSequence), 'done')
  const bound = loss === null ? '' : `; ${loss.bound}`
  log(turn, 'error', `Forced start: ${state.node} serves ${job.name} (role sequence ${roleSequence}) without ${state.peerNode}${bound}`, job)
}

function forceOwnership(turn: Turn, job: JobState, roleSequence: number): void {
  const { state } = turn
  const data = hasData(state, job)
  take(turn, job, {
    roleSequence,
    desired: 'online',
    takeReason: 'forced',
    takeTimeMs: state.wallMs,
    // Declared, whatever was known of it: an administrator wants this copy to be served.
    copyComplete: true,
    needToVerify: data ? 'Manually' : 'No',
    mirrorInSync: false,
    syncSequence: job.record.syncSequence + 1,
    selectedSequence: 0,
    forced: job.quorum === null ? null : { roleSequence }
  })
  serveAgain(job)
  job.forcing = true
  job.rivalSinceMs = null
  job.tookAloneSequence = roleSequence
  forgetRestarts(turn, job)
  job.next = { cause: 'bringin', peerCopyComplete: false }
  renewByForce(turn, job)
}
