import fs from 'node:fs'
import path from 'node:path'
import * as libc from '../../native/libc'
import { EXTENT_BYTES, TO_END } from './extents'
import { decodeMarks, encodeMark, Mark, type MarkRecord } from './markRecord'
import type { MarkRing } from './markRing'
import { syncDirectorySync } from '../../adapters/files'
import { MarksFile, type MarksHeader, marksFileName } from './marksFile'
import { generationsIn } from './readGenerations'
import { mergeGenerations } from './mergeGenerations'
import { ticksOfMs } from './ticks'

/** Timers and sizes of the marks of a folder; tests give their own. */
export interface KeeperLimits {
  /** The next generation begins after this time, while the target follows. */
  rotateMs: number
  /** The same while it does not: nothing would be released. */
  rotateAwayMs: number
  rotateBytes: number
  rotateMarks: number
  /** More generations than this that nobody releases become one. */
  generationsMax: number
  retryMs: number
}

export const KEEPER_LIMITS: KeeperLimits = {
  rotateMs: 45_000,
  rotateAwayMs: 600_000,
  rotateBytes: 8 << 20,
  rotateMarks: 32_768,
  generationsMax: 8,
  retryMs: 2_000
}

export interface KeeperGiven {
  ring: SharedArrayBuffer
  wakeFd: number
  directory: string
  folder: number
  lineage: string
  /** The generation to begin with. */
  generation: number
  /** The oldest one that is still needed. */
  oldest: number
  /** What was marked before cannot be read. */
  unknownBefore: boolean
  limits: KeeperLimits
}

export type KeeperOrder = { do: 'release'; upTo: number } | { do: 'lineage'; lineage: string; id: number } | { do: 'stop' }

export type KeeperNews =
  | { kind: 'ready' }
  | { kind: 'ended'; next: number; lsn: number; coveredBytes: number }
  /** `upTo`: the generations up to this one are now in one file, that of `upTo`. */
  | { kind: 'merged'; upTo: number; bytes: number; known: boolean }
  | { kind: 'marked'; generation: number; bytes: number; carriedBytes: number }
  | { kind: 'lineage'; id: number }
  | { kind: 'lost'; generation: number; why: string }
  | { kind: 'failed'; why: string }

/** What a mark stands for in the status, where nobody can know. */
const NAMES_BYTES = 4_096
const SUBTREE_BYTES = EXTENT_BYTES
const WAKE = Buffer.alloc(8)
WAKE.writeBigUInt64LE(1n)

/** Makes the marks of one folder hard. It may wait for the disk; whoever needs a mark waits for it, and nobody else. */
export class MarkKeeper {
  private position: number
  private current: MarksFile | null = null
  /** Prepared, and the capture thread was told. */
  private next: MarksFile | null = null
  private begun = false
  private generation: number
  private oldest: number
  private lineage: string
  /** Generations up to this one could not be kept; 0: none. */
  private unknownUpTo: number
  private readonly began = new Map<number, number>()
  private beganMs = 0
  private followedMs: number
  private followed = 0
  private retryAtMs = 0
  private marks = 0
  private bytes = 0
  private carriedBytes = 0
  private rotateNow = false
  private lineageWaits: { lineage: string; id: number }[] = []

  constructor(
    private readonly given: KeeperGiven,
    private readonly ring: MarkRing,
    private readonly tell: (news: KeeperNews) => void,
    private readonly nowMs: () => number
  ) {
    this.position = ring.head()
    this.generation = given.generation
    this.oldest = given.oldest
    this.lineage = given.lineage
    this.unknownUpTo = given.unknownBefore ? given.generation - 1 : 0
    this.followedMs = nowMs()
  }

  start(): void {
    try {
      this.current = this.create(this.generation)
      this.ring.setGeneration(this.generation)
      this.beganMs = this.nowMs()
      this.noteOldest()
    } catch (error) {
      this.lose(error)
    }
    this.tell({ kind: 'ready' })
  }

  private create(generation: number): MarksFile {
    const header: MarksHeader = {
      folder: this.given.folder,
      generation,
      oldest: Math.min(this.oldest, generation),
      beganTicks: ticksOfMs(Date.now()),
      lineage: this.lineage
    }
    const file = MarksFile.create(this.given.directory, header)
    this.began.set(generation, header.beganTicks)
    return file
  }

  /** One round: what was asked for since the last one. */
  round(): void {
    try {
      this.drain()
      if (this.current === null) this.recover()
      else if (this.next === null) this.tend(this.current)
    } catch (error) {
      this.lose(error)
    }
  }

  private drain(): void {
    const { bytes, end } = this.ring.copyFrom(this.position)
    if (bytes.length === 0) return
    if (this.ring.state() === 'failed') return
    let batch: Buffer[] = []
    const flush = (): void => {
      this.target?.append(Buffer.concat(batch))
      batch = []
    }
    for (const record of decodeMarks(bytes) ?? []) {
      if (record.kind === Mark.BEGIN || record.kind === Mark.CARRIED || record.kind === Mark.ENDED) {
        flush()
        this.turn(record)
      } else {
        batch.push(encodeMark(record))
        this.count(record)
      }
    }
    flush()
    this.position = end
    this.ring.setHard(end)
    this.wake()
    this.tell({ kind: 'marked', generation: this.target?.header.generation ?? this.generation, bytes: this.bytes, carriedBytes: this.carriedBytes })
  }

  private get target(): MarksFile | null {
    return this.begun ? this.next : this.current
  }

  private wake(): void {
    libc.write(this.given.wakeFd, WAKE, WAKE.length)
  }

  private count(record: MarkRecord): void {
    this.marks++
    this.bytes += estimate(record)
  }

  private turn(record: MarkRecord & { kind: Mark.BEGIN | Mark.CARRIED | Mark.ENDED }): void {
    // A generation that was given up meanwhile is none of ours.
    if (this.next === null || (record.kind !== Mark.BEGIN && !this.begun)) return
    if (record.kind === Mark.BEGIN) {
      this.begun = record.generation === this.next.header.generation
      this.marks = this.bytes = this.carriedBytes = 0
    }
    if (record.kind === Mark.CARRIED) {
      this.carriedBytes = this.bytes
      this.bytes = 0
      this.current?.append(encodeMark({ kind: Mark.CONTINUED, generation: this.next.header.generation }))
    }
    if (record.kind === Mark.ENDED) this.turned(this.next, record)
  }

  private turned(next: MarksFile, { lsn, coveredBytes }: { lsn: number; coveredBytes: number }): void {
    this.current?.close()
    this.current = next
    this.next = null
    this.begun = false
    this.generation = next.header.generation
    this.ring.setGeneration(this.generation)
    this.ring.want(0)
    this.beganMs = this.nowMs()
    this.tell({ kind: 'ended', next: this.generation, lsn, coveredBytes })
    for (const { id } of this.lineageWaits.filter(({ lineage }) => lineage === next.header.lineage)) this.tell({ kind: 'lineage', id })
    this.lineageWaits = this.lineageWaits.filter(({ lineage }) => lineage !== next.header.lineage)
    this.rotateNow = this.lineageWaits.length > 0
  }

  private tend(current: MarksFile): void {
    const { limits } = this.given
    const nowMs = this.nowMs()
    if (this.followed !== this.ring.followed()) this.followedMs = nowMs
    this.followed = this.ring.followed()
    const isAway = nowMs - this.followedMs >= limits.rotateMs * 4
    const due = this.marks > 0 && nowMs - this.beganMs >= (isAway ? limits.rotateAwayMs : limits.rotateMs)
    const large = current.writtenBytes >= limits.rotateBytes || this.marks >= limits.rotateMarks
    if (this.rotateNow || due || large) this.prepare()
    else if (this.generation - this.oldest > limits.generationsMax) this.merge(current)
  }

  private prepare(): void {
    this.next = this.create(this.generation + 1)
    this.begun = false
    this.ring.want(this.generation + 1)
    this.wake()
  }

  /** Nobody releases them: they become one file, folded to what one may hold. Where one of them is unknown, none says anything. */
  private merge(current: MarksFile): void {
    const upTo = this.generation - 1
    if (this.unknownUpTo > 0) {
      this.oldest = this.unknownUpTo = upTo
      this.dropBefore(upTo + 1)
      return this.tell({ kind: 'merged', upTo, bytes: 0, known: false })
    }
    const { lineage, beganTicks, records, batches } = mergeGenerations(this.given.directory, this.given.folder, this.oldest, upTo)
    // It takes the place of one that is still needed, so it has all in it before it has that name.
    const header: MarksHeader = { folder: this.given.folder, generation: upTo, oldest: upTo, beganTicks, lineage }
    MarksFile.create(this.given.directory, header, batches).close()
    this.began.set(upTo, beganTicks)
    this.keepFrom(current, upTo)
    this.tell({ kind: 'merged', upTo, bytes: records.reduce((sum, record) => sum + estimate(record), 0), known: true })
  }

  obey(order: KeeperOrder): void {
    try {
      if (order.do === 'release') this.release(order.upTo)
      if (order.do === 'lineage') this.changeLineage(order)
    } catch (error) {
      this.lose(error)
    }
  }

  private release(upTo: number): void {
    if (upTo < this.oldest || upTo >= this.generation || this.current === null) return
    if (upTo >= this.unknownUpTo) this.unknownUpTo = 0
    this.keepFrom(this.current, upTo + 1)
    this.ring.setReleased(upTo)
  }

  /** First it is said that the older ones are not needed, then they go: one that is missing without that is damage. */
  private keepFrom(current: MarksFile, oldest: number): void {
    // The newest one says it, also when it is only prepared.
    for (const file of [current, this.next]) file?.append(encodeMark({ kind: Mark.RELEASED, generation: oldest }))
    this.oldest = oldest
    this.dropBefore(oldest)
  }

  private dropBefore(oldest: number): void {
    for (const generation of generationsIn(this.given.directory)) {
      if (generation < oldest) fs.rmSync(path.join(this.given.directory, marksFileName(generation)), { force: true })
    }
    for (const generation of this.began.keys()) if (generation < oldest) this.began.delete(generation)
    this.noteOldest()
  }

  /** 0, when it is of an earlier run. */
  private noteOldest(): void {
    this.ring.setOldestBegan(this.began.get(this.oldest) ?? 0)
  }

  private changeLineage(order: { lineage: string; id: number }): void {
    this.lineage = order.lineage
    if (this.current?.header.lineage === order.lineage && this.next === null) return this.tell({ kind: 'lineage', id: order.id })
    this.lineageWaits.push(order)
    this.rotateNow = true
  }

  /** The disk refuses marks. When it can be made sure that no file says less than the truth, work goes on without; else who needs a mark waits. */
  private lose(error: unknown): void {
    const why = (error as Error).message
    this.retryAtMs = this.nowMs() + this.given.limits.retryMs
    try {
      this.forgetFiles()
    } catch (worse) {
      this.ring.setLost('failed')
      this.tell({ kind: 'failed', why: (worse as Error).message })
      return
    }
    this.oldest = this.unknownUpTo = this.generation
    this.began.clear()
    this.noteOldest()
    this.ring.setLost('unknown')
    this.position = this.ring.head()
    this.ring.setHard(this.position)
    this.wake()
    this.tell({ kind: 'lost', generation: this.generation, why })
  }

  private forgetFiles(): void {
    for (const file of [this.current, this.next]) file?.close()
    this.generation = Math.max(this.generation, this.next?.header.generation ?? 0)
    this.current = this.next = null
    this.begun = false
    for (const name of fs.readdirSync(this.given.directory)) fs.rmSync(path.join(this.given.directory, name), { force: true })
    syncDirectorySync(this.given.directory)
  }

  private recover(): void {
    if (this.nowMs() < this.retryAtMs) return
    if (this.ring.state() === 'failed') return this.lose(new Error('the disk refused marks'))
    if (this.next === null) this.prepare()
  }

  stop(): void {
    try {
      this.drain()
    } catch {
      // What was not hard was not relied upon.
    }
    for (const file of [this.current, this.next]) file?.close()
  }
}

function estimate(record: MarkRecord): number {
  if (record.kind === Mark.NAMES) return NAMES_BYTES
  if (record.kind === Mark.SUBTREE) return SUBTREE_BYTES
  if (record.kind !== Mark.FILE) return 0
  return record.runs.reduce((sum, [from, to]) => sum + (to === TO_END ? 1 : to - from + 1) * EXTENT_BYTES, 0)
}
