import * as libc from '../../native/libc'
import { EEXIST, ENOENT, ESTALE } from '../../native/libcErrors'
import { backingFlags, openTruncating, writeOpenOut } from './files'
import type { Node } from './nodes'
import {
  ENTRY_OUT_BYTES,
  FOPEN_KEEP_CACHE,
  IN_HEADER_BYTES,
  O_CREAT,
  O_EXCL,
  O_TRUNC,
  OPEN_KILL_SUIDGID,
  OUT_HEADER_BYTES,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  readU64
} from './protocol'
import { sendContent } from './resend'
import type { Serving } from './serving'

const BODY = IN_HEADER_BYTES
const READLINK_BYTES_MAX = 4096
const PRIVATE_MODE = 0o600
const PRIVATE_DIRECTORY_MODE = 0o700
const DEFAULT_LIST = libc.cString('system.posix_acl_default')

export function lookup(serving: Serving): number {
  const parent = serving.node
  if (parent === undefined) return -ESTALE
  const name = serving.nameAt(0)
  const path = serving.nodes.childPath(parent, name)
  if (path === null) return -ENOENT
  serving.counters.add('lookups', 1)
  const result = serving.statPath(path)
  if (result === -ENOENT) {
    serving.writeEntryHeader(0, OUT_HEADER_BYTES)
    return ENTRY_OUT_BYTES
  }
  if (result < 0) return result
  return serving.writeEntry(serving.nodes.found(parent, name, serving.stat.identity()), OUT_HEADER_BYTES)
}

export function readlink(serving: Serving): number {
  const { node, output } = serving
  const path = node === undefined ? null : serving.nodes.pathOf(node)
  if (path === null) return -ESTALE
  return libc.readlinkat(serving.rootFd, serving.pathBytes(path), output.subarray(OUT_HEADER_BYTES), READLINK_BYTES_MAX)
}

/** Where a new name goes: its directory, its path, the owner it gets (the caller, and the directory's group where that has the set-group-id bit). */
interface Place {
  parent: Node
  name: string
  path: string
  uid: number
  gid: number
  inheritsGroup: boolean
}

function placeFor(serving: Serving, nameAt: number): Place | number {
  const parent = serving.node
  if (parent === undefined) return -ESTALE
  const name = serving.nameAt(nameAt)
  const path = serving.nodes.childPath(parent, name)
  if (path === null) return -ENOENT
  const inheritsGroup = (parent.mode & S_ISGID) !== 0
  let { gid } = serving
  if (inheritsGroup) {
    const result = serving.statNode(parent)
    if (result < 0) return result
    gid = serving.stat.gid
  }
  return { parent, name, path, uid: serving.uid, gid, inheritsGroup }
}

/** Inside the lock, after the new name is there and `stat` holds it. */
function added(serving: Serving, place: Place): Node {
  const node = serving.nodes.found(place.parent, place.name, serving.stat.identity())
  serving.log.changed(node.inode)
  serving.log.changed(place.parent.inode)
  return node
}

function timesChanged(serving: Serving, place: Place, node: Node): void {
  serving.times.add(node)
  serving.times.add(place.parent)
}

/** CREATE: makes and opens a file; opens it when it is there after all. */
export function create(serving: Serving): number {
  const { input } = serving
  const place = placeFor(serving, 16)
  if (typeof place === 'number') return place
  const flags = input.readUInt32LE(BODY)
  const mode = newMode(serving, place, input.readUInt32LE(BODY + 4), input.readUInt32LE(BODY + 8))
  const kill = (input.readUInt32LE(BODY + 12) & OPEN_KILL_SUIDGID) !== 0
  const fd = serving.locked(() => createFile(serving, place, flags, mode, kill))
  if (fd < 0) return fd
  const stated = serving.stat.ofDescriptor(fd)
  if (stated < 0) {
    libc.close(fd)
    return stated
  }
  const node = serving.nodes.found(place.parent, place.name, serving.stat.identity())
  const bytes = serving.writeEntry(node, OUT_HEADER_BYTES)
  const handle = serving.handles.add(fd, node, flags)
  return bytes + writeOpenOut(serving, handle, OUT_HEADER_BYTES + bytes, FOPEN_KEEP_CACHE)
}

/** What a new name's mode becomes. */
interface NewMode {
  bits: number
  /** It is made with these bits, and the directory's default access list turns them into a list of its own and the mode that goes with it. */
  inherits: boolean
}

/** As the system does: the caller's mask counts where the directory has no default access list. */
function newMode(serving: Serving, { parent }: Place, mode: number, umask: number): NewMode {
  const path = serving.nodes.pathOf(parent)
  const inherits = path !== null && libc.lgetxattr(serving.absolutePathBytes(path), DEFAULT_LIST, null, 0) > 0
  return { bits: mode & 0o7777 & ~(inherits ? 0 : umask), inherits }
}

/** After the owner, whose change takes set-user-id bits away. Answers the mode that it has then. */
function setMode(serving: Serving, { bits, inherits }: NewMode, look: () => number, chmod: (mode: number) => number): number {
  const looked = inherits ? look() : 0
  if (looked < 0) return looked
  const mode = inherits ? (serving.stat.mode & 0o7777) | (bits & 0o7000) : bits
  const set = inherits && mode === (serving.stat.mode & 0o7777) ? 0 : chmod(mode)
  return set < 0 ? set : mode
}

function createFile(serving: Serving, place: Place, flags: number, mode: NewMode, kill: boolean): number {
  const made = backingFlags(flags & ~O_TRUNC)
  serving.table?.request.making()
  let fd = libc.openat(serving.rootFd, serving.pathBytes(place.path), made | O_CREAT | O_EXCL, mode.inherits ? mode.bits : PRIVATE_MODE)
  if (fd === -EEXIST && serving.madeIt()) fd = libc.openat(serving.rootFd, serving.pathBytes(place.path), made, 0)
  else if (fd === -EEXIST) serving.table?.request.existed()
  if (fd === -EEXIST && (flags & O_EXCL) === 0) return openExisting(serving, place, flags, kill)
  if (fd < 0) return fd
  const result = finishNewFile(serving, place, fd, mode)
  if (result >= 0) return fd
  libc.close(fd)
  libc.unlinkat(serving.rootFd, serving.pathBytes(place.path), 0)
  return result
}

function openExisting(serving: Serving, place: Place, flags: number, kill: boolean): number {
  const result = serving.statPath(place.path)
  if (result < 0) return result
  const node = serving.nodes.found(place.parent, place.name, serving.stat.identity())
  if ((flags & O_TRUNC) !== 0) return openTruncating(serving, node, flags, kill)
  return libc.openat(serving.rootFd, serving.pathBytes(place.path), backingFlags(flags), 0)
}

function finishNewFile(serving: Serving, place: Place, fd: number, wanted: NewMode): number {
  const owned = libc.fchown(fd, place.uid, place.gid)
  if (owned < 0) return owned
  const look = (): number => serving.stat.ofDescriptor(fd)
  const mode = setMode(serving, wanted, look, (bits) => libc.fchmod(fd, bits))
  if (mode < 0) return mode
  const stated = serving.stat.ofDescriptor(fd)
  if (stated < 0) return stated
  const node = added(serving, place)
  if (!serving.nodes.isExcluded(place.path)) {
    serving.log.append({ folder: serving.folder, kind: 'create', path: place.path, mode, uid: place.uid, gid: place.gid })
  }
  timesChanged(serving, place, node)
  return 0
}

/** What is being made may have been made by a process that died before it could answer: it is finished then. */
function makeName(serving: Serving, make: () => number): number {
  serving.table?.request.making()
  const made = make()
  if (made !== -EEXIST) return made
  if (serving.madeIt()) return 0
  serving.table?.request.existed()
  return made
}

/** Inside the lock, for what has no descriptor: owner, mode, statx. Answers the mode. On an error the new name is taken away again. */
function finishNewName(serving: Serving, place: Place, wanted: NewMode | null, removeFlags: number): number {
  const bytes = serving.pathBytes(place.path)
  const look = (): number => serving.stat.ofPath(serving.rootFd, bytes)
  const owned = libc.fchownat(serving.rootFd, bytes, place.uid, place.gid, libc.AT_SYMLINK_NOFOLLOW)
  const mode = owned < 0 || wanted === null ? owned : setMode(serving, wanted, look, (bits) => libc.fchmodat(serving.rootFd, bytes, bits, 0))
  const result = mode < 0 ? mode : look()
  if (result < 0) libc.unlinkat(serving.rootFd, bytes, removeFlags)
  return result < 0 ? result : mode
}

function replyNew(serving: Serving, place: Place, make: () => number): number {
  const result = serving.locked(make)
  if (result < 0) return result
  const stated = serving.statPath(place.path)
  if (stated < 0) return stated
  return serving.writeEntry(serving.nodes.found(place.parent, place.name, serving.stat.identity()), OUT_HEADER_BYTES)
}

export function mkdir(serving: Serving): number {
  const place = placeFor(serving, 8)
  if (typeof place === 'number') return place
  const asked = serving.input.readUInt32LE(BODY) | (place.inheritsGroup ? S_ISGID : 0)
  const wanted = newMode(serving, place, asked, serving.input.readUInt32LE(BODY + 4))
  return replyNew(serving, place, () => {
    const first = wanted.inherits ? wanted.bits : PRIVATE_DIRECTORY_MODE
    const made = makeName(serving, () => libc.mkdirat(serving.rootFd, serving.pathBytes(place.path), first))
    if (made < 0) return made
    const mode = finishNewName(serving, place, wanted, libc.AT_REMOVEDIR)
    if (mode < 0) return mode
    const node = added(serving, place)
    if (!serving.nodes.isExcluded(place.path)) {
      serving.log.append({ folder: serving.folder, kind: 'mkdir', path: place.path, mode, uid: place.uid, gid: place.gid })
    }
    timesChanged(serving, place, node)
    return 0
  })
}

export function mknod(serving: Serving): number {
  const place = placeFor(serving, 16)
  if (typeof place === 'number') return place
  const asked = serving.input.readUInt32LE(BODY)
  const rdev = serving.input.readUInt32LE(BODY + 4)
  const wanted = newMode(serving, place, asked, serving.input.readUInt32LE(BODY + 8))
  const type = asked & S_IFMT
  return replyNew(serving, place, () => {
    const first = type | (wanted.inherits ? wanted.bits : PRIVATE_MODE)
    const made = makeName(serving, () => libc.mknodat(serving.rootFd, serving.pathBytes(place.path), first, rdev))
    if (made < 0) return made
    const mode = finishNewName(serving, place, wanted, 0)
    if (mode < 0) return mode
    const node = added(serving, place)
    if (!serving.nodes.isExcluded(place.path)) {
      const { path, uid, gid } = place
      if (type === S_IFREG || type === 0) serving.log.append({ folder: serving.folder, kind: 'create', path, mode, uid, gid })
      else serving.log.append({ folder: serving.folder, kind: 'mknod', path, mode: type | mode, rdev, uid, gid })
    }
    timesChanged(serving, place, node)
    return 0
  })
}

export function symlink(serving: Serving): number {
  const place = placeFor(serving, 0)
  if (typeof place === 'number') return place
  const target = serving.nameAt(place.name.length + 1)
  return replyNew(serving, place, () => {
    const made = makeName(serving, () => libc.symlinkat(serving.otherPathBytes(target), serving.rootFd, serving.pathBytes(place.path)))
    if (made < 0) return made
    const finished = finishNewName(serving, place, null, 0)
    if (finished < 0) return finished
    const node = added(serving, place)
    if (!serving.nodes.isExcluded(place.path)) {
      serving.log.append({ folder: serving.folder, kind: 'symlink', path: place.path, target, uid: place.uid, gid: place.gid })
    }
    timesChanged(serving, place, node)
    return 0
  })
}

export function link(serving: Serving): number {
  const node = serving.nodes.byNodeId(readU64(serving.input, BODY))
  const place = placeFor(serving, 8)
  if (typeof place === 'number') return place
  if (node === undefined) return -ESTALE
  return replyNew(serving, place, () => linkInLock(serving, node, place))
}

function linkInLock(serving: Serving, node: Node, place: Place): number {
  const path = serving.nodes.pathOf(node)
  const sentPath = serving.nodes.sentPathOf(node)
  if (path === null) return -ENOENT
  const linked = makeName(serving, () => libc.linkat(serving.rootFd, serving.pathBytes(path), serving.rootFd, serving.otherPathBytes(place.path), 0))
  if (linked < 0) return linked
  serving.nodes.addName(node, place.parent, place.name)
  serving.log.changed(node.inode)
  serving.log.changed(place.parent.inode)
  if (!serving.nodes.isExcluded(place.path)) {
    if (sentPath !== null) serving.log.append({ folder: serving.folder, kind: 'link', path: sentPath, newPath: place.path })
    else sendContent(serving, place.path)
    serving.log.revisit(serving.folder, place.path)
  }
  serving.times.add(place.parent)
  return 0
}

export const unlink = (serving: Serving): number => remove(serving, 0)
export const rmdir = (serving: Serving): number => remove(serving, libc.AT_REMOVEDIR)

function remove(serving: Serving, flags: number): number {
  const place = placeFor(serving, 0)
  if (typeof place === 'number') return place
  return serving.locked(() => {
    const found = removeName(serving, place, flags)
    if (typeof found === 'number') return found
    const { inode, links } = found
    serving.log.changed(inode)
    serving.log.changed(place.parent.inode)
    const kind = flags === 0 ? 'unlink' : 'rmdir'
    if (!serving.nodes.isExcluded(place.path)) serving.log.append({ folder: serving.folder, kind, path: place.path })
    nameLost(serving, place.parent, place.name, links)
    serving.times.add(place.parent)
    return 0
  })
}

/** Inside the lock: takes the name away, and answers which inode had it and how many names that had. */
function removeName(serving: Serving, place: Place, flags: number): { inode: number | bigint; links: number } | number {
  const stated = serving.statPath(place.path)
  if (stated === -ENOENT && serving.removedIt()) return serving.doubt!
  if (stated < 0) return stated
  const { inode } = serving.stat.identity()
  const { links } = serving.stat
  serving.holdOpen(serving.nodes.child(place.parent, place.name))
  serving.table?.request.evidence({ inode, links, existed: true })
  const removed = libc.unlinkat(serving.rootFd, serving.pathBytes(place.path), flags)
  return removed < 0 ? removed : { inode, links }
}

/** `links`: how many names the inode had before it lost this one. */
export function nameLost(serving: Serving, parent: Node, name: string, links: number): void {
  const node = serving.nodes.child(parent, name)
  if (node === undefined) return
  serving.nodes.removeName(node, parent, name)
  if (node.isDirectory || links <= 1) serving.nodes.inodeGone(node)
  else if (serving.nodes.sentPathOf(node) === null) node.namedElsewhere = links - 1 > node.names.length
}

export function forget(serving: Serving): number {
  serving.nodes.forget(serving.nodeId, readU64(serving.input, BODY))
  return 0
}

export function batchForget(serving: Serving): number {
  const count = serving.input.readUInt32LE(BODY)
  for (let index = 0; index < count; index++) {
    const at = BODY + 8 + index * 16
    serving.nodes.forget(readU64(serving.input, at), readU64(serving.input, at + 8))
  }
  return 0
}
