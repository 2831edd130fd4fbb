/**
 * A lock between threads: 0 free, 1 held, 2 held and somebody sleeps. Held for microseconds only, so it spins first; who
 * gets it after a sleep leaves it at 2, so that no sleeper is forgotten.
 */
const FREE = 0
const HELD = 1
const CONTENDED = 2
const SPINS = 200
/** A sleeper looks again after so long, even if nobody wakes it. */
const SLEEP_MS = 50

export class SharedMutex {
  constructor(
    private readonly words: Int32Array,
    private readonly at: number
  ) {}

  lock(): void {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.compareExchange(this.words, this.at, FREE, HELD) === FREE) return
    }
    while (Atomics.exchange(this.words, this.at, CONTENDED) !== FREE) Atomics.wait(this.words, this.at, CONTENDED, SLEEP_MS)
  }

  unlock(): void {
    if (Atomics.exchange(this.words, this.at, FREE) === CONTENDED) Atomics.notify(this.words, this.at, 1)
  }
}
