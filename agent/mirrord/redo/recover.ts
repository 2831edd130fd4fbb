import * as libc from '../../native/libc'
import { EOPNOTSUPP, EPERM } from '../../native/libcErrors'
import { bootId } from '../../adapters/processes'
import type { Checkpoint } from '../redolog/checkpoint'
import { fold, isTolerant, type LogState } from '../redolog/fold'
import { LogReader, type LogEntry } from '../redolog/logReader'
import { FolderMarks } from './folderMarks'
import { readMarker, writeMarker } from './marker'
import type { Redo } from './redo'
import { ReplayError, replay } from './replay'
import type { TargetFolder } from './targetFolder'

/** These make changes of names and attributes hard in the order in which they were made: ext4, xfs, btrfs. */
const ORDERED_FILE_SYSTEMS: ReadonlySet<number> = new Set([0xef53, 0x5846_5342, 0x9123_683e])
const STATFS_BYTES = 256

export interface Recovered {
  marks: FolderMarks[]
  /** By folder: frames before this position are done. */
  from: number[]
  changes: number
  /** Why the copy cannot be continued exactly; null: it can. */
  lost: string | null
}

/** Brings the folders to where redo can go on, after an end in the middle of the work. Throws what redo throws when the disk refuses. */
export function recover(redo: Redo, directory: string, checkpoint: Checkpoint, endPosition: number): Recovered {
  const logId = Buffer.from(checkpoint.logId, 'hex')
  const marks = redo.folders.map(() => new FolderMarks(logId))
  const recovered: Recovered = { marks, from: redo.folders.map(() => 0), changes: 0, lost: null }
  if (checkpoint.clean) return recovered
  for (const [index, folder] of redo.folders.entries()) {
    const why = notTold(folder.tree, logId, checkpoint)
    if (why !== null) return { ...recovered, lost: why }
    const marker = readMarker(folder.tree.root, logId)
    if (marker === null || marker.position < checkpoint.point.frame) continue
    if (marker.position >= endPosition) return { ...recovered, lost: 'its redo log has lost what was on the disk already' }
    const log = new LogFromCheckpoint(directory, logId, checkpoint)
    try {
      const replayed = replay(
        folder,
        index,
        () => log.upTo(marker.position),
        marker,
        () => !isTolerant(log.state)
      )
      recovered.changes += replayed.changes
      recovered.lost ??= replayed.lost
    } catch (error) {
      throw error instanceof ReplayError ? redo.fault(error.body.kind, 'path' in error.body ? error.body.path : '', error.answer) : error
    }
    marks[index]!.found(marker)
    recovered.from[index] = marker.position
  }
  return recovered
}

/** null: the folder's marker says how far changes of names have come. */
function notTold({ root }: TargetFolder, logId: Buffer, checkpoint: Checkpoint): string | null {
  if (checkpoint.bootId !== bootId() && !ORDERED_FILE_SYSTEMS.has(fileSystemOf(root)))
    return 'the machine was started again, and this file system does not keep the order of changes'
  if (readMarker(root, logId) !== null) return null
  // None was set, or none can be.
  const answer = writeMarker(root, logId, { position: 0, inode: 0, size: 0, undone: [] })
  return answer === -EPERM || answer === -EOPNOTSUPP ? 'the folder cannot be marked: that needs root, and extended attributes' : null
}

function fileSystemOf(descriptor: number): number {
  const statfs = Buffer.alloc(STATFS_BYTES)
  return libc.fstatfs(descriptor, statfs) < 0 ? 0 : statfs.readUInt32LE(0)
}

/** Reads the log from the checkpoint on, and knows what it says at each place. */
class LogFromCheckpoint {
  state: LogState

  constructor(
    private readonly directory: string,
    private readonly logId: Buffer,
    private readonly checkpoint: Checkpoint
  ) {
    this.state = checkpoint
  }

  *upTo(position: number): Iterable<LogEntry> {
    const reader = new LogReader(this.directory, this.logId, this.checkpoint.point)
    this.state = this.checkpoint
    try {
      for (let entry = reader.read(); entry !== null && entry.position <= position; entry = reader.read()) {
        yield entry
        this.state = fold(this.state, entry)
      }
    } finally {
      reader.close()
    }
  }
}
