import { latin1Text } from '../../../src/wire/frameFields'

/**
 * Paths that the walk has to look at (again), in shared memory, used inside the log's lock. When it is full the walk
 * has to go through everything: `all` says so, and nothing is lost.
 */
const USED = 0
const ALL = 1
const SIGNAL = 2
export const REVISIT_WORDS = 3
export const REVISIT_BYTES = 1024 * 1024
const ENTRY_HEAD_BYTES = 4

export interface Revisit {
  folder: number
  /** With a slash at its end (watch capture): a directory that has this name now, and may have other names in it than the one before. */
  path: string
}

export class RevisitQueue {
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(
    memory: SharedArrayBuffer,
    private readonly words: Int32Array
  ) {
    this.bytes = new Uint8Array(memory)
    this.view = new DataView(memory)
  }

  add(folder: number, path: string): void {
    const used = this.words[USED]!
    if (used + ENTRY_HEAD_BYTES + path.length > this.bytes.length) this.words[ALL] = 1
    else {
      this.view.setUint16(used, folder, true)
      this.view.setUint16(used + 2, path.length, true)
      for (let i = 0; i < path.length; i++) this.bytes[used + ENTRY_HEAD_BYTES + i] = path.charCodeAt(i)
      this.words[USED] = used + ENTRY_HEAD_BYTES + path.length
    }
    Atomics.add(this.words, SIGNAL, 1)
    Atomics.notify(this.words, SIGNAL)
  }

  /** Everything has to be looked at. */
  addAll(): void {
    this.words[ALL] = 1
    Atomics.add(this.words, SIGNAL, 1)
    Atomics.notify(this.words, SIGNAL)
  }

  empty(): boolean {
    return Atomics.load(this.words, USED) === 0 && Atomics.load(this.words, ALL) === 0
  }

  /** Some had no room. */
  isFull(): boolean {
    return this.words[ALL] === 1
  }

  /** What was added behind this place, and how far that reaches. */
  peek(from: number): { paths: Revisit[]; end: number } {
    const end = this.words[USED]!
    const paths: Revisit[] = []
    for (let at = from; at < end; ) {
      const next = at + ENTRY_HEAD_BYTES + this.view.getUint16(at + 2, true)
      paths.push({ folder: this.view.getUint16(at, true), path: latin1Text(this.bytes, at + ENTRY_HEAD_BYTES, next) })
      at = next
    }
    return { paths, end }
  }

  /** Takes all of them out, each once. `all`: some had no room. */
  take(): { all: boolean; paths: Revisit[] } {
    const seen = new Map(this.peek(0).paths.map((each) => [`${each.folder}:${each.path}`, each]))
    const all = this.isFull()
    this.words[USED] = 0
    this.words[ALL] = 0
    return { all, paths: [...seen.values()] }
  }

  signal(): number {
    return Atomics.load(this.words, SIGNAL)
  }

  /** Sleeps until something was added after `seen`, at most so long. */
  wait(seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, SIGNAL, seen, timeoutMs)
  }
}
