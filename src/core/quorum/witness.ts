import type { Ballot, VoteMessage, VoteReply } from '../../wire'
import { own, startVoter, vote, type Voter, type VoterTimes } from './voter'

/** A witness is a voter for each job it was ever asked about, and nothing else: a few numbers a job. */
export interface Witness {
  incarnation: string
  startedAtMs: number
  times: VoterTimes
  voters: Record<string, Voter>
}

/** `ballots`: what its disk holds, by job. */
export function startWitness(incarnation: string, ballots: Record<string, Ballot>, atMs: number, times: VoterTimes): Witness {
  const voters = Object.fromEntries(Object.entries(ballots).map(([job, ballot]) => [job, startVoter(incarnation, ballot, atMs, times)]))
  return { incarnation, startedAtMs: atMs, times, voters }
}

/** `persist` goes to the disk before the answer goes out; when it does not get there, nothing of this has happened. */
export interface WitnessAnswer {
  witness: Witness
  persist: { job: string; ballot: Ballot } | null
  reply: VoteReply
}

export function askWitness(witness: Witness, message: VoteMessage, atMs: number): WitnessAnswer {
  const { incarnation, startedAtMs, times, voters } = witness
  const known = own(voters, message.job) ?? startVoter(incarnation, null, startedAtMs, times)
  const { voter, reply, persist } = vote(known, message, atMs, times)
  const next = { ...witness, voters: { ...voters, [message.job]: voter } }
  return { witness: next, reply, persist: persist && { job: message.job, ballot: persist } }
}
