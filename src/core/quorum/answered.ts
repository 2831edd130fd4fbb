import type { VoteReply } from '../../wire'
import type { VoterName } from '../event'
import { takeSeconded } from '../failover'
import { owns, type JobState, type Sent } from '../state'
import { log, setRecord, type Turn } from '../turn'
import { whyNotTakeClaimed } from './claim'
import { NO_LEASE, renewed } from './lease'
import { rulesOf } from './rules'

/** A voter that goes by another version of the configuration follows within moments. */
const OTHER_VERSION_AGAIN_MS = 250

/** An answer that was overtaken by one to a newer question says nothing; silence is no answer. */
export function voteAnswered(turn: Turn, job: JobState, event: { voter: VoterName; number: number; reply: VoteReply | null }): void {
  const { voter, number, reply } = event
  const { quorum } = job
  const asked = quorum?.asked[voter]
  const sent = asked?.sent.find((each) => each.number === number)
  if (!quorum || !asked || !sent || reply === null) return
  const { incarnation, ballot: held, leasedTo, why: refused } = reply
  const again = refused === 'incarnation' || incarnation !== asked.incarnation
  const { atMs } = turn.state
  const next = { ...asked, sent: asked.sent.filter((each) => each.number > number), incarnation, held, leasedTo, refused }
  const nextAtMs = again ? atMs : refused === 'config' ? Math.min(asked.nextAtMs, atMs + OTHER_VERSION_AGAIN_MS) : asked.nextAtMs
  const known = { ...next, answeredAtMs: atMs, nextAtMs }
  job.quorum = { ...quorum, asked: { ...quorum.asked, [voter]: known } }
  learnSync(turn, job, reply)
  // One that was a voter by the rules before may still answer.
  const isVoter = rulesOf(turn.state, job)?.voters.includes(voter) === true
  if (reply.granted && sent.voter === incarnation && isVoter) granted(turn, job, sent)
}

/** A voter may have recorded "not in sync" for an owner that died before it did so itself. */
function learnSync(turn: Turn, job: JobState, { ballot }: VoteReply): void {
  const { record } = job
  if (ballot === null || ballot.roleSequence !== record.roleSequence || ballot.owner !== record.owner || ballot.syncSequence <= record.syncSequence) return
  setRecord(turn, job, { mirrorInSync: ballot.mirrorInSync && !owns(turn.state, job), syncSequence: ballot.syncSequence })
}

function granted(turn: Turn, job: JobState, sent: Sent): void {
  const { record, quorum } = job
  if (quorum === null) return
  if (record.claim?.roleSequence === sent.ballot.roleSequence) return seconded(turn, job, sent)
  // Who has voted for itself in a newer role sequence does not go on in the old one: a voter may be in the new one already.
  if (!owns(turn.state, job) || record.claim || record.roleSequence !== sent.ballot.roleSequence || record.handover !== null) return
  if (record.released) setRecord(turn, job, { released: false })
  job.quorum = { ...quorum, lease: renewed(quorum.lease, record.roleSequence, sent.atMs, sent) }
  if (!record.forced) return
  setRecord(turn, job, { forced: null })
  log(turn, 'info', `A second voter has recorded the forced start of ${job.name}: from now on it serves by the quorum again`, job)
}

/** Two of three have it now, or will when this step's record is on disk. */
function seconded(turn: Turn, job: JobState, sent: Sent): void {
  const why = whyNotTakeClaimed(turn.state, job)
  // A voter holds it now: this node's vote in that role sequence is given, and not to be given to the other node too.
  if (why !== null) return log(turn, 'warning', `${turn.state.node} was given a second vote for ${job.name} and does not take it: ${why}`, job)
  takeSeconded(turn, job, sent.ballot)
  if (job.quorum) job.quorum = { ...job.quorum, lease: renewed(NO_LEASE, sent.ballot.roleSequence, sent.atMs, sent) }
}
