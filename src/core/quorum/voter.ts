import type { QuorumConfig } from '../../model'
import type { Ballot, VoteMessage, VoteRefusal, VoteReply } from '../../wire'
import { compareBallots, isSameBallot, isSameBesides, mayServe, newerBallot } from './ballot'

/** One voter of one job: an engine, or the witness. Plain data; `ballot` is on its disk, everything else ends with the process. */
export interface Voter {
  incarnation: string
  /** null: nothing was ever recorded here, or it was lost. */
  ballot: Ballot | null
  /** Who may be serving by this voter's leave, until when on its own clock. */
  grant: Grant | null
  /** The newest question of each sender. */
  heard: Record<string, { sender: string; number: number }>
  /** While there is no ballot: what each node says it holds. */
  reports: Record<string, Ballot>
}

export interface Grant {
  holder: string
  /** The engine that asked for it; unknown of what may have been granted before this voter started. */
  sender?: string
  untilMs: number
}

export type VoterTimes = Pick<QuorumConfig, 'leaseMs' | 'driftMs'>

/** Holder of what a voter may have granted before it forgot everything: nobody is that. */
export const UNKNOWN_HOLDER = ''

/** Names come from outside: one may be called as something that every object has. */
export const own = <Value>(record: Record<string, Value>, name: string): Value | undefined => (Object.hasOwn(record, name) ? record[name] : undefined)

const grantMs = ({ leaseMs, driftMs }: VoterTimes): number => leaseMs + driftMs

export const grantTo = (holder: string, atMs: number, times: VoterTimes): Grant => ({ holder, untilMs: atMs + grantMs(times) })

/** It may have granted a lease just before it died: for a whole one nobody gets another. */
export function startVoter(incarnation: string, ballot: Ballot | null, atMs: number, times: VoterTimes): Voter {
  return { incarnation, ballot, grant: grantTo(ballot?.owner ?? UNKNOWN_HOLDER, atMs, times), heard: {}, reports: {} }
}

/** The answer counts only when `persist`, if there is one, is on disk: persist, then speak. */
export interface Vote {
  voter: Voter
  reply: VoteReply
  persist: Ballot | null
}

export function vote(voter: Voter, message: VoteMessage, atMs: number, times: VoterTimes): Vote {
  const before = own(voter.heard, message.from)
  if (before?.sender === message.sender && message.number <= before.number) return refuse(voter, voter, message, 'late', atMs)
  const heard = { ...voter.heard, [message.from]: { sender: message.sender, number: message.number } }
  const next = learn({ ...voter, heard }, message)
  if (message.ask.do === 'release') return answer(voter, released(next, message), message, message.voter === next.incarnation ? null : 'incarnation', atMs)
  if (message.ask.do === 'report') return answer(voter, next, message, null, atMs)
  const why = whyNot(next, message, atMs)
  return why === null ? grant(voter, next, message, atMs, times) : refuse(voter, next, message, why, atMs)
}

/**
 * Who has lost its memory may have seconded something that only one node still knows. So it votes for nobody before it has heard, in this
 * incarnation, what both nodes hold; the newer one is what it would know.
 */
function learn(voter: Voter, { from, peer, voter: known, ballot }: VoteMessage): Voter {
  if (voter.ballot !== null || known !== voter.incarnation) return voter
  const reports = { ...voter.reports, [from]: ballot }
  const [mine, theirs] = [reports[from], own(reports, peer)]
  return mine && theirs ? { ...voter, reports: {}, ballot: newerBallot(mine, theirs) } : { ...voter, reports }
}

/** Only by the engine that it was given to: one that started later may be serving under it, and this was said before. */
function released(voter: Voter, { voter: known, from, sender }: VoteMessage): Voter {
  const { grant: running, incarnation } = voter
  const theirs = known === incarnation && running?.holder === from && (running.sender ?? sender) === sender
  return theirs ? { ...voter, grant: null } : voter
}

function whyNot(voter: Voter, message: VoteMessage, atMs: number): VoteRefusal | null {
  const { ballot } = voter
  if (message.voter !== voter.incarnation) return 'incarnation'
  if (ballot === null) return 'blank'
  const wanted = wantedBy(message)
  if (wanted.configVersion < ballot.configVersion) return 'config'
  if (wanted.roleSequence < ballot.roleSequence || wanted.owner !== message.from) return 'newer'
  if (wanted.roleSequence === ballot.roleSequence && wanted.owner !== ballot.owner) return 'newer'
  if (leasedToOther(voter, message.from, atMs)) return 'leased'
  return isClaim(voter, message) && !mayServe(newerBallot(ballot, message.ballot), message.from) ? 'outOfSync' : null
}

const wantedBy = ({ ballot, ask }: VoteMessage): Ballot => (ask.do === 'propose' ? ask.ballot : ballot)

/** Not decided yet: this vote decides it. What a node has on its disk as decided is only learned. */
const isClaim = (voter: Voter, { ballot, ask }: VoteMessage): boolean =>
  ask.do === 'propose' && ask.ballot.roleSequence > Math.max(ballot.roleSequence, voter.ballot?.roleSequence ?? 0)

const leasedToOther = ({ grant: running }: Voter, from: string, atMs: number): boolean => running !== null && running.holder !== from && atMs < running.untilMs

function grant(before: Voter, voter: Voter, message: VoteMessage, atMs: number, times: VoterTimes): Vote {
  const wanted = wantedBy(message)
  const ballot = voter.ballot === null || compareBallots(wanted, voter.ballot) > 0 ? wanted : besides(voter.ballot, wanted)
  const untilMs = Math.max(voter.grant?.holder === message.from ? voter.grant.untilMs : 0, atMs + grantMs(times))
  return answer(before, { ...voter, ballot, grant: { holder: message.from, sender: message.sender, untilMs } }, message, true, atMs)
}

/** The owner's word for these, as it has its vote. */
const besides = (ballot: Ballot, wanted: Ballot): Ballot => (isSameBesides(ballot, wanted) ? ballot : { ...ballot, ...besidesOf(wanted) })

const besidesOf = ({ configVersion, safetySequence }: Ballot): Partial<Ballot> => ({
  configVersion,
  ...(safetySequence === undefined ? {} : { safetySequence })
})

const refuse = (before: Voter, voter: Voter, message: VoteMessage, why: VoteRefusal, atMs: number): Vote => answer(before, voter, message, why, atMs)

function answer(before: Voter, voter: Voter, { number }: VoteMessage, said: true | VoteRefusal | null, atMs: number): Vote {
  const { incarnation, ballot, grant: running } = voter
  const leasedTo = running !== null && atMs < running.untilMs ? running.holder : null
  const reply: VoteReply = { number, incarnation, granted: said === true, why: said === true ? null : said, ballot, leasedTo }
  const changed = !isSameBallot(before.ballot, ballot) || !isSameBesides(before.ballot, ballot)
  return { voter, reply, persist: changed ? ballot : null }
}
