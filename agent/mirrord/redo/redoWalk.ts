import fs from 'node:fs'
import type { WalkStep } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { EEXIST, EISDIR, ENODATA, ENOENT, ENOTDIR, EOPNOTSUPP } from '../../native/libcErrors'
import { MARKER } from './marker'
import { createFile, setOwner, timeSpecs, writeAll } from './making'
import { S_IFDIR, namesIn, type RedoFolder, type TargetFolder } from './targetFolder'

const S_IFMT_SHIFT = 12
const XATTR_NAMES_BYTES = 65_536

/**
 * Steps of the walk. A file is made anew in the place of whatever has its name: no stale content, hole, hard link or
 * attribute can be left, and a name that was linked with another file before loses that link. Answers as applyOperation.
 */
export function applyWalkStep(folder: RedoFolder, step: WalkStep): number {
  const { tree } = folder
  switch (step.kind) {
    case 'walkBegin':
    case 'walkEnd':
      return 0
    case 'walkDirectory':
      return makeDirectory(tree, step)
    case 'walkListing':
      return keepOnly(folder, step)
    case 'walkFile':
      return makeFile(tree, step)
    case 'walkSymlink':
      return anew(tree, step.path, (directory, name) => {
        const made = libc.symlinkat(libc.cString(step.target), directory, name)
        return made < 0 ? made : setOwner(directory, name, { ...step, mode: 0 }, false)
      })
    case 'walkNode':
      return anew(tree, step.path, (directory, name) => {
        const made = libc.mknodat(directory, name, step.mode, step.rdev)
        const owned = made < 0 ? made : setOwner(directory, name, step, true)
        return owned < 0 ? owned : clearInherited(tree, step.path)
      })
    case 'walkLink':
      // Without the other name this one stays as it is: the walk looks at both again.
      if (tree.typeOf(step.path) < 0) return tree.typeOf(step.path)
      if (tree.typeOf(step.path) === S_IFDIR || step.path === step.newPath) return -EISDIR
      tree.forgetFile(step.path)
      return anew(tree, step.newPath, (directory, name) => {
        const from = tree.place(step.path)
        return typeof from === 'number' ? from : libc.linkat(from.directory, from.name, directory, name, 0)
      })
    case 'checkBegin':
    case 'checkEntry':
    case 'checkListing':
    case 'checkBlocks':
    case 'checkLink':
    case 'checkAttributes':
    case 'checkEnd':
      return -EOPNOTSUPP
    default:
      return step satisfies never
  }
}

function anew(tree: TargetFolder, path: string, make: (directory: number, name: Buffer) => number): number {
  const removed = tree.remove(path)
  if (removed < 0 && removed !== -ENOENT) return removed
  const place = tree.place(path)
  return typeof place === 'number' ? place : make(place.directory, place.name)
}

function makeFile(tree: TargetFolder, step: WalkStep & { kind: 'walkFile' }): number {
  const first = createFile(tree, step.path, step.mode, step.uid, step.gid)
  const removed = first === -EEXIST ? tree.remove(step.path) : 0
  if (removed < 0 && removed !== -ENOENT) return removed
  const made = first === -EEXIST ? createFile(tree, step.path, step.mode, step.uid, step.gid) : first
  const file = tree.file(step.path)
  if (file < 0) return made < 0 ? made : file
  const cleared = clearInherited(tree, step.path)
  if (cleared < 0) return cleared
  const written = writeAll(file, step.data, 0)
  const sized = written < 0 || step.size === step.data.length ? written : libc.ftruncate(file, step.size)
  if (sized < 0) return sized
  libc.futimens(file, timeSpecs(null, step.mtimeNs))
  return made
}

/** A directory may give what is made in it an access list. On the source the file may be older than that: what it has follows. */
function clearInherited(tree: TargetFolder, path: string): number {
  const place = tree.place(path)
  return typeof place === 'number' ? place : clearAttributes(tree.procPath(place))
}

/** Keeps a directory that is there: only what differs below it has to go, and the listing that follows removes that. */
function makeDirectory(tree: TargetFolder, step: WalkStep & { kind: 'walkDirectory' }): number {
  if (tree.directory(step.path) === -ENOTDIR || tree.directory(step.path) === -ENOENT) {
    const removed = tree.remove(step.path)
    if (removed < 0 && removed !== -ENOENT) return removed
    const place = tree.place(step.path)
    if (typeof place === 'number') return place
    const made = libc.mkdirat(place.directory, place.name, step.mode)
    if (made < 0) return made
  }
  const place = tree.place(step.path)
  if (typeof place === 'number') return place
  const cleared = clearAttributes(tree.procPath(place))
  const answer = setOwner(place.directory, place.name, step, true)
  return answer < 0 ? answer : cleared
}

export function clearAttributes(path: Buffer): number {
  const names = Buffer.alloc(XATTR_NAMES_BYTES)
  const length = libc.llistxattr(path, names, names.length)
  if (length < 0) return length === -EOPNOTSUPP ? 0 : length
  for (const name of names.toString('latin1', 0, length).split('\0').filter(Boolean)) {
    if (name.startsWith('security.') || name === MARKER) continue
    const answer = libc.lremovexattr(path, libc.cString(name))
    if (answer < 0 && answer !== -ENODATA && answer !== -EOPNOTSUPP) return answer
  }
  return 0
}

/** Removes what is too much, or is of another kind, in the listed stretch of names. Excluded names belong to the target. */
function keepOnly({ tree, excluded }: RedoFolder, step: WalkStep & { kind: 'walkListing' }): number {
  const listed = tree.directory(step.path)
  if (listed < 0) return listed
  const wanted = new Map(step.entries.map((entry) => [entry.name, entry.type]))
  const upTo = step.last ? null : (step.entries.at(-1)?.name ?? step.after)
  for (const name of namesIn(listed)) {
    // Removing a directory closes what is cached, so it is asked for again each time.
    const directory = tree.directory(step.path)
    if (directory < 0) return directory
    if (name <= step.after && step.after !== '') continue
    if (upTo !== null && name > upTo) continue
    const path = step.path === '' ? name : `${step.path}/${name}`
    if (excluded(path) || typeOf(directory, name) === wanted.get(name)) continue
    const removed = tree.remove(path)
    if (removed < 0 && removed !== -ENOENT) return removed
  }
  return 0
}

function typeOf(directory: number, name: string): number | undefined {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), Buffer.from(name, 'latin1')])
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : stat.mode >> S_IFMT_SHIFT
}
