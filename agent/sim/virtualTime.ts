interface Waiting {
  atMs: number
  number: number
  run: () => void
}

const isBefore = (a: Waiting, b: Waiting): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)

/** Time that passes only when it is told to; what falls on the same moment happens in the order in which it was asked for. A heap. */
export class VirtualTime {
  nowMs = 0
  private readonly heap: Waiting[] = []
  private numbers = 0

  after(delayMs: number, run: () => void): void {
    this.numbers += 1
    const item = { atMs: this.nowMs + delayMs, number: this.numbers, run }
    let place = this.heap.push(item) - 1
    for (let above = (place - 1) >> 1; place > 0 && isBefore(item, this.heap[above]!); above = (place - 1) >> 1) {
      this.heap[place] = this.heap[above]!
      place = above
    }
    this.heap[place] = item
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs
    while (this.heap.length > 0 && this.heap[0]!.atMs <= untilMs) this.step()
    this.nowMs = untilMs
  }

  /** The next moment at which something happens; null: nothing is waiting. */
  get nextAtMs(): number | null {
    return this.heap[0]?.atMs ?? null
  }

  /** On to it, and one thing of it. */
  step(): void {
    const next = this.pop()
    this.nowMs = next.atMs
    next.run()
  }

  private pop(): Waiting {
    const { heap } = this
    const first = heap[0]!
    const item = heap.pop()!
    if (heap.length > 0) this.sink(item)
    return first
  }

  private sink(item: Waiting): void {
    const { heap } = this
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1
      if (below >= heap.length || !isBefore(heap[below]!, item)) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = item
  }
}
