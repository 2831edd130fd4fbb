import type { JobName, NodeName, Safety } from './config'

/** Why the job was taken by its owner: the guide's column TakeReason. */
export type TakeReason = 'manual' | 'failover' | 'initial' | 'forced'

/** The guide's column State. `error`: the service should run and does not. */
export type JobStateWord = 'online' | 'offline' | 'starting' | 'stopping' | 'switching' | 'error'

/** Need to Verify (guide 3, property view). */
export type NeedToVerify = 'No' | 'Yes' | 'Manually'

/** What somebody has said of one application; it holds on this node until he says otherwise, the job is brought in, or it changes its owner. */
export interface ApplicationWord {
  word: 'offline' | 'detached'
  sinceMs: number
  by: string
}

/** Nobody acts on the job's faults, because an administrator works on it (guide 4, Detach). Times are wall clock, epoch ms. */
export interface Detached {
  sinceMs: number
  by: string
  reason: string | null
  /** It is watched again from then on, by itself; null: when somebody says so. */
  untilMs: number | null
  /** Replication is stopped too. */
  stopData: boolean
}

/**
 * What a node must not forget about a job. It is on disk before anything acts on it (design §3, rule 1).
 * The role sequence is the fencing token: it grows by one at every change of owner.
 */
export interface JobRecord {
  job: JobName
  roleSequence: number
  owner: NodeName
  /** What the administrator wants of the owner. */
  desired: 'online' | 'offline'
  takeReason: TakeReason
  /** Wall clock, epoch ms, of the node that took it. */
  takeTimeMs: number
  /** Sent to the peer and not answered yet: this node must not start the job before the peer has said which record it holds. */
  handover: { to: NodeName; roleSequence: number; ticket: string } | null
  /**
   * Modes with quorum: this node has voted for itself in this role sequence, and nobody has seconded it as far as it knows. Until somebody has, the
   * rest of the record stays as it was, and no other owner gets this node's vote for an older role sequence.
   */
  claim?: { roleSequence: number } | null
  /**
   * Modes with quorum: this owner has stopped on its way out and given its lease up, whatever the guard remembers of it. It serves again under a new one.
   */
  released?: boolean
  /** Modes with quorum: the owner serves in this role sequence by an administrator's word alone; no voter has recorded it yet. */
  forced?: { roleSequence: number } | null
  /** It was being served when its mode began to need leases, and the first one is not in use yet: it goes on without, and nobody takes over by himself. */
  unleased?: boolean
  /** Of the owner: a voter had made it the owner when its copy was no longer whole. It has served nothing since: what the owner before it holds is right. */
  unserved?: boolean
  errorFlag: string | null
  needToVerify: NeedToVerify
  /** This node's copy of the data is whole: it has been the source, or a full mirror into it has ended. A copy that is not never serves. */
  copyComplete: boolean
  /** The mirroring paper's safety, as the owner's administrator wants it, and how often it was changed. The higher sequence is right. */
  safety: Safety
  safetySequence: number
  /**
   * The mirror has every write that was acknowledged with safety FULL. It is false on both nodes' disks before the first one is acknowledged
   * without it, so that such a copy never takes over by itself. `syncSequence` grows with every change: the higher one is right.
   */
  mirrorInSync: boolean
  syncSequence: number
  /** The role sequence in which an administrator said that the owner's data is right (`selectsrc`); 0: in none. */
  selectedSequence: number
  /** Absent or null: it is watched. Both nodes have it on disk before anybody is told "detached"; the higher sequence is right. */
  detached?: Detached | null
  detachSequence?: number
  /** Of the owner: that word is not known to be on the other node's disk yet, and what was said before it. An engine that dies in between must not take it for agreed. */
  detachUnheard?: { before: Detached | null } | null
  /** Of the owner: sending was stopped for a detachment, and has not been seen to go on since. An engine that dies in between must not forget it. */
  dataHeld?: boolean
  /** By application, of the owner; absent or empty: all run, and all are watched. */
  resources?: Record<string, ApplicationWord>
  /** Owners so far, newest last, at most ROLE_HISTORY_MAX. */
  history: { roleSequence: number; owner: NodeName }[]
}

export const ROLE_HISTORY_MAX = 64
