/**
 * Between a capture thread and the thread that makes its marks hard: a ring of bytes in shared memory, and a few words. Positions are counted in bytes and
 * wrap at 2^32; they are compared by their distance.
 */
const RING_BYTES = 1 << 20
const HEAD = 0
const HARD = 1
const STATE = 2
const WANTED = 3
const RELEASED = 4
const SETTLED = 5
const SIGNAL = 6
const LOST = 7
const GENERATION = 8
const FOLLOWED = 9
const WORDS = 10
const FLOATS_AT = WORDS * 4
const OLDEST_BEGAN = 0
const COVERED = 1
const FLOATS = 2
const HEADER_BYTES = FLOATS_AT + FLOATS * 8

/** `unknown`: on the disk it stands that everything may differ, so nothing needs a mark. `failed`: not even that could be written; who needs a mark waits. */
export type MarksState = 'kept' | 'unknown' | 'failed'
const KEPT = 0
const FAILED = -1

/** What a capture thread needs to mark. */
export interface DirtyForCapture {
  shared: SharedArrayBuffer
  /** An eventfd: written when marks have become hard. */
  wakeFd: number
}

export class MarkRing {
  private readonly words: Int32Array
  private readonly floats: Float64Array
  private readonly bytes: Buffer

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(HEADER_BYTES + RING_BYTES)) {
    this.words = new Int32Array(shared, 0, WORDS)
    this.floats = new Float64Array(shared, FLOATS_AT, FLOATS)
    this.bytes = Buffer.from(shared, HEADER_BYTES)
  }

  head(): number {
    return Atomics.load(this.words, HEAD)
  }

  isHard(position: number): boolean {
    return ((Atomics.load(this.words, HARD) - position) | 0) >= 0
  }

  /** Capture: the position behind the record; null: there is no room until more is hard. */
  push(record: Uint8Array): number | null {
    const head = this.head()
    const used = (head - Atomics.load(this.words, HARD)) >>> 0
    if (used + record.length > RING_BYTES) return null
    const at = (head >>> 0) % RING_BYTES
    const room = RING_BYTES - at
    this.bytes.set(record.subarray(0, room), at)
    if (record.length > room) this.bytes.set(record.subarray(room), 0)
    Atomics.store(this.words, HEAD, (head + record.length) | 0)
    return this.head()
  }

  /** The marks' thread: what is not hard yet, from this position on. */
  copyFrom(position: number): { bytes: Buffer; end: number } {
    const end = this.head()
    const length = (end - position) >>> 0
    const at = (position >>> 0) % RING_BYTES
    const first = Buffer.from(this.bytes.subarray(at, Math.min(RING_BYTES, at + length)))
    return { bytes: first.length === length ? first : Buffer.concat([first, this.bytes.subarray(0, length - first.length)]), end }
  }

  setHard(position: number): void {
    Atomics.store(this.words, HARD, position)
  }

  /** Wakes the marks' thread. */
  signal(): void {
    Atomics.add(this.words, SIGNAL, 1)
    Atomics.notify(this.words, SIGNAL)
  }

  signals(): number {
    return Atomics.load(this.words, SIGNAL)
  }

  /** The marks' thread: sleeps until it is signalled after `seen`, at most so long. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, SIGNAL, seen, timeoutMs)
  }

  state(): MarksState {
    const state = Atomics.load(this.words, STATE)
    return state === KEPT ? 'kept' : state === FAILED ? 'failed' : 'unknown'
  }

  /** The marks' thread. Each time has its number, so that an older one that ends does not end a newer one. */
  setLost(state: 'unknown' | 'failed'): void {
    Atomics.store(this.words, STATE, state === 'failed' ? FAILED : Atomics.add(this.words, LOST, 1) + 1)
  }

  /** Capture: which loss it is that a new generation will end; KEPT: none. */
  loss(): number {
    return Atomics.load(this.words, STATE)
  }

  endLoss(loss: number): void {
    Atomics.compareExchange(this.words, STATE, loss, KEPT)
  }

  /** The generation that counts now. */
  generation(): number {
    return Atomics.load(this.words, GENERATION)
  }

  setGeneration(generation: number): void {
    Atomics.store(this.words, GENERATION, generation)
  }

  /** The generation that the capture thread shall begin; 0: none. */
  wanted(): number {
    return Atomics.load(this.words, WANTED)
  }

  want(generation: number): void {
    Atomics.store(this.words, WANTED, generation)
  }

  /** Generations up to this one are no longer needed. */
  released(): number {
    return Atomics.load(this.words, RELEASED)
  }

  setReleased(generation: number): void {
    Atomics.store(this.words, RELEASED, generation)
  }

  /** Grows while the target follows, so that generations can be released. */
  followed(): number {
    return Atomics.load(this.words, FOLLOWED)
  }

  noteFollowed(): void {
    Atomics.add(this.words, FOLLOWED, 1)
  }

  /** What earlier runs have done is hard in the folder. */
  settled(): boolean {
    return Atomics.load(this.words, SETTLED) !== 0
  }

  setSettled(): void {
    Atomics.store(this.words, SETTLED, 1)
  }

  /** When the oldest generation that is still needed began, in ticks. */
  oldestBegan(): number {
    return this.floats[OLDEST_BEGAN]!
  }

  setOldestBegan(ticks: number): void {
    this.floats[OLDEST_BEGAN] = ticks
  }

  /** Bytes that changed in the current generation without a mark of their own. */
  coveredBytes(): number {
    return this.floats[COVERED]!
  }

  setCoveredBytes(bytes: number): void {
    this.floats[COVERED] = bytes
  }
}
