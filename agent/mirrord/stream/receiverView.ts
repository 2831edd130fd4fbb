import type { CopyState } from '../copyState'
import type { SessionNews } from './hello'

/** What the receiving end shows of itself. */
export interface ReceiverView {
  connected: boolean
  link: string | null
  links: { name: string; state: 'OK' | 'Error' }[]
  receivedBytes: number
  /** All up to it is hard in the redo log. */
  receivedLsn: number
  appliedLsn: number
  /** Received and not applied yet. */
  redoQueueBytes: number
  roleSequence: number
  mirrors: boolean
  /** As the source says; packProgress. */
  progress: number
  copyComplete: boolean
  diverged: boolean
  /** What the source last said of the session. */
  session: SessionNews | null
  /** Redo has come to a stop at an error. */
  suspended: { code: string; message: string } | null
  fault: { code: string; message: string } | null
}

/** Before anybody has connected. */
export function firstView({ appliedLsn, roleSequence, copyComplete, diverged }: Readonly<CopyState>): ReceiverView {
  return {
    connected: false,
    link: null,
    links: [],
    receivedBytes: 0,
    receivedLsn: appliedLsn,
    appliedLsn,
    redoQueueBytes: 0,
    roleSequence,
    mirrors: false,
    progress: 0,
    copyComplete,
    diverged,
    session: null,
    suspended: null,
    fault: null
  }
}
