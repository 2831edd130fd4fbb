import fs from 'node:fs'
import path from 'node:path'
import { frameLength, frameLsn } from '../../../src/wire/frameDecode'

/**
 * What the memory queue could not keep waits here, in order: frames as they go over the wire, in segments. It is not flushed: a crash of this node is
 * repaired by what the dirty map says. A disk that takes no more is a page file that is full.
 */
const SEGMENT_BYTES = 64 * 1024 * 1024
/** A small page file has smaller segments, so that what the target has acknowledged makes room. */
const SEGMENTS_MIN = 8
/** So much of the disk is left to the application: this part of it, at most so many bytes. */
const RESERVED_PART = 0.05
const RESERVED_BYTES_MAX = 1024 ** 3
/** A disk that refused is asked again after so long, or when something was given back. */
const RETRY_MS = 5_000

interface Segment {
  number: number
  file: string
  handle: fs.promises.FileHandle
  bytes: number
  lastLsn: number
}

export interface PagePlace {
  segment: number
  offset: number
}

export class PageFile {
  private segments: Segment[] = []
  /** The number of `segments[0]`; places name segments by number. */
  private dropped = 0
  private opened = 0
  private readonly segmentBytes: number
  private refusedAtMs = Number.NEGATIVE_INFINITY
  private closing: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly directory: string,
    private readonly bytesMax: number
  ) {
    this.segmentBytes = Math.min(SEGMENT_BYTES, Math.floor(bytesMax / SEGMENTS_MIN))
    if (bytesMax === 0) return
    fs.rmSync(directory, { recursive: true, force: true })
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  lastLsn(): number {
    return this.segments.at(-1)?.lastLsn ?? 0
  }

  private end(): PagePlace {
    return { segment: this.dropped + Math.max(0, this.segments.length - 1), offset: this.segments.at(-1)?.bytes ?? 0 }
  }

  /** False: it was full a moment ago. */
  mayHaveRoom(): boolean {
    return this.bytesMax > 0 && performance.now() - this.refusedAtMs >= RETRY_MS
  }

  /** Appends whole, sealed frames, and answers where they stand; null: there is no room for them, now. */
  async append(frames: Buffer, lastLsn: number): Promise<PagePlace | null> {
    if (this.bytes() + frames.length > this.bytesMax) return this.refused()
    const before = this.lastLsn()
    try {
      if (await this.diskIsFull(frames.length)) return this.refused()
      const segment = await this.segmentFor(frames.length, lastLsn)
      const place = { segment: segment.number, offset: segment.bytes }
      await writeAll(segment, frames)
      segment.bytes += frames.length
      return place
    } catch {
      // What was not written is not in it: a connection that begins anew would look for it here.
      const last = this.segments.at(-1)
      if (last !== undefined) last.lastLsn = before
      return this.refused()
    }
  }

  private refused(): null {
    this.refusedAtMs = performance.now()
    return null
  }

  private async diskIsFull(bytes: number): Promise<boolean> {
    const { bavail, blocks, bsize } = await fs.promises.statfs(this.directory)
    return bavail * bsize - bytes < Math.min(RESERVED_BYTES_MAX, blocks * bsize * RESERVED_PART)
  }

  /** It counts as holding this LSN from now on, so that it is not dropped while it is written. */
  private async segmentFor(bytes: number, lastLsn: number): Promise<Segment> {
    const last = this.segments.at(-1)
    if (last !== undefined && last.bytes + bytes <= this.segmentBytes) {
      last.lastLsn = lastLsn
      return last
    }
    const file = path.join(this.directory, `${String(++this.opened).padStart(10, '0')}.page`)
    const handle = await fs.promises.open(file, 'w+', 0o600)
    const segment: Segment = { number: this.dropped + this.segments.length, file, handle, bytes: 0, lastLsn }
    this.segments.push(segment)
    return segment
  }

  /** Whole frames from this place on into `into`, which has room for the longest one. Throws when the file does not hold what was written. */
  async read(from: PagePlace, into: Buffer): Promise<{ bytes: number; next: PagePlace; lastLsn: number }> {
    // A segment that is gone was acknowledged, so it was read to its end.
    if (from.segment < this.dropped) return this.read({ segment: this.dropped, offset: 0 }, into)
    const index = from.segment - this.dropped
    const segment = this.segments[index]
    if (segment === undefined) return { bytes: 0, next: from, lastLsn: 0 }
    if (from.offset >= segment.bytes) {
      return index + 1 < this.segments.length ? this.read({ segment: from.segment + 1, offset: 0 }, into) : { bytes: 0, next: from, lastLsn: 0 }
    }
    const wanted = Math.min(into.length, segment.bytes - from.offset)
    const { bytesRead } = await segment.handle.read(into, 0, wanted, from.offset)
    const { bytes, lastLsn } = wholeFrames(into.subarray(0, bytesRead))
    if (bytes === 0) throw new Error(`the page file ${segment.file} is damaged`)
    return { bytes, next: { segment: from.segment, offset: from.offset + bytes }, lastLsn }
  }

  /** The place behind the last frame that is not newer than this LSN. */
  async placeAfter(lsn: number, buffer: Buffer): Promise<PagePlace> {
    const index = this.segments.findIndex(({ lastLsn }) => lastLsn > lsn)
    if (index < 0) return this.end()
    let place: PagePlace = { segment: this.dropped + index, offset: 0 }
    for (;;) {
      const { bytes } = await this.read(place, buffer)
      const passed = bytesUpTo(buffer.subarray(0, bytes), lsn)
      place = { ...place, offset: place.offset + passed }
      if (passed < bytes || bytes === 0) return place
    }
  }

  /** The target has all up to this LSN hard: segments that hold nothing newer are gone. */
  release(lsn: number): void {
    while (this.segments.length > 0 && this.segments[0]!.lastLsn <= lsn) this.drop()
  }

  clear(): void {
    while (this.segments.length > 0) this.drop()
  }

  private drop(): void {
    const { handle, file } = this.segments.shift()!
    this.dropped++
    this.refusedAtMs = Number.NEGATIVE_INFINITY
    this.closing = this.closing.then(() => handle.close().catch(() => undefined)).then(() => fs.promises.rm(file, { force: true }).catch(() => undefined))
  }

  async close(): Promise<void> {
    this.clear()
    await this.closing
  }
}

async function writeAll(segment: Segment, frames: Buffer): Promise<void> {
  for (let done = 0; done < frames.length; ) {
    const { bytesWritten } = await segment.handle.write(frames, done, frames.length - done, segment.bytes + done)
    done += bytesWritten
  }
}

function wholeFrames(bytes: Buffer): { bytes: number; lastLsn: number } {
  let at = 0
  let lastLsn = 0
  for (let length = frameLength(bytes); length !== null && at + length <= bytes.length; length = frameLength(bytes.subarray(at))) {
    lastLsn = frameLsn(bytes, at)
    at += length
  }
  return { bytes: at, lastLsn }
}

function bytesUpTo(frames: Buffer, lsn: number): number {
  let at = 0
  for (let length = frameLength(frames); length !== null && at < frames.length; length = frameLength(frames.subarray(at))) {
    if (frameLsn(frames, at) > lsn) break
    at += length
  }
  return at
}
