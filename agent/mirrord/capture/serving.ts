import * as libc from '../../native/libc'
import { ESTALE } from '../../native/libcErrors'
import { type DirtyForCapture, MarkRing } from '../dirty/markRing'
import { Marks } from '../dirty/marks'
import { Rotation } from '../dirty/rotation'
import type { OrderedLog } from '../order/orderedLog'
import type { SyncWaiters } from '../order/syncWaiters'
import { ChangedTimes } from './changedTimes'
import type { Counters } from './counters'
import { excludeDependsOnDirectory, excludeMatcher } from './exclude'
import { HandleTable } from './handles'
import { type Handle, type Node, NodeTable } from './nodes'
import {
  ATTR_OUT_BYTES,
  CACHE_SECONDS,
  ENTRY_OUT_BYTES,
  IN_HEADER_BYTES,
  NOTIFY_INVAL_INODE,
  OUT_HEADER_BYTES,
  REPLY_BYTES_MAX,
  REQUEST_BYTES_MAX,
  writeU64
} from './protocol'
import { SetAside } from './setAside'
import type { SlowQueue } from './slowQueue'
import { Stat } from './stat'
import type { CaptureTable } from './table/captureTable'
import type { Doubt } from './table/requestInHand'

const PATH_BYTES_MAX = 64 * 1024

export interface ServingOptions {
  folder: number
  rootFd: number
  fuseFd: number
  exclude: readonly string[]
  log: OrderedLog
  slow: SlowQueue
  /** Requests that wait for the target; null with a log that has no target. */
  waiters: SyncWaiters | null
  counters: Counters
  /** What a successor of this process has to know; null: it has none. */
  table?: CaptureTable | null
  /** Keeps open files without a name beyond this process. */
  holder?: Holder | null
  /** Where places are marked before they change; undefined: nowhere. */
  dirty?: DirtyForCapture
  /** Inside the lock: changes were made that could not be sent by name; each time. */
  onNeedsMirror(why: string): void
}

export interface Holder {
  hold(node: number, fd: number): void
  release(node: number): void
}

/** FUSE_UNIQUE_RESEND: the kernel gave this request to a process that died before it answered. */
const RESENT = 0x8000_0000
const DOUBTS_NONE: readonly Doubt[] = []

/** All that serves one folder: the request being answered, the buffers (used again and again) and the tables. One thread only. */
export class Serving {
  readonly input = Buffer.allocUnsafeSlow(REQUEST_BYTES_MAX)
  readonly output = Buffer.allocUnsafeSlow(REPLY_BYTES_MAX)
  readonly readVector = libc.ioVector(this.output.subarray(OUT_HEADER_BYTES))
  readonly stat = new Stat()
  readonly nodes: NodeTable
  readonly handles: HandleTable
  readonly times: ChangedTimes
  readonly excludeDependsOnDirectory: boolean
  readonly marks: Marks | null
  readonly rotation: Rotation | null
  readonly aside = new SetAside()
  requestBytes = 0
  nodeId = 0
  uid = 0
  gid = 0
  /** Known after INIT: requests that a dead process has read come again (Linux 6.9 and newer). */
  kernelResends = false
  /** What a dead process has left of the request that is being answered. */
  doubt: Doubt | null = null
  private doubts: readonly Doubt[] = DOUBTS_NONE
  private readonly firstPath = Buffer.alloc(PATH_BYTES_MAX)
  private readonly secondPath = Buffer.alloc(PATH_BYTES_MAX)
  private readonly procPrefix: string
  readonly folder: number
  readonly rootFd: number
  readonly log: OrderedLog
  readonly table: CaptureTable | null
  readonly counters: Counters

  constructor(readonly options: ServingOptions) {
    this.folder = options.folder
    this.rootFd = options.rootFd
    this.log = options.log
    this.counters = options.counters
    this.procPrefix = `/proc/self/fd/${options.rootFd}/`
    this.stat.ofDescriptor(options.rootFd)
    this.stat.rootDevice = this.stat.device
    this.table = options.table ?? null
    this.nodes = new NodeTable(this.stat.identity(), excludeMatcher(options.exclude), this.table)
    this.handles = new HandleTable(this.table)
    this.excludeDependsOnDirectory = excludeDependsOnDirectory(options.exclude)
    this.times = new ChangedTimes(options.folder, this.nodes, options.log, (node) => this.statNode(node), this.stat)
    this.marks = options.dirty === undefined ? null : new Marks(new MarkRing(options.dirty.shared), this.nodes)
    this.rotation = this.marks === null ? null : new Rotation(this.marks, this.nodes, this.handles, { allSent: () => this.allSent() })
  }

  /** The LSN that covers all changes so far, their times included. */
  private allSent(): number {
    this.times.sendAll()
    return this.log.lsn()
  }

  restoreDoubts(doubts: readonly Doubt[]): void {
    this.doubts = doubts
  }

  /** Before the request that stands in `input` is performed. */
  begin(opcode: number): void {
    if (this.table === null) return
    const low = this.input.readUInt32LE(8)
    const high = this.input.readUInt32LE(12)
    this.doubt = high >= RESENT ? this.takeDoubt(low, high - RESENT) : null
    this.table.request.begin(low, high % RESENT, opcode, this.doubt)
  }

  /** Its answer was never given: the lookups and the handle that were made for it are taken back. */
  private takeDoubt(low: number, high: number): Doubt | null {
    const doubt = this.doubts.find((each) => each.low === low && each.high === high) ?? null
    if (doubt === null) return null
    this.doubts = this.doubts.filter((each) => each !== doubt)
    for (const node of doubt.entries) this.nodes.uncounted(node)
    const handle = doubt.handle === null || doubt.performed ? undefined : this.handles.get(doubt.handle)
    if (handle !== undefined) this.closeHandle(handle)
    return doubt
  }

  /** What the request makes is there already: a dead process made it for this very request. */
  madeIt(): boolean {
    return this.doubt?.begun === true && !this.doubt.existed
  }

  /** A dead process has seen what the request takes away, and it is gone now. */
  removedIt(): boolean {
    return this.doubt?.begun === true && this.doubt.existed
  }

  closeHandle(handle: Handle): void {
    const { node } = handle
    this.handles.remove(handle)
    libc.close(handle.fd)
    if (node.heldOpen && node.handles.length === 0) {
      node.heldOpen = false
      this.options.holder?.release(node.id)
    }
    this.nodes.released(node)
  }

  /** It is about to lose a name. If that is its last one and it is open, a successor cannot open it again: somebody has to hold it from now on. */
  holdOpen(node: Node | undefined): void {
    const { holder } = this.options
    if (!holder || node === undefined || node.heldOpen || node.handles.length === 0 || node.names.length > 1) return
    node.heldOpen = true
    holder.hold(node.id, node.handles[0]!.fd)
  }

  /** The request's node; undefined: the kernel names one that we do not have (answer ESTALE). */
  get node(): Node | undefined {
    return this.nodes.byNodeId(this.nodeId)
  }

  /** The name that stands at this place of the request, as a byte string. */
  nameAt(at: number): string {
    const start = IN_HEADER_BYTES + at
    const end = this.input.indexOf(0, start)
    return this.input.toString('latin1', start, end < 0 || end > this.requestBytes ? this.requestBytes : end)
  }

  /** NUL-terminated, in a buffer that the next call overwrites. */
  pathBytes(path: string): Buffer {
    return terminate(this.firstPath, path === '' ? '.' : path)
  }

  otherPathBytes(path: string): Buffer {
    return terminate(this.secondPath, path === '' ? '.' : path)
  }

  /** For calls that take no directory descriptor (extended attributes). */
  absolutePathBytes(path: string): Buffer {
    return terminate(this.firstPath, this.procPrefix + (path === '' ? '.' : path))
  }

  statPath(path: string): number {
    return this.stat.ofPath(this.rootFd, this.pathBytes(path))
  }

  /** By an open descriptor, which costs no path and also reaches files without a name; else by its name. */
  statNode(node: Node): number {
    const handle = node.handles[0]
    if (handle !== undefined) return this.stat.ofDescriptor(handle.fd)
    const path = this.nodes.pathOf(node)
    return path === null ? -ESTALE : this.statPath(path)
  }

  locked(work: () => number): number {
    this.log.lock()
    try {
      return work()
    } finally {
      this.log.unlock()
    }
  }

  /** Inside the lock: the path to send a change of this node with; null: nothing is sent. */
  sentPath(node: Node): string | null {
    const path = this.nodes.sentPathOf(node)
    if (path === null && node.namedElsewhere && !node.toldElsewhere) {
      node.toldElsewhere = this.nodes.pathOf(node) !== null
      this.options.onNeedsMirror('a file was changed under a name that capture does not know (it has hard links)')
    }
    return path
  }

  /** Writes struct fuse_entry_out for the inode in `stat`, and counts the lookup. */
  writeEntry(node: Node, at: number): number {
    this.nodes.counted(node)
    node.mode = this.stat.mode
    this.writeEntryHeader(node.id, at)
    this.stat.writeAttributes(this.output, at + 40)
    return ENTRY_OUT_BYTES
  }

  /** Node 0: there is no such name, and the kernel may remember that. */
  writeEntryHeader(id: number, at: number): void {
    this.output.fill(0, at, at + ENTRY_OUT_BYTES)
    writeU64(this.output, id, at)
    this.output.writeUInt32LE(CACHE_SECONDS, at + 16)
    this.output.writeUInt32LE(CACHE_SECONDS, at + 24)
  }

  replyAttributes(node: Node): number {
    node.mode = this.stat.mode
    this.output.fill(0, OUT_HEADER_BYTES, OUT_HEADER_BYTES + 16)
    this.output.writeUInt32LE(CACHE_SECONDS, OUT_HEADER_BYTES)
    this.stat.writeAttributes(this.output, OUT_HEADER_BYTES + 16)
    return ATTR_OUT_BYTES
  }

  /** The kernel's cached attributes of this node are no longer right. */
  invalidateAttributes(node: Node): void {
    const notice = Buffer.alloc(OUT_HEADER_BYTES + 24)
    notice.writeUInt32LE(notice.length, 0)
    notice.writeInt32LE(NOTIFY_INVAL_INODE, 4)
    writeU64(notice, node.id, 16)
    notice.writeBigInt64LE(-1n, 24)
    libc.write(this.options.fuseFd, notice, notice.length)
  }
}

function terminate(buffer: Buffer, path: string): Buffer {
  // A path that does not fit is cut, and still far too long for the system: it answers ENAMETOOLONG.
  const bytes = buffer.write(path, 0, PATH_BYTES_MAX - 1, 'latin1')
  buffer[bytes] = 0
  return buffer
}
