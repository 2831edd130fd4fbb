/**
 * What an engine and a voter say to each other in the modes with quorum. The voters of a job are its two engines and the witness; all three answer by the
 * same rules (src/core/quorum/voter.ts).
 */
export interface VoteMessage {
  job: string
  /** Who asks, and the other node of the pair: a witness that knows nothing yet has to hear both. */
  from: string
  peer: string
  /** Changes at every start of the sender; its questions to one voter count from 1. One that was overtaken by a newer one is not answered with a vote. */
  sender: string
  number: number
  /** The voter's incarnation as the sender has last heard it. A vote is only given to who knows this one, and only counted from this one. */
  voter: string | null
  /** What the sender has on its disk; decided, that is: two of three have it. */
  ballot: Ballot
  ask: VoteQuestion
}

export type VoteQuestion =
  /** This is what I hold; what do you hold? */
  | { do: 'report' }
  /** I own it: hold what I hold, and let me serve for another lease. */
  | { do: 'renew' }
  /** I own it and have stopped it; I serve no more before I have asked anew: whatever lease you gave me is over. */
  | { do: 'release' }
  /** Hold this instead: a new role sequence of mine, or, as owner, a newer word about my mirror. */
  | { do: 'propose'; ballot: Ballot }

/** What a voter keeps of a job: the columns of the mirroring paper's table 4; its safety level is that of the mode. */
export interface Ballot {
  /** The fencing token: it grows with every change of owner, and nobody votes for two owners in one. */
  roleSequence: number
  owner: string
  /** The mirror has every acknowledged write (the paper's is_suspended says the opposite), and the number of this word: the higher one is right. */
  mirrorInSync: boolean
  syncSequence: number
  configVersion: number
  /** How often the safety was changed: kept and shown, nothing is decided by it. A voter of before it was kept has none. */
  safetySequence?: number
}

export interface VoteReply {
  /** Of the question. */
  number: number
  /** The voter's: changes at every start. */
  incarnation: string
  granted: boolean
  /** null: granted, or a report. */
  why: VoteRefusal | null
  /** What the voter holds, on its disk; null: nothing yet. */
  ballot: Ballot | null
  /** Who may be serving by this voter's leave right now. */
  leasedTo: string | null
}

export type VoteRefusal =
  /** The voter has restarted; the next question will name the new incarnation. */
  | 'incarnation'
  /** A newer question of the same sender has been answered. */
  | 'late'
  /** The voter knows nothing yet: it has to hear what both nodes hold. */
  | 'blank'
  | 'config'
  /** It holds a newer role sequence, or another owner for the same one. */
  | 'newer'
  /** Somebody else may still be serving. */
  | 'leased'
  /** The newest record calls the copy of the candidate out of sync. */
  | 'outOfSync'
