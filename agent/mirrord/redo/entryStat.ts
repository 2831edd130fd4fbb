import * as libc from '../../native/libc'
import type { Place } from './targetFolder'

const STATX_AT = { links: 16, uid: 20, gid: 24, mode: 28, inode: 32, size: 40, mtimeSeconds: 112, mtimeNs: 120, rdevMajor: 128, rdevMinor: 132 } as const
const S_IFMT = 0o170000
const MODE_BITS = 0o7777
const NS_PER_S = 1_000_000_000n

/** What stands at a place, read once and asked often. */
export class EntryStat {
  private readonly bytes = Buffer.alloc(libc.STATX_BYTES)

  /** Negative: the error number. */
  read({ directory, name }: Place): number {
    return libc.statx(directory, name, libc.AT_SYMLINK_NOFOLLOW, libc.STATX_ALL, this.bytes)
  }

  get type(): number {
    return this.bytes.readUInt16LE(STATX_AT.mode) & S_IFMT
  }
  get mode(): number {
    return this.bytes.readUInt16LE(STATX_AT.mode) & MODE_BITS
  }
  get links(): number {
    return this.bytes.readUInt32LE(STATX_AT.links)
  }
  get uid(): number {
    return this.bytes.readUInt32LE(STATX_AT.uid)
  }
  get gid(): number {
    return this.bytes.readUInt32LE(STATX_AT.gid)
  }
  get inode(): bigint {
    return this.bytes.readBigUInt64LE(STATX_AT.inode)
  }
  get size(): number {
    return Number(this.bytes.readBigUInt64LE(STATX_AT.size))
  }
  get mtimeNs(): bigint {
    return this.bytes.readBigInt64LE(STATX_AT.mtimeSeconds) * NS_PER_S + BigInt(this.bytes.readUInt32LE(STATX_AT.mtimeNs))
  }
  /** As stat(2) writes it. */
  get rdev(): number {
    const [major, minor] = [this.bytes.readUInt32LE(STATX_AT.rdevMajor), this.bytes.readUInt32LE(STATX_AT.rdevMinor)]
    const low = (minor & 0xff) | ((major & 0xfff) << 8)
    return low + (minor >>> 8) * 0x10_0000 + (major >>> 12) * 0x1000_0000_0000
  }
}
