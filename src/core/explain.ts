import type { DecisionView, Question } from '../wire'
import { allMet, type Check, checkView } from './check'
import { lostChecks } from './failover'
import { serveChecks, takeOverChecks, wantedChecks } from './fit'
import { acceptChecks } from './handover'
import { mayMove, monitorChecks } from './monitor/haSwitch'
import { secondVoteChecks, silenceChecks } from './quorum/claim'
import { startChecks } from './quorum/serve'
import { isTouched, owns, type JobState, type State } from './state'
import { idleCondition, switchConditions } from './switchable'

/** What this node would decide about the job now, condition by condition: the decisions' own lists, asked by somebody who only wants to know. */
export function explain(state: State, job: JobState): DecisionView[] {
  const view = (question: Question, checks: Check[], trigger?: Check[]): DecisionView => ({
    question,
    node: state.node,
    yes: allMet(checks),
    checks: once(checks).map((check) => checkView(state, job, check)),
    ...(trigger === undefined ? {} : { trigger: trigger.map((check) => checkView(state, job, check)) })
  })
  if (owns(state, job)) {
    const turn = { state }
    return [
      view('serve', [...serveChecks(state, job), ...startChecks(turn, job)]),
      view('switch', [idleCondition(turn, job), ...switchConditions(turn, job)]),
      ...(mayMove(state, job) ? [view('monitor', monitorChecks(turn, job))] : [])
    ]
  }
  const byVote = job.quorum !== null
  const free = [...(byVote ? [] : [heardCheck(state)]), ...freeChecks(state, job)]
  const fit = [...wantedChecks(state, job), ...free, ...takeOverChecks(state, job), ...secondVoteChecks(state, job)]
  return [
    view('failover', fit, byVote ? silenceChecks(state, job) : lostChecks(state, job)),
    view('accept', acceptChecks(state, job, job.record.roleSequence + 1, false))
  ]
}

/** Two parts of a decision may look at the same thing. */
const once = (checks: Check[]): Check[] => checks.filter(({ name }, i) => checks.findIndex((each) => each.name === name) === i)

/** An owner that was never heard is never lost (heartbeat.ts). */
function heardCheck({ node, peerNode, peerAlive }: State): Check {
  const why = (): string => `${node} has not heard ${peerNode} since it started, so it cannot lose it`
  return { name: 'owner was heard', met: peerAlive !== 'unknown', value: () => (peerAlive === 'unknown' ? 'never' : 'yes'), why, by: 'self' }
}

/** What a standby does before it looks at a takeover at all (settle.ts): it goes, it looks for what runs here, it stops that. */
function freeChecks({ node, leaving }: State, job: JobState): Check[] {
  const touched = isTouched(job)
  const row = (name: string, met: boolean, why: string): Check => ({ name, met, value: () => (met ? 'yes' : 'no'), why: () => why, by: 'self' })
  return [
    row('stays here', !leaving, `${node} is shutting down`),
    row('looked here', job.observed, `${node} has just started and does not know yet what runs there`),
    row('nothing active here', !job.observed || !touched, `${node} has to stop what is active there of ${job.name} before it takes over`)
  ]
}
