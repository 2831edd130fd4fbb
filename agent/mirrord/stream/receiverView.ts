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
  /** It knows that from a source. */
  copyKnown: boolean
  diverged: boolean
  /** What the source last said of the session. */
  session: SessionNews | null
  /** Redo has come to a stop at an error. */
  suspended: { code: string; message: string } | null
  fault: { code: string; message: string } | null
}

/** Whether the copy of a stopped job is still what it was nobody knows, and then it has no lineage. */
const isKnown = ({ session, lineage }: Readonly<CopyState>): boolean => session !== null || lineage !== null

export function ofCopy(state: Readonly<CopyState>): Pick<ReceiverView, 'copyComplete' | 'copyKnown' | 'diverged'> {
  const { copyComplete, diverged } = state
  return { copyComplete, copyKnown: isKnown(state), diverged }
}

/** Before anybody has connected. */
export function firstView(state: Readonly<CopyState>): ReceiverView {
  const { appliedLsn, roleSequence } = state
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
    ...ofCopy(state),
    session: null,
    suspended: null,
    fault: null
  }
}
