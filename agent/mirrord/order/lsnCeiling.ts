import type { CopyStateFile } from '../copyState'
import type { SharedOrderedLog } from './sharedOrderedLog'

/** So many LSNs are set aside on disk at once; the next ones when half of them are used. */
const BLOCK_LSNS = 2 ** 24

/** The LSN after which a new source begins: nothing up to it was ever given out, by this node or by the source that it was the target of. */
export function firstLsn(state: CopyStateFile): number {
  const { lsnCeiling, appliedLsn } = state.get()
  return Math.max(lsnCeiling, appliedLsn)
}

/** No LSN above the one on disk is given out, so that none is ever used again, whatever happens to this process. */
export function raiseCeiling(state: CopyStateFile, lsn: number): void {
  const { lsnCeiling } = state.get()
  if (lsnCeiling - lsn < BLOCK_LSNS / 2) state.update({ lsnCeiling: lsn + BLOCK_LSNS })
}

/** An orderly end gives back what was not used. */
export function lowerCeiling(state: CopyStateFile, log: SharedOrderedLog): void {
  state.update({ lsnCeiling: log.lsn() })
}
