import fs from 'node:fs'
import * as libc from '../../../agent/native/libc'
import type { Operation } from '../../../src/wire/operation'

/** The smallest redo there can be: what was captured, done again on a copy. Any error ends the test. */
export function redoOperations(operations: Operation[], directory: string): void {
  const root = fs.openSync(directory, 'r')
  try {
    operations.forEach((operation, index) => {
      const result = redo(root, directory, operation)
      if (result < 0) throw new Error(`operation ${index} failed with error ${-result}: ${describe(operation)}`)
    })
  } finally {
    fs.closeSync(root)
  }
}

const describe = (operation: Operation): string =>
  JSON.stringify(operation, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? `${value.length} bytes` : value))

function onFile(root: number, name: Buffer, work: (fd: number) => number): number {
  const fd = libc.openat(root, name, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW, 0)
  if (fd < 0) return fd
  const result = work(fd)
  libc.close(fd)
  return result
}

function redo(root: number, directory: string, operation: Operation): number {
  const name = libc.cString(operation.path === '' ? '.' : operation.path)
  const absolute = Buffer.concat([Buffer.from(`${directory}/`), name])
  const first = (...steps: (() => number)[]): number => steps.reduce((result, step) => (result < 0 ? result : step()), 0)
  const own = (uid: number, gid: number): number => libc.fchownat(root, name, uid, gid, libc.AT_SYMLINK_NOFOLLOW)
  switch (operation.kind) {
    case 'write':
      return onFile(root, name, (fd) => libc.pwrite(fd, operation.data, operation.data.length, operation.offset))
    case 'truncate':
      return onFile(root, name, (fd) => libc.ftruncate(fd, operation.size))
    case 'fallocate':
      return onFile(root, name, (fd) => libc.fallocate(fd, operation.mode, operation.offset, operation.length))
    case 'create':
      return first(
        () => libc.close(libc.openat(root, name, fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_WRONLY, 0o600)),
        () => own(operation.uid, operation.gid),
        () => libc.fchmodat(root, name, operation.mode, 0)
      )
    case 'mkdir':
      return first(
        () => libc.mkdirat(root, name, 0o700),
        () => own(operation.uid, operation.gid),
        () => libc.fchmodat(root, name, operation.mode, 0)
      )
    case 'mknod':
      return first(
        () => libc.mknodat(root, name, operation.mode, operation.rdev),
        () => own(operation.uid, operation.gid),
        () => libc.fchmodat(root, name, operation.mode & 0o7777, 0)
      )
    case 'symlink':
      return first(
        () => libc.symlinkat(libc.cString(operation.target), root, name),
        () => own(operation.uid, operation.gid)
      )
    case 'link':
      return libc.linkat(root, name, root, libc.cString(operation.newPath), 0)
    case 'rename':
      return libc.renameat2(root, name, root, libc.cString(operation.newPath), operation.flags)
    case 'unlink':
      return libc.unlinkat(root, name, 0)
    case 'rmdir':
      return libc.unlinkat(root, name, libc.AT_REMOVEDIR)
    case 'chmod':
      return libc.fchmodat(root, name, operation.mode, 0)
    case 'chown':
      return own(operation.uid, operation.gid)
    case 'times':
      return libc.utimensat(root, name, timesOf(operation.atimeNs, operation.mtimeNs), libc.AT_SYMLINK_NOFOLLOW)
    case 'setxattr':
      return libc.lsetxattr(absolute, libc.cString(operation.name), operation.value, operation.value.length, operation.flags)
    case 'removexattr':
      return libc.lremovexattr(absolute, libc.cString(operation.name))
  }
}

function timesOf(atimeNs: bigint | null, mtimeNs: bigint | null): Buffer {
  const values = Buffer.alloc(32)
  for (const [slot, time] of [atimeNs, mtimeNs].entries()) {
    const nanoseconds = BigInt.asUintN(64, time ?? 0n) % 1_000_000_000n
    if (time !== null) values.writeBigInt64LE((time - nanoseconds) / 1_000_000_000n, slot * 16)
    values.writeUInt32LE(time === null ? libc.UTIME_OMIT : Number(nanoseconds), slot * 16 + 8)
  }
  return values
}
