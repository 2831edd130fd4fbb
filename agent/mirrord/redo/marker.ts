import * as libc from '../../native/libc'
import { ENODATA } from '../../native/libcErrors'
import { ID_BYTES } from '../redolog/format'

/**
 * Set on the folder before each change of names. Where the file system makes its metadata hard in order, whatever state a crash leaves
 * it in says: all changes of names before this one are done, none after it is begun, and this one may be done or not.
 */
export const MARKER = 'trusted.mirrorpair.redo'

export interface Marker {
  /** Of the change, in the redo log. */
  position: number
  /** What the path led to before it; 0: to nothing. Tells whether a rename is done. */
  inode: number
  /** The file's size before it: tells whether a range was collapsed or inserted. */
  size: number
  /** Changes of names since the checkpoint that were forgiven because the copy is not whole: they were not done. */
  undone: readonly number[]
}

const NAME = libc.cString(MARKER)
const HEAD_BYTES = ID_BYTES + 3 * 8
const COUNT_BYTES = 8
/** A value has to fit beside others; xfs writes larger ones past its journal. */
export const UNDONE_MAX = 180
const VALUE_BYTES_MAX = HEAD_BYTES + UNDONE_MAX * COUNT_BYTES

/** Negative: the error number. */
export function writeMarker(root: number, logId: Buffer, { position, inode, size, undone }: Marker): number {
  const value = Buffer.alloc(HEAD_BYTES + undone.length * COUNT_BYTES)
  logId.copy(value)
  for (const [index, count] of [position, inode, size, ...undone].entries()) value.writeDoubleLE(count, ID_BYTES + index * COUNT_BYTES)
  return libc.fsetxattr(root, NAME, value, value.length, 0)
}

/** null: there is none of this log. */
export function readMarker(root: number, logId: Buffer): Marker | null {
  const value = Buffer.alloc(VALUE_BYTES_MAX)
  const bytes = libc.fgetxattr(root, NAME, value, value.length)
  if (bytes < HEAD_BYTES || !value.subarray(0, ID_BYTES).equals(logId)) return null
  const counts = Array.from({ length: (bytes - ID_BYTES) / COUNT_BYTES }, (_, index) => value.readDoubleLE(ID_BYTES + index * COUNT_BYTES))
  const [position = 0, inode = 0, size = 0, ...undone] = counts
  return { position, inode, size, undone }
}

/** Negative: it could not be removed. */
export function removeMarker(root: number): number {
  const answer = libc.fremovexattr(root, NAME)
  return answer === -ENODATA ? 0 : answer
}
