/** Files are marked in extents of this size. */
export const EXTENT_BYTES = 4 << 20
/** Behind this extent (1 TiB) a file is marked up to its end. */
const BITMAP_EXTENTS_MAX = 1 << 18
const WORD_BITS = 32
export const TO_END = Number.POSITIVE_INFINITY

export const extentOf = (offset: number): number => Math.floor(offset / EXTENT_BYTES)

/** A set of a file's extents: a bitmap, and all from `tail` on. Most files have one extent or a few. */
export class Extents {
  private first = 0
  private more: Uint32Array | null = null
  private tail = TO_END

  isEmpty(): boolean {
    return this.first === 0 && this.tail === TO_END && this.more === null
  }

  /** All of them, both ends included. */
  has(from: number, to: number): boolean {
    if (from >= this.tail) return true
    if (to === TO_END) return false
    const last = Math.min(to, this.tail - 1)
    if (last >= BITMAP_EXTENTS_MAX) return false
    for (let extent = from; extent <= last; extent++) if (!this.bit(extent)) return false
    return true
  }

  private bit(extent: number): boolean {
    if (extent < WORD_BITS) return (this.first & (1 << extent)) !== 0
    return ((this.more?.[extent >>> 5] ?? 0) & (1 << (extent & 31))) !== 0
  }

  add(from: number, to: number): void {
    const last = Math.min(to, BITMAP_EXTENTS_MAX - 1)
    if (to !== TO_END) for (let extent = from; extent <= last; extent++) this.set(extent)
    if (to > last) this.tail = Math.min(this.tail, to === TO_END ? from : Math.max(from, BITMAP_EXTENTS_MAX))
  }

  private set(extent: number): void {
    if (extent < WORD_BITS) {
      this.first |= 1 << extent
      return
    }
    const word = extent >>> 5
    if (this.more === null || this.more.length <= word) {
      const grown = new Uint32Array(Math.max(4, 2 ** Math.ceil(Math.log2(word + 1))))
      if (this.more !== null) grown.set(this.more)
      this.more = grown
    }
    this.more[word]! |= 1 << (extent & 31)
  }

  /** First and last extent of each run; the last may be TO_END. */
  runs(): [number, number][] {
    const runs: [number, number][] = []
    const bits = this.more === null ? WORD_BITS : this.more.length * WORD_BITS
    for (let extent = 0; extent < Math.min(bits, this.tail); extent++) {
      if (!this.bit(extent)) continue
      const last = runs.at(-1)
      if (last !== undefined && last[1] === extent - 1) last[1] = extent
      else runs.push([extent, extent])
    }
    if (this.tail !== TO_END) runs.push([this.tail, TO_END])
    return runs
  }

  copy(): Extents {
    const copy = new Extents()
    copy.first = this.first
    copy.more = this.more?.slice() ?? null
    copy.tail = this.tail
    return copy
  }
}
