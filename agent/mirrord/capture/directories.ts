import * as libc from '../../native/libc'
import { EBADF, ESTALE } from '../../native/libcErrors'
import { writeOpenOut } from './files'
import type { DirectoryCursor, Handle } from './nodes'
import { DIRENT_BYTES, ENTRY_OUT_BYTES, IN_HEADER_BYTES, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, OUT_HEADER_BYTES, readU64 } from './protocol'
import type { Serving } from './serving'

/**
 * Directories are answered straight from the real one, with its own cookies: what a listing shows while names come and go is what the file system below
 * promises, and a directory of any size costs one small buffer.
 */

const BODY = IN_HEADER_BYTES
const CURSOR_BYTES = 32 << 10

/** struct linux_dirent64: inode, cookie (8 bytes each), length (2), type (1), name. */
const COOKIE = 8
const LENGTH = 16
const TYPE = 18
const NAME = 19

export function opendir(serving: Serving): number {
  const { node } = serving
  const path = node === undefined ? null : serving.nodes.pathOf(node)
  if (node === undefined || path === null) return -ESTALE
  const fd = libc.openat(serving.rootFd, serving.pathBytes(path), O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0)
  if (fd < 0) return fd
  return writeOpenOut(serving, serving.handles.add(fd, node, O_DIRECTORY), OUT_HEADER_BYTES, 0)
}

export function releasedir(serving: Serving): number {
  if (serving.doubt?.performed) return 0
  const handle = serving.handles.get(readU64(serving.input, BODY))
  if (handle === undefined) return -EBADF
  serving.table?.request.releasing(handle.fh)
  serving.closeHandle(handle)
  return 0
}

export const readdir = (serving: Serving): number => list(serving, false)
export const readdirplus = (serving: Serving): number => list(serving, true)

function list(serving: Serving, plus: boolean): number {
  const { input } = serving
  const handle = serving.handles.get(readU64(input, BODY))
  if (handle === undefined) return -EBADF
  const cursor = cursorAt(handle, input.readUInt32LE(BODY + 8), input.readUInt32LE(BODY + 12))
  if (typeof cursor === 'number') return cursor
  const limit = OUT_HEADER_BYTES + input.readUInt32LE(BODY + 16)
  let out = OUT_HEADER_BYTES
  for (;;) {
    if (cursor.at >= cursor.end) {
      const bytes = libc.getdents64(handle.fd, cursor.buffer, cursor.buffer.length)
      if (bytes < 0) return out > OUT_HEADER_BYTES ? out - OUT_HEADER_BYTES : bytes
      cursor.at = 0
      cursor.end = bytes
      if (bytes === 0) break
    }
    const written = writeDirent(serving, handle, cursor, out, limit, plus)
    if (written === 0) break
    out += written
  }
  return out - OUT_HEADER_BYTES
}

/** Goes on where the last answer ended, or seeks to where the reader went. */
function cursorAt(handle: Handle, low: number, high: number): DirectoryCursor | number {
  const cursor = (handle.directory ??= { buffer: Buffer.allocUnsafeSlow(CURSOR_BYTES), at: 0, end: 0, low: 0, high: 0 })
  const isStart = low === 0 && high === 0
  if (cursor.low === low && cursor.high === high && !isStart) return cursor
  const cookie = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
  const result = libc.lseek(handle.fd, cookie, libc.SEEK_SET)
  if (result < 0) return result
  cursor.at = cursor.end = 0
  cursor.low = low
  cursor.high = high
  return cursor
}

/** One entry; 0: it does not fit any more. */
function writeDirent(serving: Serving, handle: Handle, cursor: DirectoryCursor, out: number, limit: number, plus: boolean): number {
  const { output } = serving
  const { buffer, at } = cursor
  const nameStart = at + NAME
  const nameBytes = buffer.indexOf(0, nameStart) - nameStart
  const before = plus ? ENTRY_OUT_BYTES : 0
  const bytes = before + ((DIRENT_BYTES + nameBytes + 7) & ~7)
  if (out + bytes > limit) return 0
  if (plus) writePlus(serving, handle, buffer.toString('latin1', nameStart, nameStart + nameBytes), out)
  const start = out + before
  output.fill(0, start, out + bytes)
  buffer.copy(output, start, at, at + LENGTH)
  output.writeUInt32LE(nameBytes, start + 16)
  output.writeUInt32LE(buffer[at + TYPE]!, start + 20)
  buffer.copy(output, start + DIRENT_BYTES, nameStart, nameStart + nameBytes)
  cursor.low = buffer.readUInt32LE(at + COOKIE)
  cursor.high = buffer.readUInt32LE(at + COOKIE + 4)
  cursor.at += buffer.readUInt16LE(at + LENGTH)
  return bytes
}

/** The lookup that comes with the entry. Node 0, where there is none, makes the kernel look it up later. */
function writePlus(serving: Serving, handle: Handle, name: string, out: number): void {
  const path = name === '.' || name === '..' ? null : serving.nodes.childPath(handle.node, name)
  if (path === null || serving.statPath(path) < 0) {
    serving.output.fill(0, out, out + ENTRY_OUT_BYTES)
    return
  }
  serving.writeEntry(serving.nodes.found(handle.node, name, serving.stat.identity()), out)
}
