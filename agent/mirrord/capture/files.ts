import * as libc from '../../native/libc'
import { EBADF, EINVAL, ESTALE } from '../../native/libcErrors'
import { killSuidgid } from './attributes'
import type { Handle, Node } from './nodes'
import {
  FOPEN_KEEP_CACHE,
  IN_HEADER_BYTES,
  O_ACCMODE,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_TRUNC,
  OPEN_KILL_SUIDGID,
  OPEN_OUT_BYTES,
  OUT_HEADER_BYTES,
  WRITE_IN_BYTES,
  WRITE_KILL_SUIDGID,
  readU64,
  writeU64
} from './protocol'
import type { Serving } from './serving'
import { SlowKind } from './slowQueue'

/** Answered later, by another thread; or never. */
export const NO_REPLY = -0x10000

const BODY = IN_HEADER_BYTES
const FSYNC_DATA_ONLY = 1
/** In the request's header: the thread that waits, as this process sees it. */
const HEADER_PID = 32
/** O_APPEND and O_DIRECT are the kernel's business above; O_SYNC makes it send FSYNC after each write. */
export const backingFlags = (flags: number): number => (flags & (O_ACCMODE | O_TRUNC)) | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK

export function writeOpenOut(serving: Serving, handle: Handle, at: number, flags: number): number {
  serving.output.fill(0, at, at + OPEN_OUT_BYTES)
  writeU64(serving.output, handle.fh, at)
  serving.output.writeUInt32LE(flags, at + 8)
  return OPEN_OUT_BYTES
}

function handleAt(serving: Serving, at: number): Handle | undefined {
  return serving.handles.get(readU64(serving.input, BODY + at))
}

/** A file without a name is opened again through a descriptor of it (somebody opened /proc/PID/fd/N). */
function openNode(serving: Serving, node: Node, flags: number): number {
  const path = serving.nodes.pathOf(node)
  if (path !== null) return libc.openat(serving.rootFd, serving.pathBytes(path), backingFlags(flags), 0)
  const open = node.handles[0]
  return open === undefined ? -ESTALE : libc.open(libc.cString(`/proc/self/fd/${open.fd}`), backingFlags(flags) & ~O_NOFOLLOW, 0)
}

export function open(serving: Serving): number {
  const { node } = serving
  if (node === undefined) return -ESTALE
  const flags = serving.input.readUInt32LE(BODY)
  const kill = (serving.input.readUInt32LE(BODY + 4) & OPEN_KILL_SUIDGID) !== 0
  const fd = (flags & O_TRUNC) !== 0 ? serving.locked(() => openTruncating(serving, node, flags, kill)) : openNode(serving, node, flags)
  if (fd < 0) return fd
  if (node.excluded && (flags & O_ACCMODE) !== 0) noticeOtherNames(serving, node, fd)
  const handle = serving.handles.add(fd, node, flags)
  return writeOpenOut(serving, handle, OUT_HEADER_BYTES, FOPEN_KEEP_CACHE)
}

export function openTruncating(serving: Serving, node: Node, flags: number, kill: boolean): number {
  const fd = openNode(serving, node, flags)
  if (fd < 0) return fd
  serving.log.changed(node.inode)
  const path = serving.sentPath(node)
  if (path !== null) serving.log.append({ folder: serving.folder, kind: 'truncate', path, size: 0 })
  if (kill) killSuidgid(serving, node, fd)
  serving.times.add(node)
  return fd
}

/** An excluded name may have a replicated sister that capture has not seen yet. */
function noticeOtherNames(serving: Serving, node: Node, fd: number): void {
  if (serving.stat.ofDescriptor(fd) >= 0 && serving.stat.links > node.names.length) node.namedElsewhere = true
}

/** From the page cache if all of it is there, else by a slow thread. A short answer would mean "end of file" to the kernel. */
export function read(serving: Serving): number {
  const { input } = serving
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  const offset = readU64(input, BODY + 8)
  const size = input.readUInt32LE(BODY + 16)
  serving.counters.add('reads', 1)
  serving.readVector.writeUInt32LE(size, 8)
  const bytes = libc.preadv2(handle.fd, serving.readVector, 1, offset, libc.RWF_NOWAIT)
  if (bytes === size) return bytes
  if (bytes >= 0 && atEnd(serving, handle, offset + bytes)) return bytes
  serving.counters.add('coldReads', 1)
  return handOn(serving, SlowKind.READ, handle.fd, offset, size)
}

function atEnd(serving: Serving, handle: Handle, offset: number): boolean {
  return serving.stat.ofDescriptor(handle.fd) >= 0 && serving.stat.size <= offset
}

function handOn(serving: Serving, kind: SlowKind, fd: number, offset: number, size: number, slot = -1): number {
  const uniqueLow = serving.input.readUInt32LE(8)
  const uniqueHigh = serving.input.readUInt32LE(12)
  if (serving.options.slow.add({ kind, fd, uniqueLow, uniqueHigh, offset, size, slot })) return NO_REPLY
  const result = doItHere(serving, kind, fd, offset, size)
  if (slot < 0) return result
  serving.options.waiters!.flushed(slot, result)
  return NO_REPLY
}

/** What was changed until now is to be hard: on this disk, and with safety FULL on the target's. The two go side by side. */
function makeHard(serving: Serving, kind: SlowKind, fd: number): number {
  const uniqueLow = serving.input.readUInt32LE(8)
  const uniqueHigh = serving.input.readUInt32LE(12)
  return handOn(serving, kind, fd, 0, 0, serving.log.awaitTarget(serving.options.fuseFd, uniqueLow, uniqueHigh, serving.input.readUInt32LE(HEADER_PID)))
}

/** Only when a thousand slow requests wait already. */
function doItHere(serving: Serving, kind: SlowKind, fd: number, offset: number, size: number): number {
  if (kind === SlowKind.FSYNC) return libc.fsync(fd)
  if (kind === SlowKind.FDATASYNC) return libc.fdatasync(fd)
  if (kind === SlowKind.SYNCFS) return libc.syncfs(fd)
  let done = 0
  while (done < size) {
    const start = OUT_HEADER_BYTES + done
    const bytes = libc.pread(fd, serving.output.subarray(start, start + size - done), size - done, offset + done)
    if (bytes < 0) return done > 0 ? done : bytes
    if (bytes === 0) break
    done += bytes
  }
  return done
}

export function write(serving: Serving): number {
  const { input, output, log } = serving
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  const offset = readU64(input, BODY + 8)
  const size = input.readUInt32LE(BODY + 16)
  const kill = (input.readUInt32LE(BODY + 20) & WRITE_KILL_SUIDGID) !== 0
  const start = BODY + WRITE_IN_BYTES
  if (start + size > serving.requestBytes) return -EINVAL
  log.lock()
  let written: number
  try {
    written = writeInLock(serving, handle, offset, input.subarray(start, start + size), kill)
  } finally {
    log.unlock()
  }
  if (written < 0) return written
  serving.counters.add('writes', 1)
  serving.counters.add('writtenBytes', written)
  output.writeUInt32LE(written, OUT_HEADER_BYTES)
  output.writeUInt32LE(0, OUT_HEADER_BYTES + 4)
  return 8
}

function writeInLock(serving: Serving, handle: Handle, offset: number, data: Buffer, kill: boolean): number {
  const { node } = handle
  const written = libc.pwrite(handle.fd, data, data.length, offset)
  if (written < 0) return written
  serving.log.changed(node.inode)
  const path = serving.sentPath(node)
  // The disk may have taken only a part (it is full): what it took is what happened.
  if (path !== null && written > 0) {
    serving.log.append({ folder: serving.folder, kind: 'write', path, offset, data: written === data.length ? data : data.subarray(0, written) })
  }
  if (kill) killSuidgid(serving, node, handle.fd)
  serving.times.add(node)
  return written
}

export function fallocate(serving: Serving): number {
  const { input } = serving
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  const { node } = handle
  const offset = readU64(input, BODY + 8)
  const length = readU64(input, BODY + 16)
  const mode = input.readUInt32LE(BODY + 24)
  return serving.locked(() => {
    const before = sizeOf(serving, handle)
    const result = libc.fallocate(handle.fd, mode, offset, length)
    if (result < 0) return grownAllTheSame(serving, handle, before, result)
    serving.log.changed(node.inode)
    const path = serving.sentPath(node)
    if (path !== null) serving.log.append({ folder: serving.folder, kind: 'fallocate', path, mode, offset, length })
    serving.times.add(node)
    return 0
  })
}

const sizeOf = ({ stat }: Serving, { fd }: Handle): number => (stat.ofDescriptor(fd) < 0 ? -1 : stat.size)

/** ext4 on a disk that gets full allocates as far as it can, makes the file so large, and fails. */
function grownAllTheSame(serving: Serving, handle: Handle, before: number, error: number): number {
  const { node } = handle
  const size = sizeOf(serving, handle)
  if (size < 0 || size === before) return error
  serving.log.changed(node.inode)
  const path = serving.sentPath(node)
  if (path !== null) serving.log.append({ folder: serving.folder, kind: 'truncate', path, size })
  serving.invalidateAttributes(node)
  serving.times.add(node)
  return error
}

export function lseek(serving: Serving): number {
  const { input } = serving
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  const found = libc.lseek(handle.fd, readU64(input, BODY + 8), input.readUInt32LE(BODY + 16))
  if (found < 0) return found
  writeU64(serving.output, found, OUT_HEADER_BYTES)
  return 8
}

export function fsync(serving: Serving): number {
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  serving.counters.add('syncs', 1)
  const dataOnly = (serving.input.readUInt32LE(BODY + 8) & FSYNC_DATA_ONLY) !== 0
  if (!dataOnly) serving.times.send(handle.node)
  return makeHard(serving, dataOnly ? SlowKind.FDATASYNC : SlowKind.FSYNC, handle.fd)
}

export function syncfs(serving: Serving): number {
  return makeHard(serving, SlowKind.SYNCFS, serving.rootFd)
}

/** Sent at every close of a file. */
export function flush(serving: Serving): number {
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  serving.times.send(handle.node)
  return 0
}

export function release(serving: Serving): number {
  if (serving.doubt?.performed) return 0
  const handle = handleAt(serving, 0)
  if (handle === undefined) return -EBADF
  serving.times.send(handle.node)
  serving.table?.request.releasing(handle.fh)
  serving.closeHandle(handle)
  return 0
}
