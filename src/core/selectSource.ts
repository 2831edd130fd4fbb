import type { JobRecord } from '../model'
import { jobReport } from '../report/job'
import type { Danger } from '../wire'
import { configDiffers, type Decision, refused, whyPlanned } from './decision'
import { digest } from './digest'
import type { Failure } from './event'
import { switchStages } from './handover'
import { names, nodeOfPair } from './ownership'
import { beginPlan, describe } from './plan'
import { hasData, owns, peerIsReachable, peerJob, type JobState } from './state'
import { watchedConditions, whyRefused } from './switchable'
import { endTicket, stepLine } from './tickets'
import { setRecord, type Turn } from './turn'
import { peerJobAge } from './views'

const SELECT_AGAIN_MS = 10_000

/** After a split brain: an administrator says whose data is right. Decided by the owner; nothing is overwritten before. */
export function decideSelect(turn: Turn, job: JobState, chosen: string): Decision {
  const { node } = turn.state
  const at = names(turn, job)
  const named = nodeOfPair(turn, chosen)
  if (typeof named !== 'string') return refused(named)
  if (!hasData(turn.state, job)) return refused(jobReport('E_JOB_NO_DATA', at))
  if (job.record.needToVerify !== 'Manually') return refused(jobReport('E_SELECT_NOT_NEEDED', { ...at, word: job.record.needToVerify }))
  const detached = whyRefused(watchedConditions(turn, job, 'selectsrc'))
  if (detached !== null) return refused(detached)
  const danger = dangerOf(turn, job, chosen)
  const planned = whyPlanned(turn, job)
  if (chosen === node && planned !== null) return refused(planned)
  if (chosen === node) return { is: 'steps', texts: keepTexts(turn, job), danger, begin: () => keep(turn, job) }
  const blocked = whyNotMove(turn, job)
  return blocked === null ? { is: 'steps', texts: moveTexts(turn, job), danger, begin: () => move(turn, job) } : refused(blocked)
}

/** What is said before the confirmation, and the state for which it is true. */
function dangerOf({ state }: Turn, job: JobState, chosen: string): Danger {
  const loser = chosen === state.node ? state.peerNode : state.node
  const theirs = peerJob(state, job)
  const facts = [job.name, chosen, factsOf(job.record), job.phase, state.peerAlive, theirs && [factsOf(theirs.record), theirs.phase]]
  const warning = [
    `The data of ${job.name} on ${chosen} is declared right: what ${loser} holds and ${chosen} does not is LOST.`,
    `${state.node} owns ${job.name} (role sequence ${job.record.roleSequence}, ${job.phase}); ${ownersOf(job.record)}.`
  ]
  if (chosen !== state.node && job.record.desired === 'online')
    warning.push(`The service stops on ${state.node} and starts on ${chosen}; nothing is drained before.`)
  if (chosen !== state.node && theirs?.data?.copyComplete === false) warning.push(`The copy on ${chosen} is not complete as far as its data program knows.`)
  if (state.peerAlive !== 'up') warning.push(`${state.peerNode} is not heard: what it holds cannot be known now.`)
  return { warning, state: digest(facts) }
}

const factsOf = ({ roleSequence, owner, desired, needToVerify, selectedSequence, errorFlag }: JobRecord): unknown => [
  roleSequence,
  owner,
  desired,
  needToVerify,
  selectedSequence,
  errorFlag
]

const ownersOf = ({ history }: JobRecord): string =>
  `owners so far: ${history
    .slice(-4)
    .map(({ owner, roleSequence }) => `${owner} (${roleSequence})`)
    .join(', ')}`

const keepTexts = ({ state }: Turn, job: JobState): string[] => [
  `Declare the data of ${state.node} right`,
  ...(job.phase === 'online' ? [describe({ do: 'selectSource' })] : []),
  `Compare, and repair ${state.peerNode}`
]

function keep(turn: Turn, job: JobState): void {
  setRecord(turn, job, { needToVerify: 'Yes', selectedSequence: job.record.roleSequence })
  stepLine(turn, job.ticket, `Declare the data of ${turn.state.node} right`, 'done')
  if (job.phase !== 'online') return endTicket(turn, job.ticket)
  job.selectAtMs = turn.state.atMs + SELECT_AGAIN_MS
  beginPlan(turn, job, 'data', 'command', [[{ do: 'selectSource' }]])
}

/** The other node's data is right: it becomes the owner, and what is queued here is not sent. */
function whyNotMove(turn: Turn, job: JobState): Failure | null {
  const { state } = turn
  const at = names(turn, job)
  const theirs = peerJob(state, job)
  if (!peerIsReachable(state) || theirs === null) return jobReport('E_PEER_NOT_HEARD', { ...at, age: peerJobAge(state) })
  if (state.peer?.view.configHash !== state.configHash) return configDiffers(turn, job)
  if (theirs.record.errorFlag !== null) return jobReport('E_JOB_ERROR_FLAG', { ...at, node: state.peerNode, why: theirs.record.errorFlag })
  return null
}

function moveTexts({ state }: Turn, job: JobState): string[] {
  const stages = switchStages(state, { ...job, giveUpOwn: true })
  const starts = job.record.desired === 'online' ? [`Start ${job.name} on ${state.peerNode}`] : []
  return [
    ...stages.flat().map(describe),
    `Hand over to ${state.peerNode} (role sequence ${job.record.roleSequence + 1})`,
    ...starts,
    `Compare, and repair ${state.node}`
  ]
}

function move(turn: Turn, job: JobState): void {
  job.giveUpOwn = true
  job.pendingFlag = null
  job.phase = 'switching'
  beginPlan(turn, job, 'switch', 'command', switchStages(turn.state, job))
}

/** The data program still says that both sides hold changes of their own, and it has been decided whose are right: it is told, and told again. */
export function settleSelected(turn: Turn, job: JobState): boolean {
  const { record, data } = job
  const stands = data?.role === 'source' && data.roleSequence === record.roleSequence && data.needToVerify === 'Manually'
  if (!stands || !owns(turn.state, job) || record.selectedSequence !== record.roleSequence || turn.state.atMs < job.selectAtMs) return false
  job.selectAtMs = turn.state.atMs + SELECT_AGAIN_MS
  beginPlan(turn, job, 'data', 'automatic', [[{ do: 'selectSource' }]])
  return true
}
