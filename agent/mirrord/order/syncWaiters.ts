import * as libc from '../../native/libc'
import { EINTR } from '../../native/libcErrors'
import { LeaseWord } from './leaseWord'

/**
 * Requests of the kernel (fsync and the like) that wait for two things: the local flush, and the target's word that all before them is
 * hard there. Slots in shared memory: a slow thread reports the flush, the sender's thread the target's word, and whoever is last of the
 * two answers the kernel. Nobody waits for a lock. In a job with quorum the answer is given under a lease only: what is ready without one is held, and
 * answered when the next one is told.
 */
const SLOTS = 8_192
const SLOT_WORDS = 10
const HEADER_WORDS = 6
/** How many wait for the target; the highest slot ever used; the newest LSN that somebody wants, and the lease (two words each). */
const COUNT = 0
const TOP = 1
const WANTED = 1
const LEASE = 2
/** Of a slot. The state holds its flags and, above them, how often the slot was used: an old view of it cannot change it. */
const STATE = 0
const FUSE_FD = 1
const UNIQUE_LOW = 2
const UNIQUE_HIGH = 3
const RESULT = 4
const SINCE = 5
const LSN = 3
const PID = 8
const CLAIMED = 1
const READY = 2
const FLUSHED = 4
const TARGET_HAS = 8
/** Ready to be answered, and no lease runs. */
const HELD = 16
/** Whoever waits is being killed: no answer helps it but one. */
const GIVEN_UP = 32
const FLAG_BITS = 6
/** Who waits for longer is looked at: it may be being killed. */
const LOOK_AFTER_MS = 100
const REPLY_BYTES = 16
/** The clock of this boot, the same for all threads, in milliseconds modulo this: in one word. */
const CLOCK = 0x7fff_ffff

/** The answer to a request without content. The kernel may have given it up: nobody waits for it then. */
function answerKernel(fuseFd: number, uniqueLow: number, uniqueHigh: number, result: number): void {
  const reply = Buffer.alloc(REPLY_BYTES)
  reply.writeUInt32LE(REPLY_BYTES, 0)
  reply.writeInt32LE(Math.min(0, result), 4)
  reply.writeUInt32LE(uniqueLow, 8)
  reply.writeUInt32LE(uniqueHigh, 12)
  libc.write(fuseFd, reply, REPLY_BYTES)
}

export class SyncWaiters {
  static readonly BYTES = (HEADER_WORDS + SLOTS * SLOT_WORDS) * 4
  private readonly words: Int32Array
  private readonly longs: BigInt64Array
  readonly lease: LeaseWord

  constructor(
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(SyncWaiters.BYTES),
    private readonly answer = answerKernel,
    private readonly nowMicros = libc.bootTimeMicros
  ) {
    this.words = new Int32Array(shared)
    this.longs = new BigInt64Array(shared)
    this.lease = new LeaseWord(this.longs, LEASE, nowMicros)
  }

  /** A slot that waits for both; -1: all are taken. */
  add(fuseFd: number, uniqueLow: number, uniqueHigh: number, lsn: number, pid = 0): number {
    const slot = this.claim()
    if (slot < 0) return slot
    const at = place(slot)
    this.words[at + FUSE_FD] = fuseFd
    this.words[at + UNIQUE_LOW] = uniqueLow | 0
    this.words[at + UNIQUE_HIGH] = uniqueHigh | 0
    this.words[at + RESULT] = 0
    this.words[at + SINCE] = this.nowWord()
    this.words[at + PID] = pid
    this.longs[at / 2 + LSN] = BigInt(lsn)
    this.raiseWanted(BigInt(lsn))
    Atomics.add(this.words, COUNT, 1)
    Atomics.or(this.words, at + STATE, READY)
    return slot
  }

  private claim(): number {
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = place(slot)
      const state = Atomics.load(this.words, at + STATE)
      if ((state & CLAIMED) !== 0 || Atomics.compareExchange(this.words, at + STATE, state, state | CLAIMED) !== state) continue
      this.raiseTop(slot + 1)
      return slot
    }
    return -1
  }

  private raiseTop(top: number): void {
    for (let seen = Atomics.load(this.words, TOP); seen < top; seen = Atomics.load(this.words, TOP)) Atomics.compareExchange(this.words, TOP, seen, top)
  }

  private raiseWanted(lsn: bigint): void {
    for (let seen = Atomics.load(this.longs, WANTED); seen < lsn; seen = Atomics.load(this.longs, WANTED))
      Atomics.compareExchange(this.longs, WANTED, seen, lsn)
  }

  /** A slow thread has flushed; an error is answered at once, whatever the target has. */
  flushed(slot: number, result: number): void {
    const at = place(slot)
    this.words[at + RESULT] = result
    const failed = result < 0
    const before = Atomics.or(this.words, at + STATE, failed ? FLUSHED | TARGET_HAS : FLUSHED)
    const last = (before & TARGET_HAS) !== 0
    if (failed && !last) Atomics.sub(this.words, COUNT, 1)
    if (failed) this.reply(at)
    else if (last) this.finish(at)
    else if ((before & GIVEN_UP) !== 0) this.giveUp(at)
  }

  /** A process that is being killed ends only when what it waits for in the kernel is answered: that it was interrupted. */
  giveUpKilled(isKilled: (pid: number) => boolean): void {
    const now = this.nowWord()
    const top = Atomics.load(this.words, TOP)
    for (let slot = 0; slot < top; slot++) {
      const at = place(slot)
      const state = Atomics.load(this.words, at + STATE)
      if ((state & READY) === 0 || (state & GIVEN_UP) !== 0 || this.waitedMs(at, now) < LOOK_AFTER_MS) continue
      if (!isKilled(this.words[at + PID]!) || Atomics.compareExchange(this.words, at + STATE, state, state | GIVEN_UP) !== state) continue
      this.giveUp(at)
    }
  }

  /** One that is still being flushed is given up when that has ended: its slot must not be used again before. */
  private giveUp(at: number): void {
    for (;;) {
      const state = Atomics.load(this.words, at + STATE)
      if ((state & GIVEN_UP) === 0 || (state & FLUSHED) === 0) return
      if ((state & HELD) !== 0) return this.letGo(at)
      // It is being answered at this moment.
      if ((state & TARGET_HAS) !== 0) return
      if (Atomics.compareExchange(this.words, at + STATE, state, state | TARGET_HAS) !== state) continue
      Atomics.sub(this.words, COUNT, 1)
      this.words[at + RESULT] = -EINTR
      return this.reply(at)
    }
  }

  /** The target has all up to this LSN, or nobody needs to wait for it any more (Infinity). */
  targetHas(lsn: number): void {
    if (Atomics.load(this.words, COUNT) === 0) return
    const top = Atomics.load(this.words, TOP)
    for (let slot = 0; slot < top; slot++) this.targetHasSlot(place(slot), lsn)
  }

  private targetHasSlot(at: number, lsn: number): void {
    for (;;) {
      const state = Atomics.load(this.words, at + STATE)
      if ((state & READY) === 0 || (state & TARGET_HAS) !== 0 || this.lsnAt(at) > lsn) return
      if (Atomics.compareExchange(this.words, at + STATE, state, state | TARGET_HAS) !== state) continue
      Atomics.sub(this.words, COUNT, 1)
      if ((state & FLUSHED) !== 0) this.finish(at)
      return
    }
  }

  private lsnAt(at: number): number {
    return Number(Atomics.load(this.longs, at / 2 + LSN))
  }

  private finish(at: number): void {
    if (this.lease.runs()) return this.reply(at)
    const before = Atomics.or(this.words, at + STATE, HELD)
    // A lease may have been told before this one could be seen.
    if (this.lease.runs() || (before & GIVEN_UP) !== 0) this.letGo(at)
  }

  /** A newer lease: what is held is answered under it. */
  setLease(untilMs: number | null): void {
    this.lease.set(untilMs)
    const top = Atomics.load(this.words, TOP)
    for (let slot = 0; slot < top; slot++) this.letGo(place(slot))
  }

  private letGo(at: number): void {
    for (;;) {
      const state = Atomics.load(this.words, at + STATE)
      if ((state & HELD) === 0) return
      if (Atomics.compareExchange(this.words, at + STATE, state, state & ~HELD) !== state) continue
      if ((state & GIVEN_UP) === 0) return this.finish(at)
      this.words[at + RESULT] = -EINTR
      return this.reply(at)
    }
  }

  private reply(at: number): void {
    this.answer(this.words[at + FUSE_FD]!, this.words[at + UNIQUE_LOW]! >>> 0, this.words[at + UNIQUE_HIGH]! >>> 0, this.words[at + RESULT]!)
    this.free(at)
  }

  private free(at: number): void {
    const uses = Atomics.load(this.words, at + STATE) >>> FLAG_BITS
    Atomics.store(this.words, at + STATE, ((uses + 1) << FLAG_BITS) | 0)
  }

  /** The descriptor is about to be closed, and the threads that flush have ended: nothing may be written to it any more. */
  abandon(fuseFd: number): void {
    for (let slot = 0; slot < Atomics.load(this.words, TOP); slot++) {
      const at = place(slot)
      for (;;) {
        const state = Atomics.load(this.words, at + STATE)
        if ((state & READY) === 0 || this.words[at + FUSE_FD] !== fuseFd) break
        // With both flags it is being answered at this moment, unless it is held.
        if ((state & TARGET_HAS) !== 0 && (state & FLUSHED) !== 0 && (state & HELD) === 0) continue
        if (Atomics.compareExchange(this.words, at + STATE, state, (state | TARGET_HAS | FLUSHED) & ~HELD) !== state) continue
        if ((state & TARGET_HAS) === 0) Atomics.sub(this.words, COUNT, 1)
        this.free(at)
      }
    }
  }

  /** How many wait for the target. */
  waiting(): number {
    return Atomics.load(this.words, COUNT)
  }

  /** The newest LSN that anybody has waited for. */
  wantedLsn(): number {
    return Number(Atomics.load(this.longs, WANTED))
  }

  private nowWord(): number {
    return (this.nowMicros() / 1_000) & CLOCK
  }

  /** One that has come since `now` was looked at has not waited at all, instead of for one round of the clock. */
  private waitedMs(at: number, now: number): number {
    const ms = (now - this.words[at + SINCE]!) & CLOCK
    return ms > CLOCK / 2 ? 0 : ms
  }

  /** How long the one that waits longest for the target has waited. */
  longestMs(): number {
    if (this.waiting() === 0) return 0
    const now = this.nowWord()
    let longest = 0
    for (let slot = 0; slot < Atomics.load(this.words, TOP); slot++) {
      const at = place(slot)
      const state = Atomics.load(this.words, at + STATE)
      if ((state & READY) !== 0 && (state & TARGET_HAS) === 0) longest = Math.max(longest, this.waitedMs(at, now))
    }
    return longest
  }
}

const place = (slot: number): number => HEADER_WORDS + slot * SLOT_WORDS
