import { checkSizes, FRAME_BYTES_MAX, FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'
import { fieldsOf, type Fields, type WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import { FrameRing, RING_WORDS } from './frameRing'
import { NAMES_WATCH_BYTES, NAMES_WATCH_WORDS, NamesWatch } from './namesWatch'
import type { OrderedLog } from './orderedLog'
import { REVISIT_BYTES, REVISIT_WORDS, RevisitQueue } from './revisitQueue'
import { SharedMutex } from './sharedMutex'
import { SyncWaiters } from './syncWaiters'

/** Goes through workerData; `SharedOrderedLog.attach(shared)` on the other side. */
export interface SharedLogMemory {
  control: SharedArrayBuffer
  counters: SharedArrayBuffer
  ring: SharedArrayBuffer
  revisits: SharedArrayBuffer
  waiters: SharedArrayBuffer
  names: SharedArrayBuffer
  times: SharedArrayBuffer
}

/** What this log does with operations now. */
export type StreamState = 'unwanted' | 'wanted' | 'overflowed'

const VERSION_COUNTERS = 1 << 18
const TIME_COUNTERS = 1 << 16
const RING_BYTES_MIN = 4 * FRAME_BYTES_MAX
/** fallocate(2): these move what lies behind them, also past the place where the walk is. */
const FALLOC_COLLAPSE = 8
const FALLOC_INSERT = 32

const LSN = RING_WORDS
const ROLE_SEQUENCE = RING_WORDS + 1
/** What the target has said: all up to it is hard there; all up to it is applied. */
const HARD_LSN = RING_WORDS + 2
const APPLIED_LSN = RING_WORDS + 3
/** The LSN at which the gate last changed. */
const GATE_LSN = RING_WORDS + 4
/** Whoever relieves the queue wants to know when it holds more; 0: nobody waits. */
const PRESSURE_BYTES = RING_WORDS + 5
const LONG_WORDS = RING_WORDS + 6
const MUTEX = 0
const STATE = 1
const WALKING = 2
const WATCHING = 3
const READER_SLEEPS = 4
const SIGNAL = 5
const EPOCH = 6
/** 1: whoever wants a change to be hard waits for the target, too. */
const GATE_CLOSED = 7
/** Safety FULL. */
const FULL = 8
/** The stream in which the end mark of a walk has been appended; a grant that belongs to that walk is void from then on. */
const ENDED_EPOCH = 9
/** Never notified: a place to sleep at. */
const NOTHING = 10
const WAITER_SIGNAL = 11
const PRESSURE_SIGNAL = 12
/** 1: a full queue is being relieved to disk. */
const RELIEVED = 13
const SMALL_WORDS = 14
/** All slots of waiting requests are taken: the capture thread looks again after so long. */
const SLOT_WAIT_MS = 1
/** A full queue that is being relieved is looked at so often, and for so long at most. */
const RELIEF_LOOK_MS = 2
const RELIEF_MS_MAX = 500
const CHANGES_NAMES: ReadonlySet<Operation['kind']> = new Set(['create', 'mkdir', 'mknod', 'symlink', 'rename', 'unlink', 'rmdir'])
const STATES: readonly StreamState[] = ['unwanted', 'wanted', 'overflowed']

/** The order of a job in shared memory; orderedLog.ts says what it is for. */
export class SharedOrderedLog implements OrderedLog {
  private readonly long: BigInt64Array
  private readonly small: Int32Array
  private readonly counters: Uint32Array
  private readonly times: Int32Array
  private readonly mutex: SharedMutex
  readonly ring: FrameRing
  readonly revisits: RevisitQueue
  readonly waiters: SyncWaiters
  readonly names: NamesWatch

  private constructor(readonly shared: SharedLogMemory) {
    this.long = new BigInt64Array(shared.control, 0, LONG_WORDS)
    this.small = new Int32Array(shared.control, LONG_WORDS * 8, SMALL_WORDS)
    this.counters = new Uint32Array(shared.counters)
    this.times = new Int32Array(shared.times)
    this.mutex = new SharedMutex(this.small, MUTEX)
    this.ring = new FrameRing(shared.ring, this.long)
    this.revisits = new RevisitQueue(shared.revisits, new Int32Array(shared.control, LONG_WORDS * 8 + SMALL_WORDS * 4, REVISIT_WORDS))
    this.waiters = new SyncWaiters(shared.waiters)
    this.names = new NamesWatch(shared.names, new Int32Array(shared.control, LONG_WORDS * 8 + (SMALL_WORDS + REVISIT_WORDS) * 4, NAMES_WATCH_WORDS))
  }

  /** `firstLsn`: the LSN before the first one to be given out; none up to it is ever given out again. */
  static create({ queueBytes, firstLsn = 0 }: { queueBytes: number; firstLsn?: number }): SharedOrderedLog {
    const log = new SharedOrderedLog({
      control: new SharedArrayBuffer(LONG_WORDS * 8 + (SMALL_WORDS + REVISIT_WORDS + NAMES_WATCH_WORDS) * 4),
      counters: new SharedArrayBuffer(VERSION_COUNTERS * 4),
      ring: FrameRing.memory(Math.max(queueBytes, RING_BYTES_MIN)),
      revisits: new SharedArrayBuffer(REVISIT_BYTES),
      waiters: new SharedArrayBuffer(SyncWaiters.BYTES),
      names: new SharedArrayBuffer(NAMES_WATCH_BYTES),
      times: new SharedArrayBuffer(TIME_COUNTERS * 4)
    })
    log.long[LSN] = BigInt(firstLsn)
    return log
  }

  static attach(shared: SharedLogMemory): SharedOrderedLog {
    return new SharedOrderedLog(shared)
  }

  lock(): void {
    this.mutex.lock()
  }

  unlock(): void {
    this.mutex.unlock()
  }

  append(operation: Operation): number {
    if (operation.kind === 'write' && operation.data.length > FRAME_PAYLOAD_BYTES_MAX) return this.appendInParts(operation)
    if (Atomics.load(this.small, WALKING) === 1) this.noteNames(operation)
    if (this.names.isWatching()) this.noteListed(operation)
    return this.push(operation)
  }

  /** Inside the lock: a step of the walk, in the same order as the operations. */
  appendStep(step: WalkStep): number {
    return this.push(step)
  }

  private appendInParts(operation: Operation & { kind: 'write' }): number {
    let lsn = 0
    for (let from = 0; from < operation.data.length; from += FRAME_PAYLOAD_BYTES_MAX) {
      lsn = this.push({ ...operation, offset: operation.offset + from, data: operation.data.subarray(from, from + FRAME_PAYLOAD_BYTES_MAX) })
    }
    return lsn
  }

  private push(body: Operation | WalkStep): number {
    const lsn = Number(Atomics.add(this.long, LSN, 1n)) + 1
    if (Atomics.load(this.small, STATE) !== STATES.indexOf('wanted')) return lsn
    const fields = fieldsOf(body)
    checkSizes(fields)
    const roleSequence = Number(this.long[ROLE_SEQUENCE])
    if (!this.ring.push(fields, lsn, roleSequence) && !this.pushWhenRelieved(fields, lsn, roleSequence))
      Atomics.store(this.small, STATE, STATES.indexOf('overflowed'))
    this.wakeReader()
    this.tellPressure()
    return lsn
  }

  /** A directory is being listed. */
  private noteListed(operation: Operation): void {
    if (CHANGES_NAMES.has(operation.kind)) this.names.note(operation.folder, operation.path)
    if ('newPath' in operation) this.names.note(operation.folder, operation.newPath)
  }

  /** The page file has room, and its writer was only late: it gets a moment of this disk's time, never of the target's. */
  private pushWhenRelieved(fields: Fields, lsn: number, roleSequence: number): boolean {
    for (let waitedMs = 0; waitedMs < RELIEF_MS_MAX && Atomics.load(this.small, RELIEVED) === 1; waitedMs += RELIEF_LOOK_MS) {
      this.tellPressure()
      Atomics.wait(this.small, NOTHING, 0, RELIEF_LOOK_MS)
      if (this.ring.push(fields, lsn, roleSequence)) return true
    }
    return false
  }

  /** Whoever relieves the queue says whether there is room where it puts things. */
  setRelieved(relieved: boolean): void {
    Atomics.store(this.small, RELIEVED, relieved ? 1 : 0)
  }

  /** What the walk must look at again, seen from the order itself: new names, and contents that moved past it. */
  private noteNames(operation: Operation): void {
    if (operation.kind === 'rename' || operation.kind === 'link') {
      this.revisits.add(operation.folder, operation.path)
      this.revisits.add(operation.folder, operation.newPath)
    }
    if (operation.kind === 'fallocate' && operation.mode & (FALLOC_COLLAPSE | FALLOC_INSERT)) this.revisits.add(operation.folder, operation.path)
  }

  changed(inode: number | bigint): void {
    Atomics.add(this.counters, counterOf(inode), 1)
  }

  timePending(inode: number | bigint, by: 1 | -1): void {
    Atomics.add(this.times, counterOf(inode) & (TIME_COUNTERS - 1), by)
  }

  /** A time of this inode (or of one that shares its counter) is still to be sent. */
  isTimePending(inode: number | bigint): boolean {
    return Atomics.load(this.times, counterOf(inode) & (TIME_COUNTERS - 1)) !== 0
  }

  version(inode: number | bigint): number {
    return Atomics.load(this.counters, counterOf(inode))
  }

  /** Kept while a walk runs or capture only watches; `always`: kept whenever a session wants the stream (a path that was not captured before). */
  revisit(folder: number, path: string, always = false): void {
    const wanted = Atomics.load(this.small, WALKING) === 1 || Atomics.load(this.small, WATCHING) === 1 || (always && this.streamState() === 'wanted')
    if (!wanted) return
    this.revisits.add(folder, path)
    this.names.note(folder, path)
  }

  lsn(): number {
    return Number(Atomics.load(this.long, LSN))
  }

  streamState(): StreamState {
    return STATES[Atomics.load(this.small, STATE)]!
  }

  /** Counts the streams: a walk that began in an older one must not end in this one. */
  epoch(): number {
    return Atomics.load(this.small, EPOCH)
  }

  /** Begins to keep operations for the target, from the next one on. Answers the LSN before it. */
  startStream(roleSequence: number): number {
    this.lock()
    try {
      this.ring.clear()
      this.revisits.take()
      this.long[ROLE_SEQUENCE] = BigInt(roleSequence)
      Atomics.store(this.small, STATE, STATES.indexOf('wanted'))
      Atomics.add(this.small, EPOCH, 1)
      return this.lsn()
    } finally {
      this.unlock()
    }
  }

  /** What is queued is given up: the target needs a comparison or a mirror. */
  overflow(): void {
    this.locked(() => Atomics.store(this.small, STATE, STATES.indexOf('overflowed')))
  }

  giveUp(): boolean {
    // What was said of it may have an acknowledgement by now; who wants all of it hard waits for one more.
    Atomics.add(this.long, LSN, 1n)
    const given = Atomics.compareExchange(this.small, STATE, STATES.indexOf('wanted'), STATES.indexOf('overflowed')) === STATES.indexOf('wanted')
    this.wakeReader()
    return given
  }

  setWalking(walking: boolean): void {
    Atomics.store(this.small, WALKING, walking ? 1 : 0)
  }

  /** Capture only marks what changed: every revisit is kept. */
  setWatching(watching: boolean): void {
    Atomics.store(this.small, WATCHING, watching ? 1 : 0)
  }

  /** Inside the lock, with the end mark of a walk: the copy is complete from here on, so no change may be acknowledged that it does not get. */
  closeGateAtEnd(): void {
    Atomics.store(this.small, ENDED_EPOCH, this.epoch())
    if (Atomics.load(this.small, FULL) === 1) this.setGate(true)
  }

  /** Safety FULL from now on, or OFF. The gate is moved by whoever decides about the session. */
  setFull(full: boolean): void {
    Atomics.store(this.small, FULL, full ? 1 : 0)
  }

  closeGate(): void {
    this.locked(() => this.setGate(true))
  }

  /** Nobody waits for the target any more. */
  openGate(): void {
    this.locked(() => this.setGate(false))
    this.waiters.targetHas(Number.POSITIVE_INFINITY)
  }

  /** The target has it on disk that its copy is not complete; void when the end of the walk that makes it complete is in the order already. */
  openGateForWalk(epoch: number): boolean {
    const opened = this.locked(() => {
      if (this.epoch() !== epoch || Atomics.load(this.small, ENDED_EPOCH) === epoch) return false
      this.setGate(false)
      return true
    })
    if (opened) this.waiters.targetHas(Number.POSITIVE_INFINITY)
    return opened
  }

  private setGate(closed: boolean): void {
    if (this.gateClosed() === closed) return
    Atomics.store(this.long, GATE_LSN, BigInt(this.lsn()))
    Atomics.store(this.small, GATE_CLOSED, closed ? 1 : 0)
  }

  gateClosed(): boolean {
    return Atomics.load(this.small, GATE_CLOSED) === 1
  }

  /** The LSN at which the gate was closed, or opened, last. */
  gateLsn(): number {
    return Number(Atomics.load(this.long, GATE_LSN))
  }

  private locked<T>(use: () => T): T {
    this.lock()
    try {
      return use()
    } finally {
      this.unlock()
    }
  }

  awaitTarget(fuseFd: number, uniqueLow: number, uniqueHigh: number, pid = 0): number {
    const waits = this.gateClosed()
    const lsn = this.lsn()
    if ((!waits || this.hardLsn() >= lsn) && !this.waiters.lease.isNeeded()) return -1
    let slot = this.waiters.add(fuseFd, uniqueLow, uniqueHigh, lsn, pid)
    for (; slot < 0; slot = this.waiters.add(fuseFd, uniqueLow, uniqueHigh, lsn, pid)) Atomics.wait(this.small, NOTHING, 0, SLOT_WAIT_MS)
    // The gate, or the target's word, may have come before the slot could be seen.
    this.waiters.targetHas(this.gateClosed() ? this.hardLsn() : Number.POSITIVE_INFINITY)
    Atomics.add(this.small, WAITER_SIGNAL, 1)
    Atomics.notify(this.small, WAITER_SIGNAL)
    this.wakeReader()
    return slot
  }

  /** A job with quorum acknowledges and sends until then; null: no lease is needed. */
  setLease(untilMs: number | null): void {
    this.waiters.setLease(untilMs)
  }

  leaseRuns(): boolean {
    return this.waiters.lease.runs()
  }

  /** The target's words: all up to these is hard there, and applied. */
  targetSaid(hardLsn: number, appliedLsn: number): void {
    Atomics.store(this.long, APPLIED_LSN, BigInt(appliedLsn))
    Atomics.store(this.long, HARD_LSN, BigInt(hardLsn))
    this.waiters.targetHas(hardLsn)
  }

  hardLsn(): number {
    return Number(Atomics.load(this.long, HARD_LSN))
  }

  appliedLsn(): number {
    return Number(Atomics.load(this.long, APPLIED_LSN))
  }

  /** For the sender, which gathers small changes for a moment: resolves earlier when somebody waits for the target. */
  async gather(momentMs: number): Promise<void> {
    const seen = Atomics.load(this.small, WAITER_SIGNAL)
    if (this.waiters.waiting() > 0) return
    await Atomics.waitAsync(this.small, WAITER_SIGNAL, seen, momentMs).value
  }

  private wakeReader(): void {
    if (Atomics.load(this.small, READER_SLEEPS) === 0) return
    Atomics.store(this.small, READER_SLEEPS, 0)
    Atomics.add(this.small, SIGNAL, 1)
    Atomics.notify(this.small, SIGNAL)
  }

  /** For the reader: resolves when there is a frame at `position`, or something else to look at (`ready`), or after so long. */
  async waitForFrame(position: number, timeoutMs: number, ready: () => boolean): Promise<void> {
    const seen = Atomics.load(this.small, SIGNAL)
    Atomics.store(this.small, READER_SLEEPS, 1)
    if (this.ring.head() > position || ready()) return
    await Atomics.waitAsync(this.small, SIGNAL, seen, timeoutMs).value
  }

  /** For whoever relieves the queue: resolves when it holds more than this, or after so long. */
  async waitForPressure(bytes: number, timeoutMs: number): Promise<void> {
    const seen = Atomics.load(this.small, PRESSURE_SIGNAL)
    Atomics.store(this.long, PRESSURE_BYTES, BigInt(Math.floor(bytes)))
    await Atomics.waitAsync(this.small, PRESSURE_SIGNAL, seen, timeoutMs).value
  }

  /** Once: who waits for it sleeps again by itself. */
  private tellPressure(): void {
    const above = Number(Atomics.load(this.long, PRESSURE_BYTES))
    if (above === 0 || this.ring.usedBytes() <= above) return
    Atomics.store(this.long, PRESSURE_BYTES, 0n)
    Atomics.add(this.small, PRESSURE_SIGNAL, 1)
    Atomics.notify(this.small, PRESSURE_SIGNAL)
  }
}

/** Counters are shared by inodes: one more change than there was costs a second look, one less would cost data. */
function counterOf(inode: number | bigint): number {
  const low = typeof inode === 'bigint' ? Number(BigInt.asUintN(32, inode)) : inode >>> 0
  const high = typeof inode === 'bigint' ? Number(BigInt.asUintN(32, inode >> 32n)) : Math.floor(inode / 0x1_0000_0000) >>> 0
  return (Math.imul(low ^ high, 0x9e37_79b1) >>> 0) & (VERSION_COUNTERS - 1)
}
