import { type Check, allMet } from '../check'
import type { VoterName } from '../event'
import { wantedChecks, whyNotServe, whyNotTakeBack, whyNotTakeOver } from '../fit'
import { owns, peerIsReachable, peerJob, type JobState, type State } from '../state'
import { log, setRecord, type Turn } from '../turn'
import { secondsText } from '../words'
import type { Ballot } from '../../wire'
import { mayServe, newerBallot } from './ballot'
import { isValid } from './lease'
import { ownBallot, rulesOf, type QuorumRules } from './rules'
import { isFresh } from './view'

/**
 * This node votes for itself, on its disk, and asks for a second vote. Who asks first has asked in vain before: a voter that lets
 * somebody else serve has said so.
 */
export function beginClaim(turn: Turn, job: JobState): void {
  if (job.record.claim) return
  const held = Object.values(job.quorum?.asked ?? {}).map((asked) => asked.held?.roleSequence ?? 0)
  const roleSequence =
    1 + Math.max(job.record.roleSequence, job.record.handover?.roleSequence ?? 0, peerJob(turn.state, job)?.record.claim?.roleSequence ?? 0, ...held)
  setRecord(turn, job, { claim: { roleSequence } })
  log(turn, 'warning', `${turn.state.node} asks for a second vote for ${job.name} (role sequence ${roleSequence})`, job)
}

/** The owner has let this voter's lease run out, and a second voter says that it serves by nobody else's leave either. */
export const ownerIsSilent = (state: State, job: JobState): boolean =>
  job.quorum !== null && allMet(wantedChecks(state, job)) && allMet(silenceChecks(state, job))

/** What the time of the owner's lease has to bring before this node asks for a second vote. */
export function silenceChecks(state: State, job: JobState): Check[] {
  const { node, peerNode, atMs } = state
  const grant = job.quorum?.grant ?? null
  const free = ownVoteIsFree(state, job)
  return [
    {
      name: 'own vote free',
      met: free,
      value: () => (free || grant === null ? 'yes' : `given to ${peerNode} for ${secondsText(grant.untilMs - atMs)}`),
      why: () => `${peerNode} serves by the leave of ${node}`,
      by: 'self'
    },
    {
      name: 'second vote free',
      met: someVoteIsFree(state, job),
      value: () => leaveWords(state, job),
      why: () => 'no second voter has said that it lets nobody else serve',
      by: 'witnessVote'
    }
  ]
}

/** A second vote could be had if the owner died now: that of the witness, which knows of nothing that this copy lacks. */
export function secondVoteChecks(state: State, job: JobState): Check[] {
  const rules = rulesOf(state, job)
  const held = job.quorum?.asked.witness.held ?? null
  if (rules === null || !rules.automatic) return []
  if (!rules.voters.includes('witness')) return [unconfirmedCheck(state)]
  const answers = voterAnswers(state, job, 'witness', rules)
  const answering: Check = {
    name: 'witness answers',
    met: answers,
    value: () => (answers ? 'yes' : 'no'),
    why: () => 'the witness does not answer, or knows nothing yet',
    by: 'witnessVote'
  }
  return held === null ? [answering] : [answering, recordedCheck(state, held, ownBallot(state, job, rules))]
}

/** As long as only the nodes themselves vote, nobody is left to second it when the owner's node is lost. */
const unconfirmedCheck = ({ node, peerNode }: State): Check => ({
  name: 'witness change',
  met: false,
  value: () => 'not confirmed',
  why: () => `the witness is being changed, and ${peerNode} has not said yet that it goes by it: nobody could second ${node}`,
  by: 'peer'
})

function recordedCheck({ node }: State, held: Ballot, own: Ballot): Check {
  return {
    name: 'in sync there',
    met: mayServe(newerBallot(held, own), node),
    value: () => `${held.mirrorInSync ? 'yes' : 'no'} (${held.syncSequence})`,
    why: () => `the witness has recorded that the copy on ${node} is not in sync`,
    by: 'witnessVote'
  }
}

export function ownVoteIsFree(state: State, { quorum }: JobState): boolean {
  const grant = quorum?.grant ?? null
  return grant === null || grant.holder === state.node || state.atMs >= grant.untilMs
}

/** It has answered lately, and does not wait to hear both nodes. */
function voterAnswers(state: State, job: JobState, voter: VoterName, rules: QuorumRules): boolean {
  const held = job.quorum?.asked[voter].held ?? null
  return held !== null && isFresh(job, voter, state.atMs, rules)
}

function someVoteIsFree(state: State, job: JobState): boolean {
  const rules = rulesOf(state, job)
  if (rules === null) return false
  return rules.voters.some((voter) => {
    const leasedTo = job.quorum?.asked[voter].leasedTo ?? null
    return (leasedTo === null || leasedTo === state.node) && voterAnswers(state, job, voter, rules)
  })
}

function leaveWords(state: State, job: JobState): string {
  const rules = rulesOf(state, job)
  const word = (voter: VoterName): string => {
    const leasedTo = job.quorum?.asked[voter].leasedTo ?? null
    return rules === null || !voterAnswers(state, job, voter, rules) ? 'silent' : leasedTo === null ? 'free' : `given to ${leasedTo}`
  }
  return (rules?.voters ?? []).map((voter) => `${voter === 'peer' ? state.peerNode : voter} ${word(voter)}`).join(', ')
}

/** Handed over to a peer that was lost before it said whether it took it: it is not served by anybody's leave. */
export function wantsBackByQuorum(state: State, job: JobState): boolean {
  if (job.quorum === null || !owns(state, job) || job.record.handover === null || job.record.desired !== 'online') return false
  return state.peerAlive === 'lost' && job.offer?.flying !== true && someVoteIsFree(state, job)
}

/**
 * A voter has seconded a claim of the peer that the peer itself has given up: it is at this node's record. The owner goes past it with a higher role
 * sequence, for which it needs the peer's vote.
 */
export function isPassedOver(state: State, job: JobState): boolean {
  const { quorum, record } = job
  if (quorum === null || !owns(state, job) || record.handover !== null || isValid(quorum.lease, record.roleSequence, state.atMs)) return false
  // The other node's vote is about to come.
  if (record.unleased === true) return false
  const passed = Object.values(quorum.asked).some(({ refused, held }) => refused === 'newer' && (held?.roleSequence ?? 0) > record.roleSequence)
  return passed && peerIsReachable(state) && peerJob(state, job)?.record.roleSequence === record.roleSequence
}

/** Why what was seconded cannot be taken any more: it may be long ago that it was asked for. */
export function whyNotTakeClaimed(state: State, job: JobState): string | null {
  if (state.leaving) return `${state.node} is shutting down`
  if (!ownVoteIsFree(state, job)) return `${state.node} has let ${state.peerNode} serve since`
  if (!owns(state, job)) return whyNotTakeOver(state, job)
  return job.record.handover === null ? whyNotServe(state, job) : whyNotTakeBack(state, job)
}

/**
 * Not wanted any more, and every voter has answered the newest question and does not hold the claim: as it answers nothing that was overtaken, a vote
 * that was asked for earlier can no longer be given. While one holds it this node votes for nobody else in that role sequence: whoever serves next passes
 * over it.
 */
export function settleClaim(turn: Turn, job: JobState): void {
  const { state } = turn
  const { claim } = job.record
  const rules = rulesOf(state, job)
  if (!claim) return
  if (rules === null || job.quorum === null) return claimIsVoid(state, job, claim) ? withdrawVote(turn, job, claim) : undefined
  const asked = rules.voters.map((voter) => job.quorum?.asked[voter])
  const overtaken = asked.some((each) => isBeyond(each?.held ?? null, claim.roleSequence, state.node))
  const wanted = ownerIsSilent(state, job) || wantsBackByQuorum(state, job) || isPassedOver(state, job)
  const answered = asked.every(
    (each) => each !== undefined && each.sent.length === 0 && each.last !== null && !isOwn(each.held, claim.roleSequence, state.node)
  )
  if (answered && !(wanted && !overtaken && whyNotTakeClaimed(state, job) === null)) withdrawVote(turn, job, claim)
}

const isOwn = (held: Ballot | null, roleSequence: number, node: string): boolean => held?.roleSequence === roleSequence && held.owner === node

/** The voter holds a newer vote, or has given the one of this role sequence to the other node. */
const isBeyond = (held: Ballot | null, roleSequence: number, node: string): boolean =>
  held !== null && (held.roleSequence > roleSequence || (held.roleSequence === roleSequence && held.owner !== node))

/** Asked for before the mode was changed to one without votes: the other node knows of that change, has not seconded it, and gives no votes any more. */
function claimIsVoid(state: State, job: JobState, { roleSequence }: { roleSequence: number }): boolean {
  const view = state.peer?.view
  const theirs = view?.jobs[job.name]?.record.roleSequence ?? Number.POSITIVE_INFINITY
  return view?.heard === state.incarnation && view.configAgreed === true && view.configHash === state.configHash && theirs < roleSequence
}

function withdrawVote(turn: Turn, job: JobState, { roleSequence }: { roleSequence: number }): void {
  setRecord(turn, job, { claim: null })
  log(turn, 'info', `${turn.state.node} takes its vote for ${job.name} back (role sequence ${roleSequence})`, job)
}
