import type { VoteMessage, VoteReply } from '../../wire'
import { configDiffers } from '../decision'
import { watched } from '../detached'
import { adopt } from '../ownership'
import { isTouched, owns, type JobState, type QuorumState } from '../state'
import { refuse, reply, setRecord, type Turn } from '../turn'
import { ownBallot, rulesOf, type QuorumRules } from './rules'
import { vote, type Voter } from './voter'

/** This node as a voter. What it grants is in its record, on disk before the answer goes out. */
export function voteAsked(turn: Turn, job: JobState, { request, message }: { request: number; message: VoteMessage }): void {
  const rules = rulesOf(turn.state, job)
  if (rules === null || job.quorum === null || message.from !== turn.state.peerNode) return refuse(turn, request, configDiffers(turn, job))
  const asked = voterOf(turn, job, rules, message)
  // By other times, or by other voters, a vote would mean something else.
  const differs = !turn.state.configAgreed || message.ballot.configVersion !== rules.times.configVersion
  const { voter, reply: said } = vote(asked, differs ? { ...message, ask: { do: 'report' } } : message, turn.state.atMs, rules.times)
  const answer: VoteReply = differs && message.ask.do !== 'report' ? { ...said, why: 'config' } : said
  const released = voter.grant === null && job.quorum.grant !== null
  job.quorum = { ...job.quorum, heard: voter.heard, grant: answer.granted || released ? voter.grant : job.quorum.grant }
  if (released) askWitnessNow(turn, job, job.quorum)
  if (answer.granted) record(turn, job, answer)
  reply(turn, request, { ok: true, result: answer })
}

/** What it said last may be a part of a lease old. */
function askWitnessNow({ state }: Turn, job: JobState, quorum: QuorumState): void {
  job.quorum = { ...quorum, asked: { ...quorum.asked, witness: { ...quorum.asked.witness, nextAtMs: state.atMs } } }
}

function voterOf({ state }: Turn, job: JobState, rules: QuorumRules, message: VoteMessage): Voter {
  const { grant, heard } = job.quorum ?? { grant: null, heard: {} }
  const ballot = ownBallot(state, job, rules)
  return { incarnation: state.incarnation, ballot, grant: ownGrant(state, job, message) ?? grant, heard, reports: {} }
}

/** What this node has promised to itself: as an owner that may be serving, or as one that has voted for itself. */
function ownGrant(state: Turn['state'], job: JobState, { ask, ballot }: VoteMessage): Voter['grant'] {
  const { record, quorum } = job
  const wanted = ask.do === 'propose' ? ask.ballot.roleSequence : ballot.roleSequence
  const forever = { holder: state.node, untilMs: Number.POSITIVE_INFINITY }
  if (record.claim && wanted <= record.claim.roleSequence) return forever
  // Who is being taken out of service (by a forced start of the other node) still has what it was given.
  if (!owns(state, job)) return isTouched(job) ? { holder: state.node, untilMs: quorum?.lease.untilMs ?? 0 } : null
  if (record.handover !== null) return null
  return isTouched(job) || !job.observed ? forever : { holder: state.node, untilMs: quorum?.lease.untilMs ?? 0 }
}

function record(turn: Turn, job: JobState, { ballot }: VoteReply): void {
  const mine = job.record
  if (ballot === null) return
  const { roleSequence, owner, mirrorInSync, syncSequence } = ballot
  if (roleSequence > mine.roleSequence) {
    const needToVerify = mine.handover?.roleSequence === roleSequence && !job.drained ? 'Yes' : mine.needToVerify
    return adopt(turn, job, {
      ...mine,
      roleSequence,
      owner,
      takeReason: 'failover',
      takeTimeMs: turn.state.wallMs,
      mirrorInSync,
      syncSequence,
      needToVerify,
      ...watched(mine)
    })
  }
  if (syncSequence > mine.syncSequence) setRecord(turn, job, { mirrorInSync, syncSequence })
}
