import fs from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { dataError } from '../../../src/wire/frame'
import type { FrameBody, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import * as libc from '../../native/libc'
import {
  EEXIST, EINVAL, EISDIR, ENODATA, ENOENT, ENOTDIR, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, EXDEV,
} from '../../native/libcErrors'
import { applyWalkStep } from './redoWalk'
import { TargetFolder } from './targetFolder'

const ELOOP = 40
const RENAME_EXCHANGE = 2
const MODE_BITS = 0o7777
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = fs.constants
const O_CLOEXEC = 0o2000000

/** What a target that is not whole yet may answer: the walk brings these paths later. No space or a bad disk is never among them. */
const TOLERATED: ReadonlySet<number> = new Set([ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, ENXIO, EINVAL, ENODATA, EXDEV])

export type Excluded = (path: string) => boolean

export interface RedoFolder {
  tree: TargetFolder
  excluded: Excluded
}

/**
 * Repeats the source's changes below the folders, in order. Strict: a change that fails means that the copies differ, so
 * it is a fault. Tolerant, while a full mirror runs: the target may not have the file yet, and the walk will bring it.
 */
export class Redo {
  /** A full mirror runs, or capture only watches. */
  tolerant = false
  private readonly privileged = process.getuid?.() === 0

  constructor(private readonly job: string, private readonly folders: RedoFolder[]) {}

  close(): void {
    for (const { tree } of this.folders) tree.close()
  }

  /** Everything redo has changed is on the disk. */
  sync(): void {
    for (const { tree } of this.folders) {
      const answer = libc.syncfs(tree.root)
      if (answer < 0) throw this.fault('sync', '', answer)
    }
  }

  apply(body: Operation | WalkStep): void {
    const folder = this.folders[body.folder]
    if (folder === undefined) throw dataError('E_REDO', { job: this.job, kind: body.kind, path: 'path' in body ? body.path : '', why: `folder ${body.folder} is not configured here` })
    const answer = body.kind.startsWith('walk') ? applyWalkStep(folder, body as WalkStep) : applyOperation(folder.tree, body as Operation, this.tolerant)
    if (answer >= 0 || this.forgiven(body, -answer)) return
    throw this.fault(body.kind, 'path' in body ? body.path : '', answer)
  }

  private forgiven(body: FrameBody, error: number): boolean {
    if (this.tolerant && TOLERATED.has(error)) return true
    // Owners need root, and not every file system has extended attributes: what cannot be kept does not stop replication.
    if (error === EPERM && !this.privileged) return ['chown', 'setxattr', 'removexattr', 'create', 'mkdir', 'mknod', 'walkFile', 'walkDirectory', 'walkSymlink', 'walkNode'].includes(body.kind)
    return error === EOPNOTSUPP && (body.kind === 'setxattr' || body.kind === 'removexattr')
  }

  private fault(kind: string, path: string, answer: number): Error {
    return dataError('E_REDO', { job: this.job, kind, path: Buffer.from(path, 'latin1').toString(), why: getSystemErrorName(answer) })
  }
}

/** Answers 0 or more, or a negative error number. */
export function applyOperation(tree: TargetFolder, operation: Operation, tolerant: boolean): number {
  const first = attempt(tree, operation)
  // Something stale stands where the source has made something new: on the source it is not there.
  if (!tolerant || first >= 0) return first
  if (first === -EEXIST && makesNew(operation)) {
    tree.remove('newPath' in operation ? operation.newPath : operation.path)
    return attempt(tree, operation)
  }
  if (operation.kind === 'unlink' || operation.kind === 'rmdir') return tree.remove(operation.path)
  if (operation.kind === 'rename') return renameAnyhow(tree, operation)
  return first
}

const makesNew = (operation: Operation): boolean => ['create', 'mkdir', 'mknod', 'symlink', 'link'].includes(operation.kind)

/** The old name is gone on the source, whatever the target had there; what belongs at the new one the walk will bring. */
function renameAnyhow(tree: TargetFolder, operation: Operation & { kind: 'rename' }): number {
  if (operation.flags & RENAME_EXCHANGE) return 0
  tree.remove(operation.newPath)
  const again = attempt(tree, operation)
  return again < 0 ? tree.remove(operation.path) : again
}

function attempt(tree: TargetFolder, operation: Operation): number {
  switch (operation.kind) {
    case 'write': return onFile(tree, operation.path, (file) => writeAll(file, operation.data, operation.offset))
    case 'truncate': return onFile(tree, operation.path, (file) => libc.ftruncate(file, operation.size))
    case 'fallocate': return onFile(tree, operation.path, (file) => allocate(file, operation))
    case 'create': return createFile(tree, operation.path, operation.mode, operation.uid, operation.gid)
    case 'link': case 'rename': return twoPlaces(tree, operation)
    case 'unlink': tree.forgetFile(operation.path); break
    case 'rmdir': tree.forget(); break
    default: break
  }
  const place = tree.place(operation.path)
  if (typeof place === 'number') return place
  const { directory, name } = place
  switch (operation.kind) {
    case 'mkdir': return owned(libc.mkdirat(directory, name, operation.mode & MODE_BITS), () => setOwner(directory, name, operation, true))
    case 'mknod': return owned(libc.mknodat(directory, name, operation.mode, operation.rdev), () => setOwner(directory, name, operation, true))
    case 'symlink': return owned(libc.symlinkat(libc.cString(operation.target), directory, name), () => setOwner(directory, name, { ...operation, mode: 0 }, false))
    case 'unlink': return libc.unlinkat(directory, name, 0)
    case 'rmdir': return libc.unlinkat(directory, name, libc.AT_REMOVEDIR)
    case 'chmod': return tree.isSymlink(place) ? -ELOOP : libc.fchmodat(directory, name, operation.mode & MODE_BITS, 0)
    case 'chown': return libc.fchownat(directory, name, operation.uid, operation.gid, libc.AT_SYMLINK_NOFOLLOW)
    case 'times': return libc.utimensat(directory, name, timeSpecs(operation.atimeNs, operation.mtimeNs), libc.AT_SYMLINK_NOFOLLOW)
    case 'setxattr': return libc.lsetxattr(tree.procPath(place), libc.cString(operation.name), operation.value, operation.value.length, operation.flags)
    case 'removexattr': return libc.lremovexattr(tree.procPath(place), libc.cString(operation.name))
    default: return -EINVAL
  }
}

const owned = (made: number, setIt: () => number): number => (made < 0 ? made : setIt())

/** Owner first: it clears set-user-ID bits. The mode again, because the process has a umask. */
export function setOwner(directory: number, name: Buffer, meta: { mode: number; uid: number; gid: number }, withMode: boolean): number {
  const answer = libc.fchownat(directory, name, meta.uid, meta.gid, libc.AT_SYMLINK_NOFOLLOW)
  const mode = withMode ? libc.fchmodat(directory, name, meta.mode & MODE_BITS, 0) : 0
  return answer < 0 ? answer : mode
}

function onFile(tree: TargetFolder, path: string, use: (file: number) => number): number {
  const file = tree.file(path)
  return file < 0 ? file : use(file)
}

/** A new file that nobody had before; it stays open for what is written next. */
export function createFile(tree: TargetFolder, path: string, mode: number, uid: number, gid: number): number {
  const place = tree.place(path)
  if (typeof place === 'number') return place
  tree.forgetFile(path)
  const file = libc.openat(place.directory, place.name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, mode & MODE_BITS)
  if (file < 0) return file
  tree.keepFile(path, file)
  const answer = libc.fchown(file, uid, gid)
  const chmod = libc.fchmod(file, mode & MODE_BITS)
  return answer < 0 ? answer : chmod
}

export function writeAll(file: number, data: Uint8Array, offset: number): number {
  for (let from = 0; from < data.length; ) {
    const written = libc.pwrite(file, from === 0 ? data : data.subarray(from), data.length - from, offset + from)
    if (written < 0) return written
    from += written
  }
  return 0
}

function allocate(file: number, operation: Operation & { kind: 'fallocate' }): number {
  return libc.fallocate(file, operation.mode, operation.offset, operation.length)
}

function twoPlaces(tree: TargetFolder, operation: Operation & { kind: 'link' | 'rename' }): number {
  const from = tree.place(operation.path)
  if (typeof from === 'number') return from
  const to = tree.place(operation.newPath)
  if (typeof to === 'number') return to
  if (operation.kind === 'link') return libc.linkat(from.directory, from.name, to.directory, to.name, 0)
  const answer = libc.renameat2(from.directory, from.name, to.directory, to.name, operation.flags)
  if (answer >= 0) tree.forgetMoved(operation.path, operation.newPath)
  return answer
}

const NS_PER_S = 1_000_000_000n

/** struct timespec[2]; null leaves one as it is. */
export function timeSpecs(atimeNs: bigint | null, mtimeNs: bigint | null): Buffer {
  const specs = Buffer.alloc(32)
  for (const [index, ns] of [atimeNs, mtimeNs].entries()) {
    if (ns === null) specs.writeBigInt64LE(BigInt(libc.UTIME_OMIT), index * 16 + 8)
    else {
      const fraction = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S
      specs.writeBigInt64LE((ns - fraction) / NS_PER_S, index * 16)
      specs.writeBigInt64LE(fraction, index * 16 + 8)
    }
  }
  return specs
}
