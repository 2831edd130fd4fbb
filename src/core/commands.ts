import { durationText } from '../model/config/units'
import { jobReport } from '../report/job'
import { addressesOf, isCutOff } from './arbitration'
import { decideAttach, decideAttachThere, standbyAttaches } from './attach'
import { decideBringout } from './bringout'
import { clearError, clearErrorText, flagNode, whyNotClear } from './clearError'
import { decideData } from './dataCommands'
import { configDiffers, type Decision, refused, whyPlanned } from './decision'
import { decideDetach } from './detach'
import { isDetached, watched } from './detached'
import { peerJobAge } from './views'
import type { Danger } from '../wire'
import type { CommandGiven, Failure } from './event'
import { decideResource } from './resourceCommand'
import { allResources } from './resources'
import { forgetRestarts } from './restartLimit'
import { decideSafety } from './safety'
import { decideSelect } from './selectSource'
import { decideForcetake } from './forcetake'
import { whyUnlicensed } from './licence'
import { decideSwitch, decideTakeover } from './move'
import { recoverStages, startStages } from './order'
import { names, nodeOfPair } from './ownership'
import { awaitFirstVotes, firstVotesText, votesMayCome } from './quorum/firstVotes'
import { hasLease } from './quorum/rules'
import { whyNoQuorum } from './quorum/serve'
import { beginPlan, describe, joinPlan, overtakePlan } from './plan'
import { configOf, copyIsWhole, isTouched, owns, type JobState, type Task } from './state'
import { isHeld } from './modeChange'
import { idleCondition, whyRefused } from './switchable'
import { decideUpgrade } from './upgrade'
import { endTicket, openTicket, stepLine } from './tickets'
import { log, refuse, reply, setRecord, type Turn } from './turn'
import { waitsForConfig } from './waiting'

/** `mayWait` false: it has waited. */
export function commandGiven(turn: Turn, event: CommandGiven, mayWait = true): void {
  const job = turn.state.jobs[event.job]
  if (!job) return refuse(turn, event.request, unknownJob(turn, event.job))
  if (turn.state.leaving) return refuse(turn, event.request, jobReport('E_ENGINE_ENDS', { node: turn.state.node }))
  const place = placeOf(turn, job, event)
  if (typeof place !== 'string') return refuse(turn, event.request, place)
  if (place !== turn.state.node) return forward(turn, event, place)
  const decision = decide(turn, job, event)
  if (mayWait && decision.is === 'refused' && decision.error.code === 'E_JOB_BUSY' && waitsForConfig(turn, job, event)) return
  if (decision.is === 'refused') return refuse(turn, event.request, decision.error)
  if (event.dryRun) return dryRun(turn, event, decision)
  const danger = decision.is === 'steps' ? decision.danger : undefined
  const unconfirmed = danger && whyUnconfirmed(turn, job, event, danger)
  if (unconfirmed) return refuse(turn, event.request, unconfirmed)
  carryOut(turn, job, event, decision)
}

function dryRun(turn: Turn, { request }: CommandGiven, decision: Exclude<Decision, { is: 'refused' }>): void {
  const said =
    decision.is === 'steps' ? { steps: decision.texts, ...(decision.danger ? { danger: decision.danger } : {}) } : { steps: [], nothing: decision.why }
  reply(turn, request, { ok: true, result: { dryRun: true, ...said } })
}

/** What may be lost was read for a state, and is confirmed for that state alone. */
function whyUnconfirmed(turn: Turn, job: JobState, { command, options }: CommandGiven, { state }: Danger): Failure | null {
  const at = { ...names(turn, job), command: `${command} ${job.name}${options.node ? ` ${options.node}` : ''}` }
  if (options.confirm === undefined) return jobReport('E_UNCONFIRMED', at)
  return options.confirm === state ? null : jobReport('E_CONFIRM_STALE', at)
}

function carryOut(turn: Turn, job: JobState, event: CommandGiven, decision: Exclude<Decision, { is: 'refused' }>): void {
  const ticket = openTicket(turn, job, event.command)
  job.typed = { ticket, command: event.command, account: event.account, reason: event.reason }
  const reason = event.reason === null ? '' : `, reason: ${event.reason}`
  log(turn, 'info', `${commandText(event, job)}, typed by ${event.account}${reason}`, job)
  if (decision.is === 'steps') decision.begin()
  else {
    stepLine(turn, ticket, `Nothing to do: ${decision.why}`, 'done')
    endTicket(turn, ticket)
  }
  reply(turn, event.request, { ok: true, result: { dryRun: false, ticket } })
}

/** As it stands in the log. */
function commandText({ command, options }: CommandGiven, job: JobState): string {
  const { action, mode, bytesPerSecond, safety, node, stopData, forMs, application } = options
  const limit = bytesPerSecond === null ? 'off' : bytesPerSecond
  const held = [stopData ? '--stop-data' : undefined, forMs === undefined ? undefined : `--for ${durationText(forMs)}`]
  const more = [...held, mode, limit, safety, command === 'selectsrc' || command === 'upgrade' ? node : undefined].filter((word) => word !== undefined)
  if (command === 'resource') return [command, job.name, application, action].join(' ')
  return [command, ...(action ? [action] : []), job.name, ...more].join(' ')
}

function unknownJob(turn: Turn, job: string): Failure {
  const known = Object.keys(turn.state.jobs).join(', ') || 'none'
  return jobReport('E_JOB_UNKNOWN', { job, node: turn.state.node, known })
}

/** The owner decides; an error flag is cleared where it is kept, a program is replaced where it runs. */
function placeOf(turn: Turn, job: JobState, event: CommandGiven): string | Failure {
  if (event.command === 'clearerr') return flagNode(turn, job, event.options.node ?? null)
  if (event.command === 'forcetake') return turn.state.node
  if (event.command === 'upgrade') return nodeOfPair(turn, event.options.node ?? turn.state.node)
  if (event.command === 'bringin' && standbyAttaches(turn.state, job)) return turn.state.node
  return owns(turn.state, job) ? turn.state.node : turn.state.peerNode
}

function forward(turn: Turn, event: CommandGiven, place: string): void {
  const { request, job, command, dryRun, account, reason } = event
  const options = command === 'clearerr' ? { node: place } : event.options
  turn.actions.push({ do: 'forward', request, job, command, options, dryRun, account, reason })
}

function decide(turn: Turn, job: JobState, event: CommandGiven): Decision {
  if (event.command === 'clearerr') return decideClearerr(turn, job)
  if (event.command === 'upgrade') return decideUpgrade(turn, job)
  if (event.command === 'forcetake') return decideForcetake(turn, job, whyNotBringin(turn, job) === null)
  const busy = whyRefused([idleCondition(turn, job)])
  if (busy) return refused(busy)
  switch (event.command) {
    case 'bringin':
      return decideBringin(turn, job)
    case 'bringout':
      return decideBringout(turn, job)
    case 'switch':
      return decideSwitch(turn, job)
    case 'takeover':
      return decideTakeover(turn, job)
    case 'detach':
      return decideDetach(turn, job, event)
    case 'resource':
      return decideResource(turn, job, event)
    case 'safety':
      return decideSafety(turn, job, event.options.safety ?? job.record.safety)
    case 'selectsrc':
      return decideSelect(turn, job, event.options.node ?? turn.state.node)
    default:
      return decideData(turn, job, event.command, event.options)
  }
}

const steps = (stages: Task[][], more: string[] = []): string[] => [...stages.flat().map(describe), ...more]

function decideBringin(turn: Turn, job: JobState): Decision {
  const { record } = job
  if (standbyAttaches(turn.state, job)) return decideAttachThere(turn, job)
  if (isDetached(job) && job.phase === 'online') return whyPlannedOr(turn, job, decideAttach(turn, job))
  if (record.desired === 'online' && job.phase === 'online') return { is: 'nothing', why: `${job.name} is online already` }
  // A job that should be online, and is not, is put right; one that was taken out of service is brought in.
  const unlicensed = record.desired === 'offline' ? whyUnlicensed(turn, `bringin ${job.name}`) : null
  const why = unlicensed ?? whyNotBringin(turn, job)
  if (why !== null) return refused(why)
  if (startsAsWanted(job)) return { is: 'steps', texts: [JOINED], begin: () => joinStart(turn, job) }
  const config = configOf(turn.state, job)
  // The folder was an ordinary one since the job was brought out: anybody may have changed it, so the peer's copy is never
  // claimed to be equal, and a full mirror follows.
  const stages = isTouched(job) ? recoverStages(config) : startStages(config, false)
  const begin = () => {
    setRecord(turn, job, { desired: 'online', ...watched(record), ...allResources(record) })
    job.phase = 'starting'
    job.note = null
    forgetRestarts(turn, job)
    job.failedApplications = {}
    awaitFirstVotes(turn, job)
    if (job.quorum === null) return beginPlan(turn, job, 'start', 'bringin', stages)
    // A start that the node had begun by itself would end without a word for this ticket, and without what was offline: it is begun anew.
    if (job.plan?.kind === 'start') overtakePlan(turn, job)
    // It begins when a second voter has recorded what such a start means for the mirror (settle).
    job.next = { cause: 'bringin', peerCopyComplete: false }
  }
  const waits = hasLease(turn, job) ? [] : [firstVotesText(turn, job)]
  return { is: 'steps', texts: [...waits, ...steps(stages)], begin }
}

const JOINED = 'Go on with the start that is under way'

/** After a restart, by itself, and just as it would be begun now. What was taken offline, or is stopped for something else, needs a start of its own. */
function startsAsWanted({ plan, record, phase }: JobState): boolean {
  const starts = plan?.kind === 'start' && plan.cause === 'resume' && plan.failures.length === 0 && phase === 'starting'
  return starts && record.desired === 'online' && !record.detached && Object.keys(record.resources ?? {}).length === 0
}

/** From here on it is what was typed: it ends this ticket, and is cleaned up when it fails. */
function joinStart(turn: Turn, job: JobState): void {
  forgetRestarts(turn, job)
  stepLine(turn, job.ticket, JOINED, 'done')
  joinPlan(turn, job, 'bringin')
}

const whyPlannedOr = (turn: Turn, job: JobState, decision: Decision): Decision => {
  const busy = whyPlanned(turn, job) ?? (isHeld(turn.state, job) ? jobReport('E_CONFIG_PENDING', names(turn, job)) : null)
  return busy === null ? decision : refused(busy)
}

function whyNotBringin(turn: Turn, job: JobState): Failure | null {
  const { errorFlag } = job.record
  if (errorFlag !== null) return jobReport('E_JOB_ERROR_FLAG', { ...names(turn, job), why: errorFlag })
  if (isHeld(turn.state, job)) return jobReport('E_CONFIG_PENDING', names(turn, job))
  if (!copyIsWhole(turn.state, job)) return jobReport('E_JOB_COPY_INCOMPLETE', names(turn, job))
  // It would stop again at once, and both nodes would have changes of their own.
  if (job.quorum === null && isCutOff(turn.state)) return jobReport('E_JOB_CUT_OFF', { ...names(turn, job), list: addressesOf(turn.state).join(', ') })
  if (job.quorum === null && !job.peerSpoke) return whyWaits(turn, job)
  return hasLease(turn, job) || votesMayCome(turn, job) ? null : whyNoQuorum(turn, job)
}

/** A peer that speaks, and does not know the job, has another configuration. */
function whyWaits(turn: Turn, job: JobState): Failure {
  const { state } = turn
  return state.peer !== null && state.peer.view.configHash !== state.configHash ? configDiffers(turn, job) : jobReport('E_JOB_WAITS_FOR_PEER', names(turn, job))
}

function decideClearerr(turn: Turn, job: JobState): Decision {
  const { node, peerNode } = turn.state
  const busy = whyNotClear(turn, job)
  if (busy) return refused(busy)
  if (job.record.errorFlag === null)
    return { is: 'nothing', why: `${node} keeps no error flag for ${job.name} (${peerNode} was heard ${peerJobAge(turn.state)})` }
  return { is: 'steps', texts: [clearErrorText(turn, job)], begin: () => clearError(turn, job) }
}
