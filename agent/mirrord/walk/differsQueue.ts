import { DIFFERENCES, latin1Text, type Difference } from '../../../src/wire/frameFields'
import { SharedMutex } from '../order/sharedMutex'

/**
 * What the target's comparison has found, on its way from the sender's thread to the walk's, in shared memory.
 *
 * The sender adds each `differs` frame before it looks at the acknowledgement that follows, then says in WalkControl how far the target has
 * applied. So a comparing step that counts as applied has left all its differences here, unless `lost` says otherwise: the queue was full, or
 * a connection broke. The walk then compares again what it did not know to be compared before.
 */
const MUTEX = 0
const USED = 1
const LOST = 2
const SIGNAL = 3
const WORDS = 4
const QUEUE_BYTES = 4 * 1024 * 1024
const ENTRY_HEAD_BYTES = 24
const AT = { folder: 0, pathLength: 2, what: 4, offset: 8, length: 16 } as const

export class DiffersQueue {
  private readonly words: Int32Array
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly mutex: SharedMutex

  private constructor(readonly shared: SharedArrayBuffer) {
    this.words = new Int32Array(shared, 0, WORDS)
    this.bytes = new Uint8Array(shared, WORDS * 4)
    this.view = new DataView(shared, WORDS * 4)
    this.mutex = new SharedMutex(this.words, MUTEX)
  }

  static create(): DiffersQueue {
    return new DiffersQueue(new SharedArrayBuffer(WORDS * 4 + QUEUE_BYTES))
  }

  static attach(shared: SharedArrayBuffer): DiffersQueue {
    return new DiffersQueue(shared)
  }

  add(difference: Difference): void {
    this.locked(() => {
      const used = this.words[USED]!
      const end = used + ENTRY_HEAD_BYTES + difference.path.length
      if (end > this.bytes.length) this.words[LOST] = 1
      else {
        this.write(used, difference)
        this.words[USED] = end
      }
    })
    this.ring()
  }

  /** Some may have been said that did not arrive: a connection has ended. */
  lose(): void {
    this.locked(() => (this.words[LOST] = 1))
    this.ring()
  }

  /** A new comparison begins: what an older one has found is of no interest. */
  clear(): void {
    this.locked(() => {
      this.words[USED] = 0
      this.words[LOST] = 0
    })
  }

  empty(): boolean {
    return Atomics.load(this.words, USED) === 0 && Atomics.load(this.words, LOST) === 0
  }

  /** Takes all of them out, in the order in which they were said. */
  take(): { lost: boolean; differences: Difference[] } {
    return this.locked(() => {
      const differences: Difference[] = []
      for (let at = 0; at < this.words[USED]!; at += ENTRY_HEAD_BYTES + differences.at(-1)!.path.length) differences.push(this.read(at))
      const lost = this.words[LOST] === 1
      this.words[USED] = 0
      this.words[LOST] = 0
      return { lost, differences }
    })
  }

  signal(): number {
    return Atomics.load(this.words, SIGNAL)
  }

  /** Sleeps until something was added after `seen`, at most so long. */
  wait(seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, SIGNAL, seen, timeoutMs)
  }

  private ring(): void {
    Atomics.add(this.words, SIGNAL, 1)
    Atomics.notify(this.words, SIGNAL)
  }

  private locked<T>(use: () => T): T {
    this.mutex.lock()
    try {
      return use()
    } finally {
      this.mutex.unlock()
    }
  }

  private write(at: number, { folder, path, what, offset, length }: Difference): void {
    const { view } = this
    view.setUint16(at + AT.folder, folder, true)
    view.setUint16(at + AT.pathLength, path.length, true)
    view.setUint8(at + AT.what, DIFFERENCES.indexOf(what))
    view.setFloat64(at + AT.offset, offset, true)
    view.setFloat64(at + AT.length, length, true)
    for (let i = 0; i < path.length; i++) this.bytes[at + ENTRY_HEAD_BYTES + i] = path.charCodeAt(i)
  }

  private read(at: number): Difference {
    const { view } = this
    const begin = at + ENTRY_HEAD_BYTES
    return {
      folder: view.getUint16(at + AT.folder, true),
      path: latin1Text(this.bytes, begin, begin + view.getUint16(at + AT.pathLength, true)),
      what: DIFFERENCES[view.getUint8(at + AT.what)]!,
      offset: view.getFloat64(at + AT.offset, true),
      length: view.getFloat64(at + AT.length, true)
    }
  }
}
