import type { NeedToVerify } from '../../../src/model'
import type { Begin } from './hello'

/** What main has to know of the sender; sent on change. */
export interface SenderView {
  connected: boolean
  link: string | null
  links: { name: string; state: 'OK' | 'Error' }[]
  sentBytes: number
  /** Not hard on the target yet, and moved out of memory. */
  pagefileBytes: number
  sentLsn: number
  targetHardLsn: number
  targetAppliedLsn: number
  /** The target has acknowledged something since this node is the source. */
  acknowledged: boolean
  /** As the target says with each acknowledgement. */
  targetMirrors: boolean
  targetComplete: boolean
  targetRedoBytes: number
  /** Redo stands still at this error. */
  redoError: string | null
  /** By the clock of this boot, which is one for all threads; before the first word: when the sender began. */
  heardAtMs: number
  paused: boolean
  bandwidthBytesPerSecond: number | null
  needToVerify: NeedToVerify
  session: string | null
  problem: { code: string; message: string } | null
  /** Why the target lost its copy; until it is whole again. */
  targetFault: { code: string; message: string } | null
}

/** How a connection went on, and the lineage that both sides have once the target is whole. */
export interface Begun {
  decision: Begin['decision']
  session: string
  lineage: string
}

export interface SenderStart {
  roleSequence: number
  /** The stream was wanted from the first write on, after this LSN; null: it begins with the first connection. */
  startLsn: number | null
  /** Of this copy; null: none yet. */
  lineage: string | null
  /** For the first mirror, when there is none yet: marks are made for it from the start. */
  freshLineage: string
  /** The dirty map names all that the target may lack. */
  dirtyKnown: boolean
}
