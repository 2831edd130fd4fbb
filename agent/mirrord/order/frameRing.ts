import { AT, FRAME_HEADER_BYTES, frameBytes, writeFrame } from '../../../src/wire/frame'
import type { Fields } from '../../../src/wire/frameFields'

/**
 * Frames in a ring of shared memory. Positions only grow (bytes since the begin). A large ring is cut into parts: each stretch of positions stands in
 * the lowest part that is free when it begins, so memory that was never needed at a time is never touched, however much goes through.
 * Writers hold the log's lock. The one reader needs none: it goes up to `head`, which moves after a frame is whole, and
 * what lies between `tail` and `head` does not change. `tail` moves when the target has acknowledged a frame, so that a
 * new connection goes on where the last one ended.
 */
const HEAD = 0
const TAIL = 1
export const RING_WORDS = 2

/** Before each frame: its length, or WRAP: the next frame stands at the begin of the next part; and how many bytes were left out before it. */
const ENTRY_HEAD_BYTES = 8
const LEFT_OUT = 4
const ALIGN_BYTES = 8
const WRAP = 0xffff_ffff
const HIGH = 0x1_0000_0000
const PARTS = 8
/** Below this many bytes a frame would take much of a part: the ring is one. */
const PARTED_BYTES_MIN = 32 * 1024 * 1024
/** Behind the frames: for each stretch of positions, in turn, the part it stands in. */
const TABLE_BYTES = PARTS * 4

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES

/** Bytes are left out before a frame, so that its payload begins on a word: copying into shared memory goes byte by byte otherwise. */
const leftOutBefore = ({ path, path2 }: Fields): number => -(FRAME_HEADER_BYTES + path.length + path2.length) & (ALIGN_BYTES - 1)

export class FrameRing {
  private readonly bytes: Buffer
  private readonly view: DataView
  private readonly table: Int32Array
  private readonly partBytes: number
  private readonly parts: number
  readonly capacity: number

  constructor(
    memory: SharedArrayBuffer,
    private readonly words: BigInt64Array
  ) {
    this.bytes = Buffer.from(memory)
    this.view = new DataView(memory)
    this.capacity = memory.byteLength - TABLE_BYTES
    this.table = new Int32Array(memory, this.capacity, PARTS)
    this.parts = this.capacity < PARTED_BYTES_MIN ? 1 : PARTS
    this.partBytes = this.capacity / this.parts
  }

  static memory(capacity: number): SharedArrayBuffer {
    const step = ALIGN_BYTES * PARTS
    return new SharedArrayBuffer(Math.ceil(capacity / step) * step + TABLE_BYTES)
  }

  head(): number {
    return Number(Atomics.load(this.words, HEAD))
  }

  tail(): number {
    return Number(Atomics.load(this.words, TAIL))
  }

  usedBytes(): number {
    return this.head() - this.tail()
  }

  /** Inside the lock. False: there is no room. */
  push(fields: Fields, lsn: number, roleSequence: number): boolean {
    const length = frameBytes(fields)
    const leftOut = leftOutBefore(fields)
    const need = aligned(ENTRY_HEAD_BYTES + leftOut + length)
    let head = this.head()
    const toEnd = this.partBytes - (head % this.partBytes)
    const skipped = need > toEnd ? toEnd : 0
    const tail = this.tail()
    if (head + skipped + need - tail > this.capacity) return false
    if (skipped > 0) this.view.setUint32(this.place(head), WRAP, true)
    head += skipped
    if (head % this.partBytes === 0) this.beginPart(head / this.partBytes, Math.floor(tail / this.partBytes))
    const at = this.place(head)
    this.view.setUint32(at, length, true)
    this.view.setUint32(at + LEFT_OUT, leftOut, true)
    writeFrame(fields, lsn, roleSequence, this.bytes, this.view, at + ENTRY_HEAD_BYTES + leftOut)
    Atomics.store(this.words, HEAD, BigInt(head + need))
    return true
  }

  private place(position: number): number {
    return this.table[Math.floor(position / this.partBytes) % this.parts]! * this.partBytes + (position % this.partBytes)
  }

  /** Finds a place for this stretch of positions; `oldest` is the one with the tail. */
  private beginPart(stretch: number, oldest: number): void {
    // Full all around: it follows the tail in the same part, as in any ring.
    if (stretch - oldest >= this.parts) return
    const taken = new Set<number>()
    for (let each = oldest; each < stretch; each++) taken.add(this.table[each % this.parts]!)
    let part = 0
    while (taken.has(part)) part++
    this.table[stretch % this.parts] = part
  }

  /** The frame at this position, and the position after it; null: there is none yet. The bytes stay valid until released. */
  read(position: number): { frame: Uint8Array; next: number } | null {
    if (position >= this.head()) return null
    const entry = this.entryFrom(position)
    const start = this.frameAt(entry)
    return { frame: this.bytes.subarray(start, start + this.view.getUint32(this.place(entry), true)), next: this.after(entry) }
  }

  /** Copies whole frames from this position on, as many as there are and have room, and none once `limit` is reached. `ends`: where each ends in `into`. */
  copyOut(position: number, into: Buffer, ends: number[], limit = into.length): number {
    const head = this.head()
    let from = position
    for (let filled = 0; from < head && filled < limit; ) {
      const entry = this.entryFrom(from)
      const start = this.frameAt(entry)
      const length = this.view.getUint32(this.place(entry), true)
      if (filled + length > into.length) break
      this.bytes.copy(into, filled, start, start + length)
      filled += length
      ends.push(filled)
      from = this.after(entry)
    }
    return from
  }

  /** The position behind the last frame that is not newer than this LSN. */
  positionAfter(lsn: number): number {
    const head = this.head()
    let from = this.tail()
    while (from < head) {
      const entry = this.entryFrom(from)
      const at = this.frameAt(entry) + AT.lsn
      if (this.view.getUint32(at + 4, true) * HIGH + this.view.getUint32(at, true) > lsn) break
      from = this.after(entry)
    }
    return from
  }

  /** Where the entry stands that a position leads to: at the begin of the next part, when there was no room for it at the end. */
  private entryFrom(position: number): number {
    return this.view.getUint32(this.place(position), true) === WRAP ? position + this.partBytes - (position % this.partBytes) : position
  }

  private frameAt(entry: number): number {
    const at = this.place(entry)
    return at + ENTRY_HEAD_BYTES + this.view.getUint32(at + LEFT_OUT, true)
  }

  private after(entry: number): number {
    const at = this.place(entry)
    return entry + aligned(ENTRY_HEAD_BYTES + this.view.getUint32(at + LEFT_OUT, true) + this.view.getUint32(at, true))
  }

  /** All before this position has reached the target. */
  release(position: number): void {
    Atomics.store(this.words, TAIL, BigInt(position))
  }

  /** Inside the lock: what is queued is given up. */
  clear(): void {
    Atomics.store(this.words, TAIL, Atomics.load(this.words, HEAD))
  }
}
