import { TO_END } from './extents'

/** What is said to the marks' thread, and what stands in its files. Numbers are never used again for something else. */
export enum Mark {
  /** A directory; `since`: what was born (ticks) in it since then has no mark of its own. `allFiles`: nor has any file that stands directly in it. */
  NAMES = 1,
  /** Extents of a file that is there. */
  FILE = 2,
  SUBTREE = 3,
  /** To the thread: what follows belongs to this generation. */
  BEGIN = 16,
  /** To the thread: the places in use are marked in the new generation. */
  CARRIED = 17,
  /** To the thread: nothing is covered by this generation any more that was done after this LSN. */
  ENDED = 18,
  /** In a file: there is a next generation. */
  CONTINUED = 32,
  /** In a file: generations older than this one are no longer needed. */
  RELEASED = 33,
  /** In a file: it is at least so long. */
  GROWN = 34
}

export type MarkRecord =
  | { kind: Mark.NAMES; path: string; since: number; allFiles: boolean }
  | { kind: Mark.FILE; path: string; runs: [number, number][] }
  | { kind: Mark.SUBTREE; path: string }
  | { kind: Mark.BEGIN; generation: number; beganTicks: number }
  | { kind: Mark.CARRIED }
  | { kind: Mark.ENDED; generation: number; lsn: number; coveredBytes: number }
  | { kind: Mark.CONTINUED | Mark.RELEASED; generation: number }
  | { kind: Mark.GROWN; bytes: number }

/** kind, 0, length of the path (2), count of values (4); the path; values of 8 bytes. */
const HEAD_BYTES = 8
const VALUE_BYTES = 8
const END = 0xffff_ffff

function pathOf(record: MarkRecord): string {
  return 'path' in record ? record.path : ''
}

function valuesOf(record: MarkRecord): number[] {
  switch (record.kind) {
    case Mark.NAMES:
      return [record.since, record.allFiles ? 1 : 0]
    case Mark.BEGIN:
      return [record.generation, record.beganTicks]
    case Mark.ENDED:
      return [record.generation, record.lsn, record.coveredBytes]
    case Mark.CONTINUED:
    case Mark.RELEASED:
      return [record.generation]
    case Mark.GROWN:
      return [record.bytes]
    default:
      return []
  }
}

export function encodeMark(record: MarkRecord): Buffer {
  const path = pathOf(record)
  const values = valuesOf(record)
  const runs = record.kind === Mark.FILE ? record.runs : []
  const bytes = Buffer.alloc(HEAD_BYTES + path.length + (values.length + runs.length) * VALUE_BYTES)
  bytes.writeUInt8(record.kind, 0)
  bytes.writeUInt16LE(path.length, 2)
  bytes.writeUInt32LE(values.length + runs.length, 4)
  bytes.write(path, HEAD_BYTES, 'latin1')
  let at = HEAD_BYTES + path.length
  for (const value of values) at = bytes.writeDoubleLE(value, at)
  for (const [from, to] of runs) at = bytes.writeUInt32LE(to === TO_END ? END : to, bytes.writeUInt32LE(from, at))
  return bytes
}

/** The records that stand side by side; null: something else stands there. */
export function decodeMarks(bytes: Buffer): MarkRecord[] | null {
  const records: MarkRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + HEAD_BYTES > bytes.length) return null
    const pathEnd = at + HEAD_BYTES + bytes.readUInt16LE(at + 2)
    const count = bytes.readUInt32LE(at + 4)
    const end = pathEnd + count * VALUE_BYTES
    if (end > bytes.length) return null
    const record = decodeMark(bytes, at, pathEnd, count)
    if (record === null) return null
    records.push(record)
    at = end
  }
  return records
}

function decodeMark(bytes: Buffer, at: number, pathEnd: number, count: number): MarkRecord | null {
  const kind = bytes.readUInt8(at) as Mark
  const path = bytes.toString('latin1', at + HEAD_BYTES, pathEnd)
  const value = (index: number): number => bytes.readDoubleLE(pathEnd + index * VALUE_BYTES)
  if (kind === Mark.FILE) return { kind, path, runs: decodeRuns(bytes, pathEnd, count) }
  if (kind === Mark.SUBTREE && count === 0) return { kind, path }
  if (kind === Mark.NAMES && count === 2) return { kind, path, since: value(0), allFiles: value(1) !== 0 }
  if (kind === Mark.BEGIN && count === 2) return { kind, generation: value(0), beganTicks: value(1) }
  if (kind === Mark.CARRIED && count === 0) return { kind }
  if (kind === Mark.ENDED && count === 3) return { kind, generation: value(0), lsn: value(1), coveredBytes: value(2) }
  if ((kind === Mark.CONTINUED || kind === Mark.RELEASED) && count === 1) return { kind, generation: value(0) }
  if (kind === Mark.GROWN && count === 1) return { kind, bytes: value(0) }
  return null
}

function decodeRuns(bytes: Buffer, from: number, count: number): [number, number][] {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * VALUE_BYTES
    const to = bytes.readUInt32LE(at + 4)
    return [bytes.readUInt32LE(at), to === END ? TO_END : to]
  })
}
