import fs from 'node:fs'
import path from 'node:path'
import { decodeFrame, frameLength } from '../../../src/wire/frameDecode'
import type { Frame } from '../../../src/wire/frameFields'
import { checksum } from '../stream/checksum'
import { readBegin, type Begin } from '../stream/hello'
import {
  BATCH_HEAD_BYTES,
  SEGMENT_BYTES,
  SEGMENT_HEAD_BYTES,
  batchIsWhole,
  firstPosition,
  placeOf,
  readBatchHead,
  readSegmentHead,
  segmentName,
  segmentOf,
  type BatchHead,
  type BatchKind
} from './format'

/** Where a reader stands: before a frame. `batch` is where its batch begins, `sequence` that batch's number. */
export interface LogPoint {
  batch: number
  sequence: number
  /** Frames before this position are passed over. */
  frame: number
}

export type LogEntry = { position: number; end: number } & ({ kind: 'frame'; frame: Frame } | { kind: 'begin'; begin: Begin })

/** Reads the log from a point on, in order. What it answers is valid until the next call. */
export class LogReader {
  private file: number | null = null
  private segment: number
  private nonce: Buffer | null = null
  private bytes = Buffer.alloc(0)
  private readonly head = Buffer.alloc(BATCH_HEAD_BYTES)
  /** Of the batch in `bytes`. */
  private kind: BatchKind = 'frames'
  private start = 0
  private sequence: number
  private used = 0
  private length = 0
  /** Where the next batch begins. */
  private next: number
  private readonly from: number

  constructor(
    private readonly directory: string,
    private readonly logId: Buffer,
    point: LogPoint
  ) {
    this.next = point.batch
    this.sequence = point.sequence
    this.from = point.frame
    this.segment = segmentOf(point.batch)
    this.start = point.batch
  }

  /** Before the entry that comes next. */
  point(): LogPoint {
    if (this.used < this.length) return { batch: this.start, sequence: this.sequence - 1, frame: this.start + BATCH_HEAD_BYTES + this.used }
    return { batch: this.next, sequence: this.sequence, frame: Math.max(this.next, this.from) }
  }

  /** Before this entry, which was the last one read. */
  before(entry: LogEntry): LogPoint {
    return { batch: this.start, sequence: this.sequence - 1, frame: entry.position }
  }

  /** null: the log ends here, or at `limit`. */
  read(limit = Number.MAX_SAFE_INTEGER): LogEntry | null {
    for (;;) {
      if (this.used >= this.length && !this.nextBatch(limit)) return null
      const entry = this.take()
      if (entry !== null) return entry
    }
  }

  /** Where the last whole batch ends, and what its successor's number would be. */
  end(): { position: number; sequence: number } {
    return { position: this.next, sequence: this.sequence }
  }

  close(): void {
    if (this.file !== null) fs.closeSync(this.file)
    this.file = null
  }

  private take(): LogEntry | null {
    const position = this.start + BATCH_HEAD_BYTES + this.used
    const rest = this.bytes.subarray(this.used, this.length)
    const bytes = this.kind === 'begin' ? rest.length : frameLength(rest)!
    this.used += bytes
    if (position < this.from) return null
    const at = { position, end: position + bytes }
    if (this.kind === 'begin') return { ...at, kind: 'begin', begin: readBegin(rest) }
    return { ...at, kind: 'frame', frame: decodeFrame(rest.subarray(0, bytes), checksum) }
  }

  private nextBatch(limit: number): boolean {
    if (this.next >= limit) return false
    if (this.openSegment(this.segment) && this.load(this.next)) return true
    const following = this.segment + 1
    // After the last batch of a segment the next one goes on; a torn batch has no successor there.
    if (firstPosition(following) >= limit || !this.openSegment(following) || !this.load(firstPosition(following))) return false
    return true
  }

  private openSegment(segment: number): boolean {
    if (this.file !== null && segment === this.segment && this.nonce !== null) return true
    const file = open(path.join(this.directory, segmentName(segment)))
    if (file === null) return false
    const head = Buffer.alloc(SEGMENT_HEAD_BYTES)
    fs.readSync(file, head, 0, head.length, 0)
    const nonce = readSegmentHead(head, segment, this.logId)
    if (nonce === null) {
      fs.closeSync(file)
      return false
    }
    this.opened = { file, segment, nonce }
    return true
  }

  private opened: { file: number; segment: number; nonce: Buffer } | null = null

  /** The batch at this position is in `bytes` now. */
  private load(position: number): boolean {
    const { file, nonce, segment } = this.opened ?? { file: this.file!, nonce: this.nonce!, segment: this.segment }
    const head = batchAt(file, position, this.head, nonce, this.sequence)
    const room = SEGMENT_BYTES - placeOf(position) - BATCH_HEAD_BYTES
    const whole = head !== null && head.length > 0 && head.length <= room && this.fill(file, position, head)
    if (!whole) {
      this.dropOpened()
      return false
    }
    if (this.opened !== null) {
      this.close()
      Object.assign(this, { file, nonce, segment, opened: null })
    }
    Object.assign(this, { kind: head.kind, start: position, used: 0, length: head.length, next: position + BATCH_HEAD_BYTES + head.length })
    this.sequence++
    return true
  }

  private fill(file: number, position: number, head: BatchHead): boolean {
    if (this.bytes.length < head.length) this.bytes = Buffer.allocUnsafeSlow(head.length)
    const bytes = this.bytes.subarray(0, head.length)
    if (fs.readSync(file, bytes, 0, bytes.length, placeOf(position) + BATCH_HEAD_BYTES) < bytes.length) return false
    return batchIsWhole(this.head, head, bytes)
  }

  private dropOpened(): void {
    if (this.opened !== null) fs.closeSync(this.opened.file)
    this.opened = null
  }
}

function open(file: string): number | null {
  try {
    return fs.openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function batchAt(file: number, position: number, into: Buffer, nonce: Buffer, sequence: number): BatchHead | null {
  const place = placeOf(position)
  if (place + BATCH_HEAD_BYTES > SEGMENT_BYTES || fs.readSync(file, into, 0, BATCH_HEAD_BYTES, place) < BATCH_HEAD_BYTES) return null
  return readBatchHead(into, nonce, sequence)
}
