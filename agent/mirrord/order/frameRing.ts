import { AT, FRAME_HEADER_BYTES, frameBytes, writeFrame } from '../../../src/wire/frame'
import type { Fields } from '../../../src/wire/frameFields'

/**
 * Frames in a ring of shared memory. Positions only grow (bytes since the begin); the place in memory is the remainder.
 * Writers hold the log's lock. The one reader needs none: it goes up to `head`, which moves after a frame is whole, and
 * what lies between `tail` and `head` does not change. `tail` moves when the target has acknowledged a frame, so that a
 * new connection goes on where the last one ended.
 */
const HEAD = 0
const TAIL = 1
export const RING_WORDS = 2

/** Before each frame: its length, or WRAP: the next frame stands at the begin of the memory; and how many bytes were left out before it. */
const ENTRY_HEAD_BYTES = 8
const LEFT_OUT = 4
const ALIGN_BYTES = 8
const WRAP = 0xffff_ffff
const HIGH = 0x1_0000_0000

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES

/** Bytes are left out before a frame, so that its payload begins on a word: copying into shared memory goes byte by byte otherwise. */
const leftOutBefore = ({ path, path2 }: Fields): number => -(FRAME_HEADER_BYTES + path.length + path2.length) & (ALIGN_BYTES - 1)

export class FrameRing {
  private readonly bytes: Buffer
  private readonly view: DataView
  readonly capacity: number

  constructor(
    memory: SharedArrayBuffer,
    private readonly words: BigInt64Array
  ) {
    this.bytes = Buffer.from(memory)
    this.view = new DataView(memory)
    this.capacity = memory.byteLength
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
    const toEnd = this.capacity - (head % this.capacity)
    const skipped = need > toEnd ? toEnd : 0
    if (head + skipped + need - this.tail() > this.capacity) return false
    if (skipped > 0) this.view.setUint32(head % this.capacity, WRAP, true)
    head += skipped
    const at = head % this.capacity
    this.view.setUint32(at, length, true)
    this.view.setUint32(at + LEFT_OUT, leftOut, true)
    writeFrame(fields, lsn, roleSequence, this.bytes, this.view, at + ENTRY_HEAD_BYTES + leftOut)
    Atomics.store(this.words, HEAD, BigInt(head + need))
    return true
  }

  /** The frame at this position, and the position after it; null: there is none yet. The bytes stay valid until released. */
  read(position: number): { frame: Uint8Array; next: number } | null {
    if (position >= this.head()) return null
    const entry = this.entryFrom(position)
    const start = this.frameAt(entry)
    return { frame: this.bytes.subarray(start, start + this.view.getUint32(entry % this.capacity, true)), next: this.after(entry) }
  }

  /** Copies whole frames from this position on, as many as there are and have room, and none once `limit` is reached. `ends`: where each ends in `into`. */
  copyOut(position: number, into: Buffer, ends: number[], limit = into.length): number {
    const head = this.head()
    let from = position
    for (let filled = 0; from < head && filled < limit; ) {
      const entry = this.entryFrom(from)
      const start = this.frameAt(entry)
      const length = this.view.getUint32(entry % this.capacity, true)
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

  /** Where the entry stands that a position leads to: at the begin of the memory, when there was no room for it at the end. */
  private entryFrom(position: number): number {
    const at = position % this.capacity
    return this.view.getUint32(at, true) === WRAP ? position + this.capacity - at : position
  }

  private frameAt(entry: number): number {
    const at = entry % this.capacity
    return at + ENTRY_HEAD_BYTES + this.view.getUint32(at + LEFT_OUT, true)
  }

  private after(entry: number): number {
    const at = entry % this.capacity
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
