import fs from 'node:fs'
import * as libc from '../../native/libc'
import type { TargetFolder } from './targetFolder'

export const MODE_BITS = 0o7777
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = fs.constants
const O_CLOEXEC = 0o2000000

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

/** Owner first: it clears set-user-ID bits. The mode again, because the process has a umask. */
export function setOwner(directory: number, name: Buffer, meta: { mode: number; uid: number; gid: number }, withMode: boolean): number {
  const answer = libc.fchownat(directory, name, meta.uid, meta.gid, libc.AT_SYMLINK_NOFOLLOW)
  const mode = withMode ? libc.fchmodat(directory, name, meta.mode & MODE_BITS, 0) : 0
  return answer < 0 ? answer : mode
}

export function writeAll(file: number, data: Uint8Array, offset: number): number {
  for (let from = 0; from < data.length; ) {
    const written = libc.pwrite(file, from === 0 ? data : data.subarray(from), data.length - from, offset + from)
    if (written < 0) return written
    from += written
  }
  return 0
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
