import fs from 'node:fs'
import { dataError } from '../../../src/wire/frame'
import * as libc from '../../native/libc'
import { packBegin, type Begin } from '../stream/hello'
import type { Checkpoint } from './checkpoint'
import { BATCH_HEAD_BYTES, SEGMENT_BYTES, SEGMENT_HEAD_BYTES, packBatchHead, placeOf, segmentOf, type BatchKind } from './format'
import { Segments, type Segment } from './segments'

/** Without a barrier the disk is asked at most so often, after so much at once, and at least so long after the first change. */
const LAZY_FLUSH_MS = 100
const LAZY_FLUSH_BYTES = 16 * 1024 * 1024
const GATHER_MS = 5
/** writev(2) takes no more. */
const PARTS_MAX = 1_000
/** What comes in one turn is at most a few frames of full size, or many small ones. */
const BATCHES_MAX = 64

export interface LogEnd {
  position: number
  lsn: number
}

export interface RedoLogHooks {
  /** All up to here is on the disk. */
  hard(end: LogEnd): void
  /** The disk of the log is bad: what was not hard yet never will be. */
  failed(error: Error): void
}

/** The writing end of the redo log. It never waits for the disk: what it appends becomes hard later, and the hook says so. */
export class RedoLog {
  end: LogEnd
  hard: LogEnd
  private segment: Segment | null = null
  private place = 0
  private unsynced: Segment[] = []
  private flushing = false
  private again = false
  private timer: NodeJS.Timeout | null = null
  private flushedAtMs = 0
  private number: number
  private broken = false

  constructor(
    private readonly directory: string,
    private readonly segments: Segments,
    last: LogEnd,
    private sequence: number,
    private readonly hooks: RedoLogHooks
  ) {
    this.end = this.hard = last
    // Always a new segment: what a torn end has left in the old one can never be taken for something that was written later.
    this.number = segmentOf(last.position)
  }

  /**
   * Frames as they came, in order; `lsn` is that of the last one. Throws E_REDO_LOG_FULL, and then nothing is lost or appended. What fails in the middle
   * has failed for good: only the next start knows from the log itself how far it goes.
   */
  append(frames: readonly Uint8Array[], lsn: number): void {
    const bytes = frames.reduce((sum, frame) => sum + frame.length, BATCHES_MAX * BATCH_HEAD_BYTES)
    if (this.segment === null || this.place + bytes > SEGMENT_BYTES) this.following ??= this.takeNext()
    try {
      for (let from = 0; from < frames.length; ) from = this.appendSome(frames, from)
    } catch (error) {
      this.fail(error as Error)
      throw error
    }
    this.end = { position: this.end.position, lsn }
    this.flushLazily()
  }

  /** A session begins. */
  appendBegin(begin: Begin): number {
    this.write('begin', [packBegin(begin)])
    this.end = { position: this.end.position, lsn: begin.fromLsn }
    return this.end.position
  }

  /** As many as fit into the segment. */
  private appendSome(frames: readonly Uint8Array[], from: number): number {
    let room = SEGMENT_BYTES - this.place - BATCH_HEAD_BYTES
    if (this.segment === null || frames[from]!.length > room) {
      this.nextSegment()
      room = SEGMENT_BYTES - this.place - BATCH_HEAD_BYTES
    }
    let to = from
    for (; to < frames.length && to - from < PARTS_MAX && frames[to]!.length <= room; to++) room -= frames[to]!.length
    this.write('frames', frames.slice(from, to))
    return to
  }

  private write(kind: BatchKind, parts: Uint8Array[]): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, BATCH_HEAD_BYTES)
    if (this.segment === null || this.place + bytes > SEGMENT_BYTES) this.nextSegment()
    const segment = this.segment!
    const head = packBatchHead(segment.nonce, this.sequence, kind, parts)
    writeAll(segment.file, [head, ...parts], bytes, this.place)
    if (this.unsynced.at(-1) !== segment) this.unsynced.push(segment)
    this.sequence++
    this.place += bytes
    this.end = { position: segment.number * SEGMENT_BYTES + this.place, lsn: this.end.lsn }
  }

  private takeNext(): Segment {
    try {
      return this.segments.take(this.number + 1)
    } catch (error) {
      throw dataError('E_REDO_LOG_FULL', { directory: this.directory, why: (error as Error).message })
    }
  }

  /** Reserved before the first byte is written: what is appended is appended whole. */
  private following: Segment | null = null

  private nextSegment(): void {
    const segment = this.following ?? this.takeNext()
    this.following = null
    const before = this.segment
    this.number = segment.number
    this.segment = segment
    if (before !== null) this.closeWhenHard(before)
    this.place = SEGMENT_HEAD_BYTES
    void this.segments.prepare(segment.number)
  }

  private flushLazily(): void {
    if (this.end.position - this.hard.position >= LAZY_FLUSH_BYTES) return this.flush()
    if (this.timer !== null) return
    const waitMs = Math.max(GATHER_MS, this.flushedAtMs + LAZY_FLUSH_MS - performance.now())
    this.timer = setTimeout(() => this.flush(), waitMs)
  }

  /** Makes hard what is appended: at once, or right after the flush that runs now. Many who wait share one. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (this.flushing) this.again = true
    else if (this.unsynced.length > 0 && !this.broken) void this.run()
  }

  private async run(): Promise<void> {
    this.flushing = true
    do {
      this.again = false
      const goal = this.end
      const files = this.unsynced
      this.unsynced = []
      this.inFlight = files
      try {
        for (const segment of files) await this.segments.sync(segment)
      } catch (error) {
        this.endAt(this.hard, files)
        this.fail(error as Error)
        break
      }
      this.inFlight = []
      for (const segment of files) this.closeWhenHard(segment)
      this.flushedAtMs = performance.now()
      this.hard = goal
      this.hooks.hard(goal)
    } while (this.again && this.unsynced.length > 0)
    this.flushing = false
    for (const resolve of this.settling.splice(0)) resolve()
  }

  /** Told beside whoever appends: there it would be taken for the fault of a connection, and the thread has to end. */
  private fail(error: Error): void {
    this.broken = true
    queueMicrotask(() => this.hooks.failed(dataError('E_REDO_LOG', { directory: this.directory, why: error.message })))
  }

  /** The system keeps in memory what the disk refused, and says so once: whoever reads the log again must not take it for hard. */
  private endAt({ position }: LogEnd, files: readonly Segment[]): void {
    for (const { number, file } of files) {
      const place = number === segmentOf(position) ? placeOf(position) : SEGMENT_HEAD_BYTES
      if (place + BATCH_HEAD_BYTES > SEGMENT_BYTES) continue
      // A disk that takes nothing any more has nothing to be taken for hard either.
      libc.pwrite(file, Buffer.alloc(BATCH_HEAD_BYTES), BATCH_HEAD_BYTES, place)
    }
  }

  private closeWhenHard(segment: Segment): void {
    if (segment !== this.segment && !this.unsynced.includes(segment) && !this.inFlight.includes(segment)) fs.closeSync(segment.file)
  }

  private inFlight: Segment[] = []
  private readonly settling: (() => void)[] = []

  /** Resolves when all that is appended now is hard, or never will be. */
  async settle(): Promise<void> {
    while (!this.broken && this.hard.position < this.end.position) {
      const done = new Promise<void>((resolve) => this.settling.push(resolve))
      this.flush()
      await done
    }
  }

  /** What redo has behind it for good serves again. */
  checkpoint({ point }: Pick<Checkpoint, 'point'>): void {
    const old = Segments.list(this.directory).filter((number) => number < segmentOf(point.batch))
    const gone = old.filter((number) => !this.dropped.has(number))
    this.dropped = new Set(old)
    this.segments.drop(gone)
  }

  /** Given back already; the files of some of them are still there. */
  private dropped = new Set<number>()

  async close(): Promise<void> {
    await this.settle()
    if (this.timer !== null) clearTimeout(this.timer)
    if (this.segment !== null) fs.closeSync(this.segment.file)
    this.segment = null
    this.segments.close()
  }
}

function writeAll(file: number, parts: Uint8Array[], bytes: number, place: number): void {
  const written = fs.writevSync(file, parts, place)
  if (written === bytes) return
  // A write that was cut short: the rest in one piece.
  const rest = Buffer.concat(parts).subarray(written)
  for (let done = 0; done < rest.length; ) done += fs.writeSync(file, rest, done, rest.length - done, place + written + done)
}
