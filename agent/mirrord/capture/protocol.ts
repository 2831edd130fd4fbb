/** The FUSE wire format (include/uapi/linux/fuse.h): request codes, flags and places of fields. Little-endian machines only, as the rest of mirrord. */
export const FUSE_MAJOR = 7
export const FUSE_MINOR_MAX = 45

export const IN_HEADER_BYTES = 40
export const OUT_HEADER_BYTES = 16
export const WRITE_IN_BYTES = 40
export const ATTR_BYTES = 88
export const ENTRY_OUT_BYTES = 40 + ATTR_BYTES
export const ATTR_OUT_BYTES = 16 + ATTR_BYTES
export const OPEN_OUT_BYTES = 16
export const DIRENT_BYTES = 24
export const STATFS_BYTES = 80
export const INIT_OUT_BYTES = 64

/** The largest READ and WRITE. */
export const IO_BYTES_MAX = 1 << 20
export const PAGES_MAX = IO_BYTES_MAX / 4096
export const REQUEST_BYTES_MAX = IO_BYTES_MAX + 4096
export const REPLY_BYTES_MAX = OUT_HEADER_BYTES + IO_BYTES_MAX
export const NAME_BYTES_MAX = 255

export const ROOT_ID = 1

export enum Opcode {
  LOOKUP = 1,
  FORGET = 2,
  GETATTR = 3,
  SETATTR = 4,
  READLINK = 5,
  SYMLINK = 6,
  MKNOD = 8,
  MKDIR = 9,
  UNLINK = 10,
  RMDIR = 11,
  RENAME = 12,
  LINK = 13,
  OPEN = 14,
  READ = 15,
  WRITE = 16,
  STATFS = 17,
  RELEASE = 18,
  FSYNC = 20,
  SETXATTR = 21,
  GETXATTR = 22,
  LISTXATTR = 23,
  REMOVEXATTR = 24,
  FLUSH = 25,
  INIT = 26,
  OPENDIR = 27,
  READDIR = 28,
  RELEASEDIR = 29,
  FSYNCDIR = 30,
  CREATE = 35,
  INTERRUPT = 36,
  DESTROY = 38,
  IOCTL = 39,
  NOTIFY_REPLY = 41,
  BATCH_FORGET = 42,
  FALLOCATE = 43,
  READDIRPLUS = 44,
  RENAME2 = 45,
  LSEEK = 46,
  SYNCFS = 50,
  TMPFILE = 51
}

/** What is asked for at INIT, where the kernel has it. */
export const INIT_WANTED =
  (1 << 0) | // ASYNC_READ
  (1 << 3) | // ATOMIC_O_TRUNC
  (1 << 5) | // BIG_WRITES
  (1 << 6) | // DONT_MASK: a default access list takes the place of the caller's mask
  (1 << 13) | // DO_READDIRPLUS
  (1 << 14) | // READDIRPLUS_AUTO
  (1 << 15) | // ASYNC_DIO
  (1 << 18) | // PARALLEL_DIROPS
  (1 << 20) | // POSIX_ACL: the kernel goes by access lists, and knows that they change the mode
  (1 << 22) | // MAX_PAGES
  (1 << 23) | // CACHE_SYMLINKS
  (1 << 25) | // EXPLICIT_INVAL_DATA: nobody changes the files but we
  (1 << 28) //   HANDLE_KILLPRIV_V2: we take the set-user-id bits away (see attributes.ts)

export const INIT_MAX_PAGES = 1 << 22
export const INIT_EXT = 1 << 30
/** FUSE_HAS_RESEND, in the second word of flags. */
export const INIT_HAS_RESEND_HIGH = 1 << 7
export const FOPEN_KEEP_CACHE = 1 << 1
export const GETATTR_FH = 1
export const WRITE_KILL_SUIDGID = 1 << 2
export const OPEN_KILL_SUIDGID = 1

export const FATTR_MODE = 1 << 0
export const FATTR_UID = 1 << 1
export const FATTR_GID = 1 << 2
export const FATTR_SIZE = 1 << 3
export const FATTR_ATIME = 1 << 4
export const FATTR_MTIME = 1 << 5
export const FATTR_FH = 1 << 6
export const FATTR_ATIME_NOW = 1 << 7
export const FATTR_MTIME_NOW = 1 << 8
export const FATTR_KILL_SUIDGID = 1 << 11

export const NOTIFY_INVAL_INODE = 2
export const NOTIFY_RESEND = 7

export const S_IFMT = 0o170000
export const S_IFDIR = 0o040000
export const S_IFREG = 0o100000
export const S_IFLNK = 0o120000
export const S_ISUID = 0o4000
export const S_ISGID = 0o2000

export const O_ACCMODE = 0o3
export const O_WRONLY = 0o1
export const O_RDWR = 0o2
export const O_CREAT = 0o100
export const O_EXCL = 0o200
export const O_NOCTTY = 0o400
export const O_TRUNC = 0o1000
export const O_NONBLOCK = 0o4000
export const O_DIRECTORY = 0o200000
export const O_NOFOLLOW = 0o400000
export const O_CLOEXEC = 0o2000000

export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2

/** Nothing changes the real files but this layer, so what the kernel has seen stays true. */
export const CACHE_SECONDS = 3600

const TWO_32 = 2 ** 32
/** A 64-bit number as a JavaScript number: exact below 2^53, which sizes, offsets and our own ids are. */
export const readU64 = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * TWO_32

export function writeU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % TWO_32, at)
  buffer.writeUInt32LE(Math.floor(value / TWO_32), at + 4)
}
