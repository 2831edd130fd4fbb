import * as libc from '../../../native/libc'

/**
 * Memory that survives its process: a memory file whose segments are mapped, held open by the keeper. It is divided into cells of a few sizes; a cell's
 * first word says whether it is in use and is written last, so that whoever reads it after a kill at any instruction finds whole cells only.
 * Nothing else is kept about free cells: a successor finds them by looking.
 */
export enum Kind {
  NODE = 1,
  HANDLE = 2,
  NAME = 3,
  LONG_NAME = 4
}

const CELL_WORDS: Record<Kind, number> = { [Kind.NODE]: 16, [Kind.HANDLE]: 8, [Kind.NAME]: 16, [Kind.LONG_NAME]: 72 }
const KINDS = [Kind.NODE, Kind.HANDLE, Kind.NAME, Kind.LONG_NAME]
const SEGMENT_WORDS_BITS = 16
const SEGMENT_WORDS = 1 << SEGMENT_WORDS_BITS
const SEGMENT_BYTES = SEGMENT_WORDS * 4
/** 1 GiB: some eight million nodes. */
const SEGMENTS_MAX = 4096
/** The first words of a segment: which kind of cells it has. */
const HEAD_WORDS = 16
const MFD_CLOEXEC = 1
export const FREE = 0
export const USED = 1

export class Cells {
  private readonly words: Uint32Array[] = []
  private readonly bytes: Buffer[] = []
  private readonly free: Record<Kind, number[]> = { [Kind.NODE]: [], [Kind.HANDLE]: [], [Kind.NAME]: [], [Kind.LONG_NAME]: [] }
  /** The cells never used of each kind's newest segment: from, to. */
  private readonly fresh: Record<Kind, [number, number]> = { [Kind.NODE]: [0, 0], [Kind.HANDLE]: [0, 0], [Kind.NAME]: [0, 0], [Kind.LONG_NAME]: [0, 0] }

  private constructor(private readonly descriptor: number) {}

  static memoryFile(name: string): number {
    return libc.memfdCreate(libc.cString(name), MFD_CLOEXEC)
  }

  /** A new one: segment 0 is its owner's, for whatever it keeps beside the cells. null: there is no memory. */
  static create(descriptor: number): Cells | null {
    const cells = new Cells(descriptor)
    return cells.grow() ? cells : null
  }

  /** One that a dead process has left. */
  static open(descriptor: number, bytes: number): Cells | null {
    const cells = new Cells(descriptor)
    for (let segment = 0; segment < Math.floor(bytes / SEGMENT_BYTES); segment++) if (!cells.map(segment)) return null
    if (cells.words.length === 0) return null
    cells.findFree()
    return cells
  }

  get headWords(): Uint32Array {
    return this.words[0]!
  }

  get headBytes(): Buffer {
    return this.bytes[0]!
  }

  /** The cell's segment as words, and where in it the cell begins. */
  segmentOf(cell: number): Uint32Array {
    return this.words[cell >>> SEGMENT_WORDS_BITS]!
  }

  bytesOf(cell: number): Buffer {
    return this.bytes[cell >>> SEGMENT_WORDS_BITS]!
  }

  placeOf(cell: number): number {
    return cell & (SEGMENT_WORDS - 1)
  }

  /** A free cell, to be filled and then `published`; -1: there is no memory. */
  take(kind: Kind): number {
    const known = this.free[kind].pop()
    if (known !== undefined) return known
    const fresh = this.fresh[kind]
    if (fresh[0] >= fresh[1] && !this.addSegment(kind)) return -1
    const cell = fresh[0]
    fresh[0] += CELL_WORDS[kind]
    return cell
  }

  publish(cell: number): void {
    Atomics.store(this.segmentOf(cell), this.placeOf(cell), USED)
  }

  release(kind: Kind, cell: number): void {
    Atomics.store(this.segmentOf(cell), this.placeOf(cell), FREE)
    this.free[kind].push(cell)
  }

  *used(kind: Kind): Generator<number> {
    for (const cell of this.cellsOf(kind)) if (this.segmentOf(cell)[this.placeOf(cell)] === USED) yield cell
  }

  private *cellsOf(kind: Kind): Generator<number> {
    for (let segment = 1; segment < this.words.length; segment++) {
      if (this.words[segment]![0] !== kind) continue
      const end = endOf(segment, kind)
      for (let cell = firstOf(segment); cell < end; cell += CELL_WORDS[kind]) yield cell
    }
  }

  private findFree(): void {
    for (const kind of KINDS) {
      for (const cell of this.cellsOf(kind)) if (this.segmentOf(cell)[this.placeOf(cell)] !== USED) this.free[kind].push(cell)
    }
  }

  private addSegment(kind: Kind): boolean {
    const segment = this.words.length
    if (!this.grow()) return false
    Atomics.store(this.words[segment]!, 0, kind)
    this.fresh[kind][0] = firstOf(segment)
    this.fresh[kind][1] = endOf(segment, kind)
    return true
  }

  /** The memory is taken at once, so that no later write to it can fail. */
  private grow(): boolean {
    const segment = this.words.length
    if (segment >= SEGMENTS_MAX) return false
    if (libc.fallocate(this.descriptor, 0, segment * SEGMENT_BYTES, SEGMENT_BYTES) < 0) return false
    return this.map(segment)
  }

  private map(segment: number): boolean {
    const memory = libc.mapShared(this.descriptor, segment * SEGMENT_BYTES, SEGMENT_BYTES)
    if (memory === null) return false
    this.words.push(new Uint32Array(memory))
    this.bytes.push(Buffer.from(memory))
    return true
  }
}

const firstOf = (segment: number): number => segment * SEGMENT_WORDS + HEAD_WORDS

/** Whole cells only. */
function endOf(segment: number, kind: Kind): number {
  const count = Math.floor((SEGMENT_WORDS - HEAD_WORDS) / CELL_WORDS[kind])
  return firstOf(segment) + count * CELL_WORDS[kind]
}
