import * as libc from '../../native/libc'
import { EAGAIN, EINTR, EIO, ENODEV, ENOENT, ENOSYS, ENOTTY } from '../../native/libcErrors'
import { getattr, setattr, statfs } from './attributes'
import { CHANGED_TIMES_INTERVAL_MS } from './changedTimes'
import { opendir, readdir, readdirplus, releasedir } from './directories'
import { NO_REPLY, fallocate, flush, fsync, lseek, open, read, release, syncfs, write } from './files'
import { marksMissing } from './marking'
import { batchForget, create, forget, link, lookup, mkdir, mknod, readlink, rmdir, symlink, unlink } from './names'
import {
  FUSE_MAJOR,
  FUSE_MINOR_MAX,
  INIT_EXT,
  INIT_HAS_RESEND_HIGH,
  INIT_MAX_PAGES,
  INIT_OUT_BYTES,
  INIT_WANTED,
  IN_HEADER_BYTES,
  IO_BYTES_MAX,
  Opcode,
  OUT_HEADER_BYTES,
  PAGES_MAX
} from './protocol'
import { rename, rename2 } from './rename'
import type { Serving } from './serving'
import { getxattr, listxattr, removexattr, setxattr } from './xattrs'

type Answer = (serving: Serving) => number

const never =
  (work: Answer): Answer =>
  (serving) => {
    work(serving)
    return NO_REPLY
  }
const done: Answer = () => 0

const ANSWERS: Record<Opcode, Answer> = {
  [Opcode.LOOKUP]: lookup,
  [Opcode.FORGET]: never(forget),
  [Opcode.GETATTR]: getattr,
  [Opcode.SETATTR]: setattr,
  [Opcode.READLINK]: readlink,
  [Opcode.SYMLINK]: symlink,
  [Opcode.MKNOD]: mknod,
  [Opcode.MKDIR]: mkdir,
  [Opcode.UNLINK]: unlink,
  [Opcode.RMDIR]: rmdir,
  [Opcode.RENAME]: rename,
  [Opcode.LINK]: link,
  [Opcode.OPEN]: open,
  [Opcode.READ]: read,
  [Opcode.WRITE]: write,
  [Opcode.STATFS]: statfs,
  [Opcode.RELEASE]: release,
  [Opcode.FSYNC]: fsync,
  [Opcode.SETXATTR]: setxattr,
  [Opcode.GETXATTR]: getxattr,
  [Opcode.LISTXATTR]: listxattr,
  [Opcode.REMOVEXATTR]: removexattr,
  [Opcode.FLUSH]: flush,
  [Opcode.INIT]: initialise,
  [Opcode.OPENDIR]: opendir,
  [Opcode.READDIR]: readdir,
  [Opcode.RELEASEDIR]: releasedir,
  [Opcode.FSYNCDIR]: fsync,
  [Opcode.CREATE]: create,
  // What was begun is finished: nothing here waits for long; the slow threads, and what is set aside, only wait for the disk.
  [Opcode.INTERRUPT]: never(done),
  [Opcode.DESTROY]: done,
  [Opcode.IOCTL]: () => -ENOTTY,
  [Opcode.NOTIFY_REPLY]: never(done),
  [Opcode.BATCH_FORGET]: never(batchForget),
  [Opcode.FALLOCATE]: fallocate,
  [Opcode.READDIRPLUS]: readdirplus,
  [Opcode.RENAME2]: rename2,
  [Opcode.LSEEK]: lseek,
  [Opcode.SYNCFS]: syncfs,
  // The kernel then says EOPNOTSUPP, and programs make a named file instead.
  [Opcode.TMPFILE]: () => -ENOSYS
}

const answers: (Answer | undefined)[] = []
for (const [opcode, answer] of Object.entries(ANSWERS)) answers[Number(opcode)] = answer

function initialise(serving: Serving): number {
  const { input, output } = serving
  const kernelMinor = input.readUInt32LE(IN_HEADER_BYTES + 4)
  const kernelFlags = input.readUInt32LE(IN_HEADER_BYTES + 12)
  const flags = INIT_WANTED & kernelFlags
  serving.kernelResends = (kernelFlags & INIT_EXT) !== 0 && (input.readUInt32LE(IN_HEADER_BYTES + 16) & INIT_HAS_RESEND_HIGH) !== 0
  output.fill(0, OUT_HEADER_BYTES, OUT_HEADER_BYTES + INIT_OUT_BYTES)
  output.writeUInt32LE(FUSE_MAJOR, OUT_HEADER_BYTES)
  output.writeUInt32LE(Math.min(kernelMinor, FUSE_MINOR_MAX), OUT_HEADER_BYTES + 4)
  output.writeUInt32LE(IO_BYTES_MAX, OUT_HEADER_BYTES + 8) // max_readahead
  output.writeUInt32LE(flags >>> 0, OUT_HEADER_BYTES + 12)
  output.writeUInt16LE(MAX_BACKGROUND, OUT_HEADER_BYTES + 16)
  output.writeUInt16LE((MAX_BACKGROUND * 3) / 4, OUT_HEADER_BYTES + 18)
  output.writeUInt32LE(IO_BYTES_MAX, OUT_HEADER_BYTES + 20) // max_write
  output.writeUInt32LE(1, OUT_HEADER_BYTES + 24) // time granularity, ns
  if ((flags & INIT_MAX_PAGES) !== 0) output.writeUInt16LE(PAGES_MAX, OUT_HEADER_BYTES + 28)
  return INIT_OUT_BYTES
}

const MAX_BACKGROUND = 64
/** Under constant load the commands and the clock are looked at after so many requests. */
const REQUESTS_BETWEEN_LOOKS = 256

export interface ServeHooks {
  commandFd: number
  /** A command waits. True: stop serving. */
  onCommand(): boolean
  onInitialised(): void
  onFault(error: unknown, opcode: number): void
}

/** Serves until the mount goes away ('unmounted') or a command says stop ('stopped'). */
export function serve(serving: Serving, hooks: ServeHooks): 'unmounted' | 'stopped' {
  const { fuseFd } = serving.options
  const wakeFd = serving.options.dirty?.wakeFd
  const waiting = libc.pollSet([fuseFd, hooks.commandFd, ...(wakeFd === undefined ? [] : [wakeFd])])
  // While too much is set aside nothing is read; the end of the mount is still seen.
  const waitingFull = Buffer.from(waiting)
  waitingFull.writeInt16LE(0, 4)
  let timesSentMs = performance.now()
  for (let requests = 0; ; ) {
    const full = serving.aside.isFull
    const bytes = full ? -EAGAIN : libc.read(fuseFd, serving.input, serving.input.length)
    if (bytes > 0) {
      answerOne(serving, hooks, bytes)
      if (wakeFd !== undefined && serving.aside.isReady(serving.marks!.ring)) marksAreHard(serving, hooks, wakeFd)
      if (++requests < REQUESTS_BETWEEN_LOOKS) continue
    } else if (bytes === -ENODEV || bytes === 0) return 'unmounted'
    else if (bytes === -EINTR || bytes === -ENOENT) continue
    else if (bytes !== -EAGAIN) throw new Error(`reading /dev/fuse failed with error ${-bytes}`)
    serving.counters.add('requests', requests)
    const now = performance.now()
    if (now - timesSentMs >= CHANGED_TIMES_INTERVAL_MS) {
      serving.times.sendAll()
      timesSentMs = now
      serving.counters.set('nodes', serving.nodes.size)
    }
    const set = full ? waitingFull : waiting
    libc.poll(set, wakeFd === undefined ? 2 : 3, requests >= REQUESTS_BETWEEN_LOOKS ? 0 : waitMs(serving))
    requests = 0
    if (libc.pollRevents(set, 1) !== 0 && hooks.onCommand()) return 'stopped'
    if (full && libc.pollRevents(set, 0) !== 0) return 'unmounted'
    if (wakeFd !== undefined && libc.pollRevents(set, 2) !== 0) marksAreHard(serving, hooks, wakeFd)
  }
}

const WAKES = Buffer.alloc(8)

/** Goes on with what waited for marks; one may find that it needs another mark by now, and waits again. */
function marksAreHard(serving: Serving, hooks: ServeHooks, wakeFd: number): void {
  libc.read(wakeFd, WAKES, WAKES.length)
  serving.rotation!.tend()
  for (const request of serving.aside.takeReady(serving.marks!.ring)) {
    request.copy(serving.input)
    answerOne(serving, hooks, request.length)
  }
}

/** Without changed times to send there is nothing to wake up for but requests and commands. */
function waitMs(serving: Serving): number {
  return serving.times.waiting > 0 ? CHANGED_TIMES_INTERVAL_MS : -1
}

function answerOne(serving: Serving, hooks: ServeHooks, bytes: number): void {
  const { input, output } = serving
  serving.requestBytes = bytes
  const opcode = input.readUInt32LE(4)
  serving.nodeId = input.readUInt32LE(16) + input.readUInt32LE(20) * 2 ** 32
  serving.uid = input.readUInt32LE(24)
  serving.gid = input.readUInt32LE(28)
  let result: number
  try {
    const missing = marksMissing(serving, opcode)
    if (missing !== null) return setAside(serving, missing)
    serving.begin(opcode)
    result = answers[opcode]?.(serving) ?? -ENOSYS
  } catch (error) {
    serving.counters.add('errors', 1)
    result = isSilent(opcode) ? NO_REPLY : -EIO
    hooks.onFault(error, opcode)
  }
  if (result === NO_REPLY) return
  const replyBytes = OUT_HEADER_BYTES + Math.max(0, result)
  output.writeUInt32LE(replyBytes, 0)
  output.writeInt32LE(Math.min(0, result), 4)
  input.copy(output, 8, 8, 16)
  const written = libc.write(serving.options.fuseFd, output, replyBytes)
  // ENOENT: nobody waits for it any more.
  if (written < 0 && written !== -ENOENT) hooks.onFault(new Error(`the answer was refused with error ${-written}`), opcode)
  if (opcode === Opcode.INIT) hooks.onInitialised()
}

function setAside(serving: Serving, position: number): void {
  serving.aside.add(serving.input.subarray(0, serving.requestBytes), position)
  serving.counters.add('setAside', 1)
  serving.marks!.ring.signal()
}

const isSilent = (opcode: number): boolean => opcode === Opcode.FORGET || opcode === Opcode.BATCH_FORGET || opcode === Opcode.INTERRUPT
