import * as libc from '../../native/libc'
import { ticksOf } from '../dirty/ticks'
import type { Identity } from './nodes'

/** Places in struct statx. */
const NLINK = 16
const UID = 20
const GID = 24
const MODE = 28
const INODE = 32
const SIZE = 40
const ATIME = 64
const BIRTH = 80
const CTIME = 96
const MTIME = 112
const RDEV_MAJOR = 128
const RDEV_MINOR = 132
const DEV_MAJOR = 136
const DEV_MINOR = 140

const TWO_32 = 2 ** 32
const EXACT_HIGH = 2 ** 21
const EMPTY_PATH = libc.cString('')

/** One struct statx that is filled again and again, so that the hot path allocates nothing. */
export class Stat {
  readonly bytes = Buffer.alloc(libc.STATX_BYTES)
  /** The device of the folder's root: inode numbers of other devices (mounts inside the folder) need the device to be unique. */
  rootDevice = -1

  ofPath(rootFd: number, path: Buffer): number {
    return libc.statx(rootFd, path, libc.AT_SYMLINK_NOFOLLOW, libc.STATX_ALL, this.bytes)
  }

  ofDescriptor(fd: number): number {
    return libc.statx(fd, EMPTY_PATH, libc.AT_EMPTY_PATH, libc.STATX_ALL, this.bytes)
  }

  get mode(): number {
    return this.bytes.readUInt16LE(MODE)
  }

  get links(): number {
    return this.bytes.readUInt32LE(NLINK)
  }

  get uid(): number {
    return this.bytes.readUInt32LE(UID)
  }

  get gid(): number {
    return this.bytes.readUInt32LE(GID)
  }

  get size(): number {
    return this.bytes.readUInt32LE(SIZE) + this.bytes.readUInt32LE(SIZE + 4) * TWO_32
  }

  get device(): number {
    return this.bytes.readUInt32LE(DEV_MAJOR) * 0x100000 + this.bytes.readUInt32LE(DEV_MINOR)
  }

  /** As makedev(3) folds it for 32 bits, which is what the wire and mknod take. */
  get rdev(): number {
    const major = this.bytes.readUInt32LE(RDEV_MAJOR)
    const minor = this.bytes.readUInt32LE(RDEV_MINOR)
    return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
  }

  get mtimeNs(): bigint {
    return this.bytes.readBigInt64LE(MTIME) * 1_000_000_000n + BigInt(this.bytes.readUInt32LE(MTIME + 8))
  }

  get atimeNs(): bigint {
    return this.bytes.readBigInt64LE(ATIME) * 1_000_000_000n + BigInt(this.bytes.readUInt32LE(ATIME + 8))
  }

  /** When the inode was changed, folded as the time of birth. */
  get changedTicks(): number {
    return ticksOf(this.bytes.readUInt32LE(CTIME), this.bytes.readUInt32LE(CTIME + 8))
  }

  identity(): Identity {
    const low = this.bytes.readUInt32LE(INODE)
    const high = this.bytes.readUInt32LE(INODE + 4)
    const inode = high < EXACT_HIGH ? low + high * TWO_32 : this.bytes.readBigUInt64LE(INODE)
    const key = typeof inode === 'number' && this.device === this.rootDevice ? inode : `${this.device}:${inode}`
    const birth = ticksOf(this.bytes.readUInt32LE(BIRTH), this.bytes.readUInt32LE(BIRTH + 8))
    return { inode, key, birth, mode: this.mode }
  }

  /** Writes it as a struct fuse_attr. */
  writeAttributes(out: Buffer, at: number): void {
    const { bytes } = this
    bytes.copy(out, at, INODE, INODE + 24)
    bytes.copy(out, at + 24, ATIME, ATIME + 8)
    bytes.copy(out, at + 32, MTIME, MTIME + 8)
    bytes.copy(out, at + 40, CTIME, CTIME + 8)
    bytes.copy(out, at + 48, ATIME + 8, ATIME + 12)
    bytes.copy(out, at + 52, MTIME + 8, MTIME + 12)
    bytes.copy(out, at + 56, CTIME + 8, CTIME + 12)
    out.writeUInt32LE(this.mode, at + 60)
    bytes.copy(out, at + 64, NLINK, NLINK + 12)
    out.writeUInt32LE(this.rdev, at + 76)
    bytes.copy(out, at + 80, 4, 8)
    out.writeUInt32LE(0, at + 84)
  }
}
