import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import path from 'node:path'
import * as libc from '../../native/libc'
import { syncDirectory, syncDirectorySync } from '../../adapters/files'
import { ID_BYTES, SEGMENT_BYTES, numberOf, packSegmentHead, segmentName } from './format'

/** Dropped segments that are kept to be used again; more are removed. */
const RECYCLED_MAX = 4
const ZERO_BYTES = 1024 * 1024
const SPARE = 'spare.new'

export interface Segment {
  number: number
  file: number
  nonce: Buffer
  /** Its head and its name are on the disk, and all its blocks are written: a flush of data is enough. */
  hard: boolean
  /** The disk refused it: another flush would find nothing to do, and say that all is well. */
  refused?: Error
}

/**
 * The files of the log. The next segment is made ready before it is needed, with every block written: an fdatasync of an ordinary file
 * that grows has to wait for the file system's journal, too, and that is what a commit on the source would wait for.
 */
export class Segments {
  /** Numbers of files whose content is not needed any more. */
  private recycled: number[] = []
  private next: Segment | null = null
  private preparing = false
  private closed = false

  constructor(
    private readonly directory: string,
    private readonly logId: Buffer
  ) {}

  /** All there are, by number. */
  static list(directory: string): number[] {
    return fs
      .readdirSync(directory)
      .map(numberOf)
      .filter((number) => number !== null)
      .sort((a, b) => a - b)
  }

  /** What is not needed any more serves again, or goes. */
  drop(numbers: readonly number[]): void {
    for (const number of numbers) {
      if (this.recycled.length < RECYCLED_MAX) this.recycled.push(number)
      else fs.rmSync(this.fileOf(number), { force: true })
    }
  }

  /** The segment with this number, ready to be written. Throws when there is no room for it. */
  take(number: number): Segment {
    const ready = this.next?.number === number ? this.next : null
    this.next = null
    return ready ?? this.make(number)
  }

  /** Makes the segment after this one ready, while the loop does other work. */
  async prepare(after: number): Promise<void> {
    if (this.preparing || this.next !== null) return
    this.preparing = true
    try {
      if (this.recycled.length === 0) await this.writeSpare()
      // It may have been needed sooner.
      if (!this.closed) await this.makeReady(Math.max(after, this.latest) + 1)
    } catch {
      // No room: whoever needs the segment will hear of it.
      fs.rmSync(path.join(this.directory, SPARE), { force: true })
    } finally {
      this.preparing = false
    }
  }

  private latest = 0

  private async writeSpare(): Promise<void> {
    const spare = await fsp.open(path.join(this.directory, SPARE), 'w', 0o600)
    try {
      const zeros = Buffer.alloc(ZERO_BYTES)
      for (let at = 0; at < SEGMENT_BYTES && !this.closed; at += zeros.length) await spare.write(zeros, 0, zeros.length, at)
      await spare.datasync()
    } finally {
      await spare.close()
    }
  }

  private async makeReady(number: number): Promise<void> {
    const old = this.recycled.pop()
    const segment = this.begin(number, old === undefined ? SPARE : segmentName(old))
    this.next = segment
    try {
      await flush(segment.file, true)
      await syncDirectory(this.directory)
      segment.hard = true
    } catch (error) {
      segment.refused = error as Error
      if (this.next === segment) this.letNextGo()
      throw error
    }
  }

  /** Nobody has begun to use it. */
  private letNextGo(): void {
    if (this.next !== null) fs.closeSync(this.next.file)
    this.next = null
  }

  /** Needed at once: its blocks are reserved, but not written. */
  private make(number: number): Segment {
    const old = this.recycled.pop()
    if (old !== undefined) return this.begin(number, segmentName(old))
    const name = 'needed.new'
    const file = fs.openSync(path.join(this.directory, name), 'w', 0o600)
    const answer = libc.fallocate(file, 0, 0, SEGMENT_BYTES)
    fs.closeSync(file)
    if (answer < 0) {
      fs.rmSync(path.join(this.directory, name), { force: true })
      throw Object.assign(new Error(`no room for another segment (error ${-answer})`), { code: 'ENOSPC' })
    }
    return this.begin(number, name)
  }

  private begin(number: number, name: string): Segment {
    const nonce = randomBytes(ID_BYTES)
    const file = fs.openSync(path.join(this.directory, name), 'r+')
    fs.writeSync(file, packSegmentHead(number, nonce, this.logId), 0, undefined, 0)
    fs.renameSync(path.join(this.directory, name), this.fileOf(number))
    this.latest = Math.max(this.latest, number)
    return { number, file, nonce, hard: false }
  }

  /** Data only where that is enough; the name and the blocks as well where it is not. */
  async sync(segment: Segment): Promise<void> {
    if (segment.refused) throw segment.refused
    await flush(segment.file, !segment.hard)
    if (segment.hard) return
    await syncDirectory(this.directory)
    segment.hard = true
  }

  close(): void {
    this.closed = true
    this.letNextGo()
  }

  /** Begins anew: nothing of what is there counts. */
  static wipe(directory: string): void {
    fs.rmSync(directory, { recursive: true, force: true })
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    syncDirectorySync(path.dirname(directory))
  }

  private fileOf(number: number): string {
    return path.join(this.directory, segmentName(number))
  }
}

const flush = (file: number, metadata: boolean): Promise<void> =>
  new Promise((resolve, reject) => (metadata ? fs.fsync : fs.fdatasync)(file, (error) => (error ? reject(error) : resolve())))
