import type { FrameBody } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { EDQUOT, ENOSPC, EOPNOTSUPP, EPERM } from '../../native/libcErrors'
import { UNDONE_MAX, writeMarker, type Marker } from './marker'
import { RENAME_EXCHANGE, shiftsRanges, sizeAfterShift } from './redoOperation'
import type { TargetFolder } from './targetFolder'

const NAMES_CHANGE: ReadonlySet<FrameBody['kind']> = new Set([
  'create',
  'mkdir',
  'mknod',
  'symlink',
  'link',
  'rename',
  'unlink',
  'rmdir',
  'walkDirectory',
  'walkListing',
  'walkFile',
  'walkSymlink',
  'walkNode',
  'walkLink',
  'checkListing'
])

/** A second time, it is not the same as once: it is marked on the folder before it is done. */
export const changesNames = (body: FrameBody): boolean => NAMES_CHANGE.has(body.kind) || shiftsRanges(body)

const MAKES_NEW: ReadonlySet<FrameBody['kind']> = new Set(['create', 'mkdir', 'mknod', 'symlink', 'link'])
export const isOfNew = (body: FrameBody): boolean => MAKES_NEW.has(body.kind)

/** The name whose inode tells afterwards whether the change was done. */
const toldBy = (body: FrameBody): string | null =>
  body.kind === 'link' ? body.newPath : isOfNew(body) || ['rename', 'unlink', 'rmdir'].includes(body.kind) ? (body as { path: string }).path : null

/** Was this change, which a crash has cut off, done all the same? Half a change that makes something counts as not done. */
export function isDone(tree: TargetFolder, body: FrameBody, marker: Marker): boolean {
  if (shiftsRanges(body)) return sizeOf(tree, body.path) === sizeAfterShift(body, marker.size)
  if (marker.inode === 0) return false
  if (body.kind === 'unlink' || body.kind === 'rmdir') return tree.inodeOf(body.path) === 0
  if (body.kind !== 'rename') return false
  if (body.flags & RENAME_EXCHANGE) return tree.inodeOf(body.path) !== marker.inode
  return tree.inodeOf(body.newPath) === marker.inode
}

function sizeOf(tree: TargetFolder, path: string): number {
  const file = tree.file(path)
  return file < 0 ? -1 : libc.lseek(file, 0, SEEK_END)
}

const SEEK_END = 2
const NOT_POSSIBLE: ReadonlySet<number> = new Set([EPERM, EOPNOTSUPP])

/** The marks on one folder. */
export class FolderMarks {
  /** What a crash would find. */
  last: Marker | null = null
  /** False: this file system, or this user, has no such attributes; after a crash the copy counts as not complete. */
  possible = true
  private undone: number[] = []

  constructor(private readonly logId: Buffer) {}

  /** As found on the folder after a crash. */
  found(marker: Marker): void {
    this.last = marker
    this.undone = [...marker.undone]
  }

  /** Before the change. Negative: the error number. */
  mark(tree: TargetFolder, body: FrameBody, position: number, makeHard: () => void): number {
    if (!this.possible) return 0
    if (this.undone.length > UNDONE_MAX) makeHard()
    const told = toldBy(body)
    const marker = { position, inode: told === null ? 0 : tree.inodeOf(told), size: shiftsRanges(body) ? sizeOf(tree, body.path) : 0 }
    const first = this.write(tree, { ...marker, undone: this.undone })
    if (first !== -ENOSPC && first !== -EDQUOT) return first
    // The attribute grows with what was forgiven since the checkpoint.
    makeHard()
    return this.write(tree, { ...marker, undone: this.undone })
  }

  private write(tree: TargetFolder, marker: Marker): number {
    const answer = writeMarker(tree.root, this.logId, marker)
    if (NOT_POSSIBLE.has(-answer)) {
      this.possible = false
      return 0
    }
    if (answer >= 0) this.last = { ...marker, undone: [] }
    return answer
  }

  /** Of these, a replay could not tell by itself that they were forgiven. */
  wasUndone(body: FrameBody, position: number): void {
    if (['rename', 'link', 'walkLink'].includes(body.kind)) this.undone.push(position)
  }

  /** All before this position is hard: nobody will replay it. */
  checkpoint(position: number): void {
    this.undone = this.undone.filter((each) => each >= position)
  }
}
