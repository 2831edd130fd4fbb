import type { VoteMessage, VoteReply } from '../../wire'
import { type Grant, startVoter, vote, type Voter, type VoterTimes } from './voter'

/**
 * A voter without a clock and without a process: what a store (etcd) keeps of a job, changed only by compare-and-swap by the two nodes themselves. It is
 * the whole voter, so nothing of it is lost when somebody restarts, and its incarnation changes only when the store has lost it.
 *
 * A grant has no end in the store, whose clock nobody knows. Whoever wants to know whether it is over waits, on his own clock, from when he has first
 * seen it: the holder has sent it before that and counts from then, so its lease is over earlier. A renewal is a new grant, and he begins anew.
 */
export interface SharedVoter {
  incarnation: string
  ballot: Voter['ballot']
  grant: SharedGrant | null
  heard: Voter['heard']
  reports: Voter['reports']
}

export interface SharedGrant extends Omit<Grant, 'untilMs'> {
  /** Lease and drift. */
  forMs: number
  /** Another one with each grant. */
  word: string
}

/** What a node remembers of the store, while its engine runs. */
export interface SharedSeat {
  seen: { word: string; atMs: number } | null
  /** Something that this node has asked for may still change the store: then a mere report is written too, after which it cannot. */
  inDoubt: boolean
}

/** An engine that ran here before may have asked for something just before it died. */
export const newSeat = (): SharedSeat => ({ seen: null, inDoubt: true })

export interface SharedAnswer {
  /** Counts only when `write` is in the store, in the place of what was read, or when there is none. */
  reply: VoteReply
  write: SharedVoter | null
  seat: SharedSeat
}

export interface SharedNow {
  /** When the answer to the read had come. */
  atMs: number
  /** Never used before. */
  word: string
  times: VoterTimes
}

export function askShared(stored: SharedVoter | null, seat: SharedSeat, message: VoteMessage, now: SharedNow): SharedAnswer {
  const { atMs, times, word } = now
  const known = stored ?? blank(now)
  const seen = known.grant === null || known.grant.word === seat.seen?.word ? seat.seen : { word: known.grant.word, atMs }
  const before = voterOf(known, seen?.atMs ?? atMs)
  const { voter, reply, persist } = vote(before, message, atMs, times)
  const next: SharedVoter = { ...known, ballot: voter.ballot, heard: voter.heard, reports: voter.reports, grant: grantOf(known, voter, reply, word, times) }
  const changed = persist !== null || next.grant !== known.grant || voter.reports !== before.reports || stored === null
  return { reply, write: changed || seat.inDoubt ? next : null, seat: { ...seat, seen } }
}

/** It was lost, or never there: it may have let somebody serve just before. */
function blank({ atMs, word, times }: SharedNow): SharedVoter {
  const { incarnation, ballot, grant, heard, reports } = startVoter(word, null, atMs, times)
  return { incarnation, ballot, heard, reports, grant: grant && { holder: grant.holder, forMs: grant.untilMs - atMs, word } }
}

function voterOf({ grant, ...kept }: SharedVoter, seenAtMs: number): Voter {
  if (grant === null) return { ...kept, grant }
  const { forMs, word: _, ...of } = grant
  return { ...kept, grant: { ...of, untilMs: seenAtMs + forMs } }
}

/** What is longer counts on: the holder may still serve by the one before. */
function grantOf(known: SharedVoter, voter: Voter, reply: VoteReply, word: string, { leaseMs, driftMs }: VoterTimes): SharedGrant | null {
  if (voter.grant === null || !reply.granted) return voter.grant === null ? null : known.grant
  const { untilMs: _, ...of } = voter.grant
  const before = known.grant?.holder === of.holder ? known.grant.forMs : 0
  return { ...of, forMs: Math.max(before, leaseMs + driftMs), word }
}
