import * as libc from '../../native/libc'
import { EOPNOTSUPP, ESTALE } from '../../native/libcErrors'
import type { Node } from './nodes'
import {
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_FH,
  FATTR_GID,
  FATTR_KILL_SUIDGID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
  GETATTR_FH,
  IN_HEADER_BYTES,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_WRONLY,
  OUT_HEADER_BYTES,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISUID,
  STATFS_BYTES,
  readU64
} from './protocol'
import type { Serving } from './serving'

const BODY = IN_HEADER_BYTES
const GROUP_EXECUTE = 0o10
const UNCHANGED = 0xffffffff

export function getattr(serving: Serving): number {
  const { node, input } = serving
  if (node === undefined) return -ESTALE
  const handle = (input.readUInt32LE(BODY) & GETATTR_FH) !== 0 ? serving.handles.get(readU64(input, BODY + 8)) : undefined
  const result = handle === undefined ? serving.statNode(node) : serving.stat.ofDescriptor(handle.fd)
  return result < 0 ? result : serving.replyAttributes(node)
}

export function setattr(serving: Serving): number {
  const { node, input } = serving
  if (node === undefined) return -ESTALE
  const valid = input.readUInt32LE(BODY)
  const fh = (valid & FATTR_FH) !== 0 ? serving.handles.get(readU64(input, BODY + 8)) : undefined
  const fd = fh?.fd ?? (serving.nodes.pathOf(node) === null ? node.handles[0]?.fd : undefined) ?? null
  const result = serving.locked(() => change(serving, node, valid, fd))
  if (result < 0) return result
  const stated = fd === null ? serving.statNode(node) : serving.stat.ofDescriptor(fd)
  return stated < 0 ? stated : serving.replyAttributes(node)
}

/** Inside the lock: each part that is asked for, until one fails. */
function change(serving: Serving, node: Node, valid: number, fd: number | null): number {
  const { input } = serving
  if ((valid & FATTR_SIZE) !== 0) {
    const result = truncate(serving, node, fd, readU64(input, BODY + 16), (valid & FATTR_KILL_SUIDGID) !== 0)
    if (result < 0) return result
  }
  if ((valid & (FATTR_UID | FATTR_GID)) !== 0) {
    const uid = (valid & FATTR_UID) !== 0 ? input.readUInt32LE(BODY + 76) : UNCHANGED
    const gid = (valid & FATTR_GID) !== 0 ? input.readUInt32LE(BODY + 80) : UNCHANGED
    const result = chown(serving, node, fd, uid, gid)
    if (result < 0) return result
  }
  if ((valid & FATTR_MODE) !== 0) {
    const result = chmod(serving, node, fd, input.readUInt32LE(BODY + 68) & 0o7777)
    if (result < 0) return result
  }
  return (valid & (FATTR_ATIME | FATTR_MTIME)) !== 0 ? setTimes(serving, node, fd, valid) : 0
}

function truncate(serving: Serving, node: Node, fd: number | null, size: number, kill: boolean): number {
  const result = fd === null ? truncateByName(serving, node, size) : truncateOpen(node, fd, size)
  if (result < 0) return result
  serving.log.changed(node.inode)
  const path = serving.sentPath(node)
  if (path !== null) serving.log.append({ folder: serving.folder, kind: 'truncate', path, size })
  if (kill) killSuidgid(serving, node, fd)
  serving.times.add(node)
  return 0
}

function truncateByName(serving: Serving, node: Node, size: number): number {
  const path = serving.nodes.pathOf(node)
  if (path === null) return -ESTALE
  const fd = libc.openat(serving.rootFd, serving.pathBytes(path), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
  if (fd < 0) return fd
  const result = libc.ftruncate(fd, size)
  libc.close(fd)
  return result
}

/** A file without a name may be open for reading under the first descriptor and for writing under another. */
function truncateOpen(node: Node, fd: number, size: number): number {
  let result = libc.ftruncate(fd, size)
  for (const handle of node.handles) {
    if (result >= 0) break
    result = libc.ftruncate(handle.fd, size)
  }
  return result
}

function chown(serving: Serving, node: Node, fd: number | null, uid: number, gid: number): number {
  const path = serving.nodes.pathOf(node)
  const hadSuidgid = (node.mode & (S_ISUID | S_ISGID)) !== 0
  if (fd === null && path === null) return -ESTALE
  const result = fd !== null ? libc.fchown(fd, uid, gid) : libc.fchownat(serving.rootFd, serving.pathBytes(path!), uid, gid, libc.AT_SYMLINK_NOFOLLOW)
  if (result < 0) return result
  serving.log.changed(node.inode)
  const stated = fd !== null ? serving.stat.ofDescriptor(fd) : serving.statNode(node)
  if (stated < 0) return stated
  node.mode = serving.stat.mode
  const sent = serving.sentPath(node)
  if (sent === null) return 0
  serving.log.append({ folder: serving.folder, kind: 'chown', path: sent, uid: serving.stat.uid, gid: serving.stat.gid })
  // The system takes the set-user-id bits away at a change of owner; the target is told what is left.
  if (hadSuidgid) serving.log.append({ folder: serving.folder, kind: 'chmod', path: sent, mode: node.mode & 0o7777 })
  return 0
}

function chmod(serving: Serving, node: Node, fd: number | null, mode: number): number {
  if ((node.mode & S_IFMT) === S_IFLNK) return -EOPNOTSUPP
  const path = serving.nodes.pathOf(node)
  if (fd === null && path === null) return -ESTALE
  const result = fd !== null ? libc.fchmod(fd, mode) : libc.fchmodat(serving.rootFd, serving.pathBytes(path!), mode, 0)
  if (result < 0) return result
  node.mode = (node.mode & S_IFMT) | mode
  serving.log.changed(node.inode)
  const sent = serving.sentPath(node)
  if (sent !== null) serving.log.append({ folder: serving.folder, kind: 'chmod', path: sent, mode })
  return 0
}

/**
 * Inside the lock. FUSE_HANDLE_KILLPRIV_V2: a write, truncate or chown by somebody without CAP_FSETID takes the set-user-id bit, and the set-group-id bit of
 * an executable, away. (File capabilities go by themselves: the file system below removes them at the write.)
 */
export function killSuidgid(serving: Serving, node: Node, fd: number | null): void {
  if ((node.mode & S_IFMT) !== S_IFREG) return
  let mode = node.mode & 0o7777 & ~S_ISUID
  if ((mode & GROUP_EXECUTE) !== 0) mode &= ~S_ISGID
  if (mode === (node.mode & 0o7777)) return
  if (chmod(serving, node, fd, mode) >= 0) serving.invalidateAttributes(node)
}

const timeValues = Buffer.alloc(32)

function putTime(serving: Serving, slot: number, valid: number, set: number, now: number, seconds: number, nanoseconds: number): void {
  const at = slot * 16
  timeValues.fill(0, at, at + 16)
  if ((valid & set) === 0) timeValues.writeUInt32LE(libc.UTIME_OMIT, at + 8)
  else if ((valid & now) !== 0) timeValues.writeUInt32LE(libc.UTIME_NOW, at + 8)
  else {
    serving.input.copy(timeValues, at, BODY + seconds, BODY + seconds + 8)
    serving.input.copy(timeValues, at + 8, BODY + nanoseconds, BODY + nanoseconds + 4)
  }
}

function setTimes(serving: Serving, node: Node, fd: number | null, valid: number): number {
  putTime(serving, 0, valid, FATTR_ATIME, FATTR_ATIME_NOW, 32, 56)
  putTime(serving, 1, valid, FATTR_MTIME, FATTR_MTIME_NOW, 40, 60)
  const path = serving.nodes.pathOf(node)
  if (fd === null && path === null) return -ESTALE
  const result = fd !== null ? libc.futimens(fd, timeValues) : libc.utimensat(serving.rootFd, serving.pathBytes(path!), timeValues, libc.AT_SYMLINK_NOFOLLOW)
  if (result < 0) return result
  serving.log.changed(node.inode)
  const stated = fd !== null ? serving.stat.ofDescriptor(fd) : serving.statNode(node)
  if (stated < 0) return stated
  const sent = serving.sentPath(node)
  if (sent === null) return 0
  const { atimeNs, mtimeNs } = serving.stat
  // What the disk keeps may be coarser than what was asked for: the target gets what the disk has.
  serving.log.append({
    folder: serving.folder,
    kind: 'times',
    path: sent,
    atimeNs: (valid & FATTR_ATIME) !== 0 ? atimeNs : null,
    mtimeNs: (valid & FATTR_MTIME) !== 0 || serving.times.has(node) ? mtimeNs : null
  })
  serving.times.forget(node)
  return 0
}

const statfsBytes = Buffer.alloc(256)

export function statfs(serving: Serving): number {
  const result = libc.fstatfs(serving.rootFd, statfsBytes)
  if (result < 0) return result
  const { output } = serving
  output.fill(0, OUT_HEADER_BYTES, OUT_HEADER_BYTES + STATFS_BYTES)
  // struct statfs: type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize (8 bytes each).
  statfsBytes.copy(output, OUT_HEADER_BYTES, 16, 56)
  statfsBytes.copy(output, OUT_HEADER_BYTES + 40, 8, 12)
  statfsBytes.copy(output, OUT_HEADER_BYTES + 44, 64, 68)
  statfsBytes.copy(output, OUT_HEADER_BYTES + 48, 72, 76)
  return STATFS_BYTES
}
