import { owns, peerIsReachable, peerJob, whyNotServe, whyNotTakeOver, type JobState, type State } from '../state'
import { log, setRecord, type Turn } from '../turn'
import { isValid } from './lease'
import { rulesOf, type QuorumRules } from './rules'
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
export function ownerIsSilent(state: State, job: JobState): boolean {
  const rules = rulesOf(state, job)
  const { quorum, record } = job
  if (rules === null || quorum === null || record.owner !== state.peerNode || record.desired !== 'online') return false
  return rules.automatic && ownVoteIsFree(state, job) && someVoteIsFree(state, job, rules)
}

export function ownVoteIsFree(state: State, { quorum }: JobState): boolean {
  const grant = quorum?.grant ?? null
  return grant === null || grant.holder === state.node || state.atMs >= grant.untilMs
}

function someVoteIsFree(state: State, job: JobState, rules: QuorumRules): boolean {
  return rules.voters.some((voter) => {
    const asked = job.quorum?.asked[voter]
    const free = asked?.leasedTo === null || asked?.leasedTo === state.node
    return asked !== undefined && asked.held !== null && free && isFresh(job, voter, state.atMs, rules)
  })
}

/** Handed over to a peer that was lost before it said whether it took it: it is not served by anybody's leave. */
export function wantsBackByQuorum(state: State, job: JobState): boolean {
  const rules = rulesOf(state, job)
  if (rules === null || !owns(state, job) || job.record.handover === null || job.record.desired !== 'online') return false
  return state.peerAlive === 'lost' && job.offer?.flying !== true && someVoteIsFree(state, job, rules)
}

/**
 * A voter has seconded a claim of the peer that the peer itself has given up: it is at this node's record. The owner goes past it with a higher role
 * sequence, for which it needs the peer's vote.
 */
export function isPassedOver(state: State, job: JobState): boolean {
  const { quorum, record } = job
  if (quorum === null || !owns(state, job) || record.handover !== null || isValid(quorum.lease, record.roleSequence, state.atMs)) return false
  const passed = Object.values(quorum.asked).some(({ refused, held }) => refused === 'newer' && (held?.roleSequence ?? 0) > record.roleSequence)
  return passed && peerIsReachable(state) && peerJob(state, job)?.record.roleSequence === record.roleSequence
}

/** Why what was seconded cannot be taken any more: it may be long ago that it was asked for. */
export function whyNotTakeClaimed(state: State, job: JobState): string | null {
  if (!ownVoteIsFree(state, job)) return `${state.node} has let ${state.peerNode} serve since`
  return owns(state, job) ? whyNotServe(state, job) : whyNotTakeOver(state, job)
}

/**
 * Not wanted any more, and every voter has answered the newest question and does not hold the claim: as it answers nothing that was overtaken, a vote
 * that was asked for earlier can no longer be given.
 */
export function settleClaim(turn: Turn, job: JobState): void {
  const { state } = turn
  const { claim } = job.record
  const rules = rulesOf(state, job)
  if (!claim || rules === null || job.quorum === null) return
  const asked = rules.voters.map((voter) => job.quorum?.asked[voter])
  const overtaken = asked.some((each) => (each?.held?.roleSequence ?? 0) > claim.roleSequence)
  const wanted = ownerIsSilent(state, job) || wantsBackByQuorum(state, job) || isPassedOver(state, job)
  const answered = asked.every((each) => each !== undefined && each.sent.length === 0 && each.number > 0 && each.held?.roleSequence !== claim.roleSequence)
  if (!answered || (wanted && !overtaken && whyNotTakeClaimed(state, job) === null)) return
  setRecord(turn, job, { claim: null })
  log(turn, 'info', `${state.node} takes its vote for ${job.name} back (role sequence ${claim.roleSequence}): nobody has seconded it`, job)
}
