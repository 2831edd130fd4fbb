/** How far behind the newest sequence a late packet may be and still count. */
export const SEQUENCE_WINDOW = 64

/** Which sequences of one incarnation have been seen: the newest, and one bit for each of the SEQUENCE_WINDOW - 1 before it. */
export class SequenceWindow {
  newest = 0n
  private seen = 0n

  /** What was sent before this one was not believed: as if it had been seen, so that a recording of it does not count later. */
  static from(sequence: bigint): SequenceWindow {
    const window = new SequenceWindow()
    window.newest = sequence
    window.seen = BigInt.asUintN(SEQUENCE_WINDOW, -1n)
    return window
  }

  /** True once for each sequence; false for a repeated or too old one. */
  accept(sequence: bigint): boolean {
    if (sequence <= 0n) return false
    if (sequence > this.newest) return this.advance(sequence)
    const behind = this.newest - sequence
    if (behind >= BigInt(SEQUENCE_WINDOW)) return false
    const bit = 1n << behind
    if ((this.seen & bit) !== 0n) return false
    this.seen |= bit
    return true
  }

  private advance(sequence: bigint): true {
    const by = sequence - this.newest
    this.seen = by >= BigInt(SEQUENCE_WINDOW) ? 1n : BigInt.asUintN(SEQUENCE_WINDOW, (this.seen << by) | 1n)
    this.newest = sequence
    return true
  }
}
