import type { FrameBody } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import * as libc from '../../native/libc'
import { ELOOP, EEXIST, EINVAL, EPERM } from '../../native/libcErrors'
import { createFile, MODE_BITS, setOwner, timeSpecs, writeAll } from './making'
import { S_IFDIR, S_IFREG, type TargetFolder } from './targetFolder'

export const RENAME_EXCHANGE = 2
/** A rename that the target could not do: what it would have left is gone, and the walk brings what belongs there. */
export const DONE_OTHERWISE = 1

/** Answers 0 or more, or a negative error number. */
export function applyOperation(tree: TargetFolder, operation: Operation, tolerant: boolean): number {
  const first = attempt(tree, operation)
  // Something stale stands where the source has made something new: on the source it is not there.
  if (!tolerant || first >= 0) return first
  if (first === -EEXIST && makesNew(operation)) {
    // What cannot be linked takes nothing away.
    if (operation.kind === 'link' && (operation.path === operation.newPath || tree.typeOf(operation.path) === S_IFDIR)) return -EINVAL
    tree.remove('newPath' in operation ? operation.newPath : operation.path)
    const again = attempt(tree, operation)
    return again === -EPERM && isOfAnotherKind(tree, operation) ? -EINVAL : again
  }
  if (operation.kind === 'unlink' || operation.kind === 'rmdir') return tree.remove(operation.path)
  if (operation.kind === 'rename') return renameAnyhow(tree, operation)
  return first === -EPERM && isOfAnotherKind(tree, operation) ? -EINVAL : first
}

/** EPERM also says that what stands here is nothing that can be linked or can have attributes: then it is stale, and the walk replaces it. */
function isOfAnotherKind(tree: TargetFolder, operation: Operation): boolean {
  const type = tree.typeOf(operation.path)
  if (operation.kind === 'link') return type === S_IFDIR
  return (operation.kind === 'setxattr' || operation.kind === 'removexattr') && type !== S_IFREG && type !== S_IFDIR
}

const makesNew = (operation: Operation): boolean => ['create', 'mkdir', 'mknod', 'symlink', 'link'].includes(operation.kind)

/** The old name is gone on the source, whatever the target had there; what belongs at the new one the walk will bring. */
function renameAnyhow(tree: TargetFolder, operation: Operation & { kind: 'rename' }): number {
  if (operation.flags & RENAME_EXCHANGE) return DONE_OTHERWISE
  tree.remove(operation.newPath)
  const again = attempt(tree, operation)
  if (again >= 0) return again
  const removed = tree.remove(operation.path)
  return removed < 0 ? removed : DONE_OTHERWISE
}

function attempt(tree: TargetFolder, operation: Operation): number {
  switch (operation.kind) {
    case 'write':
      return onFile(tree, operation.path, (file) => writeAll(file, operation.data, operation.offset))
    case 'truncate':
      return onFile(tree, operation.path, (file) => libc.ftruncate(file, operation.size))
    case 'fallocate':
      return onFile(tree, operation.path, (file) => allocate(file, operation))
    case 'create':
      return createFile(tree, operation.path, operation.mode, operation.uid, operation.gid)
    case 'link':
    case 'rename':
      return twoPlaces(tree, operation)
    case 'unlink':
      tree.forgetFile(operation.path)
      break
    case 'rmdir':
      tree.forget()
      break
    default:
      break
  }
  const place = tree.place(operation.path)
  if (typeof place === 'number') return place
  const { directory, name } = place
  if (CHANGES_ATTRIBUTES.has(operation.kind)) tree.touched(place)
  switch (operation.kind) {
    case 'mkdir':
      return owned(libc.mkdirat(directory, name, operation.mode & MODE_BITS), () => setOwner(directory, name, operation, true))
    case 'mknod':
      return owned(libc.mknodat(directory, name, operation.mode, operation.rdev), () => setOwner(directory, name, operation, true))
    case 'symlink':
      return owned(libc.symlinkat(libc.cString(operation.target), directory, name), () => setOwner(directory, name, { ...operation, mode: 0 }, false))
    case 'unlink':
      return tree.unlink(place)
    case 'rmdir':
      return libc.unlinkat(directory, name, libc.AT_REMOVEDIR)
    case 'chmod':
      return tree.isSymlink(place) ? -ELOOP : libc.fchmodat(directory, name, operation.mode & MODE_BITS, 0)
    case 'chown':
      return libc.fchownat(directory, name, operation.uid, operation.gid, libc.AT_SYMLINK_NOFOLLOW)
    case 'times':
      return libc.utimensat(directory, name, timeSpecs(operation.atimeNs, operation.mtimeNs), libc.AT_SYMLINK_NOFOLLOW)
    case 'setxattr':
      return libc.lsetxattr(tree.procPath(place), libc.cString(operation.name), operation.value, operation.value.length, operation.flags)
    case 'removexattr':
      return libc.lremovexattr(tree.procPath(place), libc.cString(operation.name))
    default:
      return -EINVAL
  }
}

const CHANGES_ATTRIBUTES: ReadonlySet<Operation['kind']> = new Set(['chmod', 'chown', 'times', 'setxattr', 'removexattr'])

const owned = (made: number, setIt: () => number): number => (made < 0 ? made : setIt())

function onFile(tree: TargetFolder, path: string, use: (file: number) => number): number {
  const file = tree.file(path)
  return file < 0 ? file : use(file)
}

const FALLOC_COLLAPSE = 8
const FALLOC_INSERT = 32

/** It moves what lies behind the range: doing it twice is not the same as once. */
export const shiftsRanges = (body: FrameBody): body is Operation & { kind: 'fallocate' } =>
  body.kind === 'fallocate' && (body.mode & (FALLOC_COLLAPSE | FALLOC_INSERT)) !== 0
export const sizeAfterShift = ({ mode, length }: Operation & { kind: 'fallocate' }, size: number): number =>
  mode & FALLOC_COLLAPSE ? size - length : size + length

function allocate(file: number, operation: Operation & { kind: 'fallocate' }): number {
  return libc.fallocate(file, operation.mode, operation.offset, operation.length)
}

function twoPlaces(tree: TargetFolder, operation: Operation & { kind: 'link' | 'rename' }): number {
  const from = tree.place(operation.path)
  if (typeof from === 'number') return from
  const to = tree.place(operation.newPath)
  if (typeof to === 'number') return to
  // It has more than one name from now on: its next change is looked at anew.
  tree.forgetFile(operation.path)
  if (operation.kind === 'link') return libc.linkat(from.directory, from.name, to.directory, to.name, 0)
  if (!(operation.flags & RENAME_EXCHANGE)) tree.losesName(to)
  const answer = libc.renameat2(from.directory, from.name, to.directory, to.name, operation.flags)
  if (answer >= 0) tree.forgetMoved(operation.path, operation.newPath)
  return answer
}
