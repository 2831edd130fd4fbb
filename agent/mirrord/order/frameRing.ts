import { frameBytes, writeFrame } from '../../../src/wire/frame'
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

/** Before each frame: its length, or WRAP: the next frame stands at the begin of the memory. */
const ENTRY_HEAD_BYTES = 8
const ALIGN_BYTES = 8
const WRAP = 0xffff_ffff

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES

export class FrameRing {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  readonly capacity: number

  constructor(
    memory: SharedArrayBuffer,
    private readonly words: BigInt64Array
  ) {
    this.bytes = new Uint8Array(memory)
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
    const need = aligned(ENTRY_HEAD_BYTES + length)
    let head = this.head()
    const toEnd = this.capacity - (head % this.capacity)
    const skipped = need > toEnd ? toEnd : 0
    if (head + skipped + need - this.tail() > this.capacity) return false
    if (skipped > 0) this.view.setUint32(head % this.capacity, WRAP, true)
    head += skipped
    const at = head % this.capacity
    this.view.setUint32(at, length, true)
    writeFrame(fields, lsn, roleSequence, this.bytes, this.view, at + ENTRY_HEAD_BYTES)
    Atomics.store(this.words, HEAD, BigInt(head + need))
    return true
  }

  /** The frame at this position, and the position after it; null: there is none yet. The bytes stay valid until released. */
  read(position: number): { frame: Uint8Array; next: number } | null {
    let from = position
    if (from >= this.head()) return null
    if (this.view.getUint32(from % this.capacity, true) === WRAP) from += this.capacity - (from % this.capacity)
    const at = from % this.capacity
    const length = this.view.getUint32(at, true)
    const frame = this.bytes.subarray(at + ENTRY_HEAD_BYTES, at + ENTRY_HEAD_BYTES + length)
    return { frame, next: from + aligned(ENTRY_HEAD_BYTES + length) }
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
