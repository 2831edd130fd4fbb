import type { QuorumConfig } from '../../model'
import type { Ballot, VoteQuestion } from '../../wire'
import type { VoterName } from '../event'
import { type Asked, hasData, owns, type JobState, type QuestionKind, type Sent, type State } from '../state'
import { startsWithoutMirror, wantsExposure, wantsOutOfSync } from '../sync'
import type { Turn } from '../turn'
import { ownVoteIsFree, whyNotTakeClaimed } from './claim'
import { renewByForce } from './force'
import { guardMarginMs, isValid, renewEveryMs } from './lease'
import { ownBallot, rulesOf, type QuorumRules } from './rules'

/** Questions without an answer that are remembered: a lease is long over when there are more. */
const SENT_MAX = 16
const RELEASED_AGAIN_MS = 500
const ASK_AGAIN_MS_MIN = 50

/** Each voter hears at once what this node wants of it, and again before long. */
export function askVoters(turn: Turn, job: JobState): void {
  const rules = rulesOf(turn.state, job)
  // What the other node has not seen yet is nothing to vote by.
  if (rules === null || job.quorum === null || !job.observed || !turn.state.configAgreed) return
  for (const voter of rules.voters) askVoter(turn, job, rules, voter)
  renewByForce(turn, job)
  tellLease(turn, job)
}

function askVoter(turn: Turn, job: JobState, rules: QuorumRules, voter: VoterName): void {
  const { state } = turn
  const { quorum, record } = job
  if (quorum === null) return
  const asked = quorum.asked[voter]
  const kind = questionKind(state, job)
  const { last } = asked
  const same = last !== null && last.record === record && last.kind === kind && last.voter === asked.incarnation
  const isDone = kind === 'release' && asked.sent.length === 0
  if (same && (isDone || state.atMs < asked.nextAtMs)) return
  const number = asked.number + 1
  const ballot = ownBallot(state, job, rules)
  const ask = question(state, job, kind, ballot)
  const { leaseMs } = rules.times
  const sent: Sent = { number, atMs: state.atMs, voter: asked.incarnation, leaseMs, ballot: ask.do === 'propose' ? ask.ballot : ballot }
  const againMs = voter === 'witness' && waitsForRelease(state, job, asked, leaseMs) ? RELEASED_AGAIN_MS : askAgainMs(job, rules.times, state.atMs)
  const next = { nextAtMs: state.atMs + againMs, last: { record, kind, voter: asked.incarnation } }
  job.quorum = { ...quorum, asked: { ...quorum.asked, [voter]: { ...asked, ...next, number, sent: [...asked.sent, sent].slice(-SENT_MAX) } } }
  const { node: from, peerNode: peer, incarnation: sender } = state
  turn.actions.push({ do: 'sendVote', to: voter, job: job.name, message: { job: job.name, from, peer, sender, number, voter: asked.incarnation, ballot, ask } })
}

/** The owner leaves, and has given its lease up here; the witness may hear that a moment later. For as long as it could have lasted. */
function waitsForRelease(state: State, job: JobState, { leasedTo }: Asked, leaseMs: number): boolean {
  const { leavingSinceMs, atMs, peerNode } = state
  const leaves = leavingSinceMs !== null && atMs - leavingSinceMs < 2 * leaseMs
  return leaves && !owns(state, job) && leasedTo === peerNode && ownVoteIsFree(state, job)
}

/**
 * A lease that was granted by shorter times has to be renewed within those. What an engine finds of one when it starts may be its last millisecond: one
 * that is over says nothing, and no answer brings the next question with it.
 */
function askAgainMs({ quorum, record }: JobState, { leaseMs }: Pick<QuorumConfig, 'leaseMs'>, atMs: number): number {
  const runs = quorum !== null && isValid(quorum.lease, record.roleSequence, atMs)
  return Math.max(ASK_AGAIN_MS_MIN, renewEveryMs({ leaseMs: runs ? Math.min(quorum.lease.leaseMs, leaseMs) : leaseMs }))
}

function questionKind(state: State, job: JobState): QuestionKind {
  const { claim, handover, mirrorInSync } = job.record
  // It is not asked for what could not be taken.
  if (claim) return whyNotTakeClaimed(state, job) === null ? 'claim' : 'report'
  if (!owns(state, job) || handover !== null) return 'report'
  if (state.leaving && job.record.released) return 'release'
  return mirrorInSync && (wantsExposure(state, job) || startsWithoutMirror(state, job) || wantsOutOfSync(state, job)) ? 'outOfSync' : 'renew'
}

function question(state: State, job: JobState, kind: QuestionKind, ballot: Ballot): VoteQuestion {
  if (kind === 'report' || kind === 'renew' || kind === 'release') return { do: kind }
  const outOfSync = { ...ballot, mirrorInSync: !hasData(state, job), syncSequence: ballot.syncSequence + 1 }
  return { do: 'propose', ballot: kind === 'outOfSync' ? outOfSync : { ...outOfSync, roleSequence: job.record.claim?.roleSequence ?? 0, owner: state.node } }
}

function tellLease(turn: Turn, job: JobState): void {
  const { quorum, record } = job
  if (quorum === null || quorum.lease.roleSequence !== record.roleSequence || !owns(turn.state, job)) return
  const { roleSequence, untilMs, leaseMs } = quorum.lease
  if (roleSequence === quorum.told.roleSequence && untilMs <= quorum.told.untilMs) return
  job.quorum = { ...quorum, told: quorum.lease }
  turn.actions.push({ do: 'lease', job: job.name, roleSequence, untilMs, killAtMs: untilMs - guardMarginMs({ leaseMs }) })
}
