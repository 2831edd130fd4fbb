import koffi from 'koffi'

/**
 * The C library, called directly: what Node lacks (extended attributes, nanosecond times, fallocate, renameat2, …), and what the hot path of
 * capture needs without exceptions. This is the only module that loads koffi for libc.
 *
 * Every call answers as the system does, with the error number made negative: `-2` is ENOENT. Paths are NUL-terminated bytes.
 * These calls block their thread.
 */
const library = koffi.load('libc.so.6')

type Bytes = Uint8Array
type Call<Args extends unknown[]> = (...args: Args) => number

function call<Args extends unknown[]>(name: string, result: 'int' | 'int64', args: string[]): Call<Args> {
  const native = library.func(name, result, args) as (...values: Args) => number
  return (...values) => {
    const answer = native(...values)
    return answer < 0 ? -koffi.errno() : answer
  }
}

/** The process, with this exit code: no thread is waited for. */
export const endAtOnce: (exitCode: number) => void = library.func('_exit', 'void', ['int'])

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_SYMLINK_FOLLOW = 0x400
export const AT_EMPTY_PATH = 0x1000
export const STATX_ALL = 0xfff
export const STATX_BYTES = 256
export const RWF_NOWAIT = 8
export const UTIME_NOW = 0x3fffffff
export const UTIME_OMIT = 0x3ffffffe
export const MNT_DETACH = 2
export const POLLIN = 1
export const POLLOUT = 4
export const SEEK_SET = 0
export const EFD_NONBLOCK_CLOEXEC = 0o2004000

// The number types are narrow on purpose: an offset above 2^53 cannot be meant.
export const open = call<[Bytes, number, number]>('open', 'int', ['void *', 'int', 'uint'])
export const openat = call<[number, Bytes, number, number]>('openat', 'int', ['int', 'void *', 'int', 'uint'])
export const close = call<[number]>('close', 'int', ['int'])
export const read = call<[number, Bytes, number]>('read', 'int64', ['int', 'void *', 'size_t'])
export const write = call<[number, Bytes, number]>('write', 'int64', ['int', 'void *', 'size_t'])
export const pread = call<[number, Bytes, number, number]>('pread64', 'int64', ['int', 'void *', 'size_t', 'int64'])
export const pwrite = call<[number, Bytes, number, number]>('pwrite64', 'int64', ['int', 'void *', 'size_t', 'int64'])
/** `vector` is the bytes of struct iovec[]; make one with `ioVector`. */
export const preadv2 = call<[number, Bytes, number, number, number]>('preadv2', 'int64', ['int', 'void *', 'int', 'int64', 'int'])
export const lseek = call<[number, number | bigint, number]>('lseek64', 'int64', ['int', 'int64', 'int'])
export const ftruncate = call<[number, number]>('ftruncate64', 'int', ['int', 'int64'])
export const fallocate = call<[number, number, number, number]>('fallocate64', 'int', ['int', 'int', 'int64', 'int64'])
export const fsync = call<[number]>('fsync', 'int', ['int'])
export const fdatasync = call<[number]>('fdatasync', 'int', ['int'])
export const syncfs = call<[number]>('syncfs', 'int', ['int'])
/** The struct statx lands in the last argument (STATX_BYTES). */
export const statx = call<[number, Bytes, number, number, Bytes]>('statx', 'int', ['int', 'void *', 'int', 'uint', 'void *'])
export const fstatfs = call<[number, Bytes]>('fstatfs64', 'int', ['int', 'void *'])
export const readlinkat = call<[number, Bytes, Bytes, number]>('readlinkat', 'int64', ['int', 'void *', 'void *', 'size_t'])
export const symlinkat = call<[Bytes, number, Bytes]>('symlinkat', 'int', ['void *', 'int', 'void *'])
export const linkat = call<[number, Bytes, number, Bytes, number]>('linkat', 'int', ['int', 'void *', 'int', 'void *', 'int'])
export const mkdirat = call<[number, Bytes, number]>('mkdirat', 'int', ['int', 'void *', 'uint'])
export const mknodat = call<[number, Bytes, number, number]>('mknodat', 'int', ['int', 'void *', 'uint', 'uint64'])
export const unlinkat = call<[number, Bytes, number]>('unlinkat', 'int', ['int', 'void *', 'int'])
export const renameat2 = call<[number, Bytes, number, Bytes, number]>('renameat2', 'int', ['int', 'void *', 'int', 'void *', 'uint'])
export const fchmod = call<[number, number]>('fchmod', 'int', ['int', 'uint'])
export const fchmodat = call<[number, Bytes, number, number]>('fchmodat', 'int', ['int', 'void *', 'uint', 'int'])
/** -1 (as 0xffffffff) leaves an owner or group as it is. */
export const fchown = call<[number, number, number]>('fchown', 'int', ['int', 'uint', 'uint'])
export const fchownat = call<[number, Bytes, number, number, number]>('fchownat', 'int', ['int', 'void *', 'uint', 'uint', 'int'])
/** `times`: struct timespec[2], access then modification. */
export const futimens = call<[number, Bytes]>('futimens', 'int', ['int', 'void *'])
export const utimensat = call<[number, Bytes, Bytes, number]>('utimensat', 'int', ['int', 'void *', 'void *', 'int'])
export const getdents64 = call<[number, Bytes, number]>('getdents64', 'int64', ['int', 'void *', 'size_t'])
export const lgetxattr = call<[Bytes, Bytes, Bytes | null, number]>('lgetxattr', 'int64', ['void *', 'void *', 'void *', 'size_t'])
export const fgetxattr = call<[number, Bytes, Bytes | null, number]>('fgetxattr', 'int64', ['int', 'void *', 'void *', 'size_t'])
export const llistxattr = call<[Bytes, Bytes | null, number]>('llistxattr', 'int64', ['void *', 'void *', 'size_t'])
export const flistxattr = call<[number, Bytes | null, number]>('flistxattr', 'int64', ['int', 'void *', 'size_t'])
export const lsetxattr = call<[Bytes, Bytes, Bytes, number, number]>('lsetxattr', 'int', ['void *', 'void *', 'void *', 'size_t', 'int'])
export const fsetxattr = call<[number, Bytes, Bytes, number, number]>('fsetxattr', 'int', ['int', 'void *', 'void *', 'size_t', 'int'])
export const lremovexattr = call<[Bytes, Bytes]>('lremovexattr', 'int', ['void *', 'void *'])
export const fremovexattr = call<[number, Bytes]>('fremovexattr', 'int', ['int', 'void *'])
export const mount = call<[Bytes, Bytes, Bytes, number, Bytes]>('mount', 'int', ['void *', 'void *', 'void *', 'ulong', 'void *'])
export const umount2 = call<[Bytes, number]>('umount2', 'int', ['void *', 'int'])
/** On a thread of koffi's. The error number is lost on the way: -1. */
export const umount2Async = (path: Bytes, flags: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const native = library.func('umount2', 'int', ['void *', 'int'])
    native.async(path, flags, (error: unknown, result: number) => (error ? reject(error) : resolve(result)))
  })
/** On a thread of koffi's: it takes as long as the disk. The error number is lost on the way: -1. */
export const syncfsAsync = (descriptor: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const native = library.func('syncfs', 'int', ['int'])
    native.async(descriptor, (error: unknown, result: number) => (error ? reject(error) : resolve(result)))
  })
/** The last argument is read and written by the driver. */
export const ioctl = call<[number, number, Bytes]>('ioctl', 'int', ['int', 'ulong', 'void *'])
export const poll = call<[Bytes, number, number]>('poll', 'int', ['void *', 'ulong', 'int'])
export const eventfd = call<[number, number]>('eventfd', 'int', ['uint', 'int'])
export const inotifyInit = call<[number]>('inotify_init1', 'int', ['int'])
export const inotifyAdd = call<[number, Bytes, number]>('inotify_add_watch', 'int', ['int', 'void *', 'uint'])
export const inotifyRemove = call<[number, number]>('inotify_rm_watch', 'int', ['int', 'int'])

export const socketpair = call<[number, number, number, Bytes]>('socketpair', 'int', ['int', 'int', 'int', 'void *'])
/** `message` is the bytes of a struct msghdr. */
export const sendmsg = call<[number, Bytes, number]>('sendmsg', 'int64', ['int', 'void *', 'int'])
export const recvmsg = call<[number, Bytes, number]>('recvmsg', 'int64', ['int', 'void *', 'int'])
export const memfdCreate = call<[Bytes, number]>('memfd_create', 'int', ['void *', 'uint'])

const mmap = library.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64'])
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 0xffff_ffff_ffff_ffffn

/** A part of a file as memory, shared with whoever maps it too; null: the system refuses. It stays mapped while the process lives. */
export function mapShared(descriptor: number, offset: number, bytes: number): ArrayBuffer | null {
  const address = mmap(null, bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, offset) as bigint
  return address === MAP_FAILED ? null : koffi.view(address, bytes)
}

const clockGettime = call<[number, Bytes]>('clock_gettime', 'int', ['int', 'void *'])
const CLOCK_BOOTTIME = 7
const TIMESPEC_BYTES = 16
const timespec = Buffer.alloc(TIMESPEC_BYTES)

/** Since the boot, also while the machine was suspended; the same for every process of a boot, µs. */
export function bootTimeMicros(): number {
  clockGettime(CLOCK_BOOTTIME, timespec)
  return Number(timespec.readBigInt64LE(0)) * 1_000_000 + timespec.readUInt32LE(8) / 1_000
}

/** Of the calling thread. */
export const gettid = call<[]>('gettid', 'int', [])
/** `which` 0: a thread or process by its id. */
export const setpriority = call<[number, number, number]>('setpriority', 'int', ['int', 'uint', 'int'])

/** Where a buffer is in memory, for structures that hold pointers. The buffer must be kept alive by the caller. */
export const addressOf = (buffer: Bytes): bigint => BigInt(koffi.address(buffer))

/** One struct iovec whose length is set for each call by `vector.writeUInt32LE(bytes, 8)`. */
export function ioVector(buffer: Bytes): Buffer {
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(addressOf(buffer), 0)
  vector.writeUInt32LE(buffer.length, 8)
  return vector
}

/** NUL-terminated bytes of a byte string (latin1). */
export const cString = (text: string): Buffer => Buffer.from(`${text}\0`, 'latin1')

/** The byte string (latin1) of a path as Node writes it (UTF-8). */
export const toByteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

/** A struct pollfd[] that waits for each descriptor to become readable. */
export function pollSet(descriptors: number[]): Buffer {
  const set = Buffer.alloc(descriptors.length * 8)
  descriptors.forEach((descriptor, index) => {
    set.writeInt32LE(descriptor, index * 8)
    set.writeInt16LE(POLLIN, index * 8 + 4)
  })
  return set
}

/** A struct pollfd[1] that waits until something can be written. */
export function pollOut(descriptor: number): Buffer {
  const set = Buffer.alloc(8)
  set.writeInt32LE(descriptor, 0)
  set.writeInt16LE(POLLOUT, 4)
  return set
}

export const pollRevents = (set: Buffer, index: number): number => set.readInt16LE(index * 8 + 6)
