/**
 * What the capture thread hands to the slow threads: requests that may wait for a disk. A ring of jobs in shared memory; the capture thread is the
 * only producer, the slow threads take jobs with compare-and-swap and answer the kernel themselves.
 */
export enum SlowKind {
  FSYNC = 1,
  FDATASYNC = 2,
  READ = 3,
  SYNCFS = 4
}

export interface SlowJob {
  kind: SlowKind
  fd: number
  /** The request's number, both halves. */
  uniqueLow: number
  uniqueHigh: number
  offset: number
  size: number
  /** The slot of a request that waits for the target, too; -1: it waits for the disk only. */
  slot: number
}

const JOBS = 1024
const JOB_WORDS = 9
const HEADER_WORDS = 16
const ADDED = 0
const TAKEN = 1
const CLOSED = 2
const FREE = 3
const READY_WORD = 8
/** A thread that was about to wait while the queue was closed looks again after this. */
const WAKE_MS = 500
const TWO_32 = 2 ** 32

export class SlowQueue {
  private readonly words: Int32Array

  private constructor(
    readonly shared: SharedArrayBuffer,
    private readonly another: () => boolean
  ) {
    this.words = new Int32Array(shared)
  }

  /** For so many threads, to begin with. */
  static create(threads: number): SlowQueue {
    const queue = new SlowQueue(new SharedArrayBuffer((HEADER_WORDS + JOBS * JOB_WORDS) * 4), () => false)
    Atomics.store(queue.words, FREE, threads)
    return queue
  }

  /** `another`: the capture thread's, called when more jobs wait than threads are free; true: another thread comes. */
  static attach(shared: SharedArrayBuffer, another = (): boolean => false): SlowQueue {
    return new SlowQueue(shared, another)
  }

  /** A thread has its answer ready, or one comes. Said before the answer, for the next job may follow at once. */
  oneFree(): void {
    Atomics.add(this.words, FREE, 1)
  }

  /** False: the ring is full, do it yourself. */
  add(job: SlowJob): boolean {
    const added = Atomics.load(this.words, ADDED)
    const at = this.placeOf(added)
    if (Atomics.load(this.words, at + READY_WORD) !== 0) return false
    this.words[at] = job.kind
    this.words[at + 1] = job.fd
    this.words[at + 2] = job.uniqueLow | 0
    this.words[at + 3] = job.uniqueHigh | 0
    this.words[at + 4] = (job.offset % TWO_32) | 0
    this.words[at + 5] = Math.floor(job.offset / TWO_32)
    this.words[at + 6] = job.size
    this.words[at + 7] = job.slot
    Atomics.store(this.words, at + READY_WORD, 1)
    Atomics.store(this.words, ADDED, (added + 1) | 0)
    Atomics.notify(this.words, ADDED, 1)
    const waiting = (added + 1 - Atomics.load(this.words, TAKEN)) | 0
    if (waiting > Atomics.load(this.words, FREE) && this.another()) this.oneFree()
    return true
  }

  /** Waits for a job; null: the queue was closed and is empty. */
  take(): SlowJob | null {
    for (;;) {
      const added = Atomics.load(this.words, ADDED)
      const taken = Atomics.load(this.words, TAKEN)
      if (taken !== added) {
        Atomics.sub(this.words, FREE, 1)
        if (Atomics.compareExchange(this.words, TAKEN, taken, (taken + 1) | 0) === taken) return this.copy(this.placeOf(taken))
        this.oneFree()
        continue
      }
      if (Atomics.load(this.words, CLOSED) !== 0) return null
      Atomics.wait(this.words, ADDED, added, WAKE_MS)
    }
  }

  close(): void {
    Atomics.store(this.words, CLOSED, 1)
    Atomics.notify(this.words, ADDED)
  }

  private placeOf(number: number): number {
    return HEADER_WORDS + ((number >>> 0) % JOBS) * JOB_WORDS
  }

  private copy(at: number): SlowJob {
    const job: SlowJob = {
      kind: this.words[at]!,
      fd: this.words[at + 1]!,
      uniqueLow: this.words[at + 2]! >>> 0,
      uniqueHigh: this.words[at + 3]! >>> 0,
      offset: (this.words[at + 4]! >>> 0) + this.words[at + 5]! * TWO_32,
      size: this.words[at + 6]!,
      slot: this.words[at + 7]!
    }
    Atomics.store(this.words, at + READY_WORD, 0)
    return job
  }
}
