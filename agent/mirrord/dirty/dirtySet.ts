import { FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'

/**
 * What may differ between two copies of one lineage. It stands on its own: whoever walks it needs neither the clock nor the inodes of the side that made
 * it. All paths are byte strings (latin1) relative to their folder; '' is the folder itself. What it does not name is equal on both sides.
 */
export type DirtySet = DirtyFolder[]

/** The part of one folder; its place in the set is the folder's place in the job. */
export interface DirtyFolder {
  /** Directories: their own attributes, the names in them, and the attributes (not the contents) of everything that stands directly in them. */
  names: string[]
  /** Files by path: their attributes, and the contents of these ranges. */
  files: Map<string, DirtyRange[]>
  /** Whatever stands here, and everything below it. A file: all of it. */
  subtrees: string[]
}

/** Bytes from `from` on, up to (not with) `to`; `to` is Infinity for all there is behind `from`. Sorted, apart from each other. */
export interface DirtyRange {
  from: number
  to: number
}

/** A set with more entries than this in a folder is folded: directories stand for what is in them. */
export const DIRTY_ENTRIES_MAX = 200_000
export const WHOLE: DirtyRange = { from: 0, to: Number.POSITIVE_INFINITY }

export const emptyFolder = (): DirtyFolder => ({ names: [], files: new Map(), subtrees: [] })
export const isEmpty = (set: DirtySet): boolean => set.every((each) => each.names.length + each.files.size + each.subtrees.length === 0)
export const entriesIn = (folder: DirtyFolder): number => folder.names.length + folder.files.size + folder.subtrees.length

/** null: the folder itself has no parent. */
export function parentOf(path: string): string | null {
  if (path === '') return null
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** Whether the path, or a directory above it, is among these. */
export function standsBelow(path: string, tops: { has(path: string): boolean }): boolean {
  for (let at: string | null = path; at !== null; at = parentOf(at)) if (tops.has(at)) return true
  return false
}

export function joinRanges(ranges: DirtyRange[]): DirtyRange[] {
  const joined: DirtyRange[] = []
  for (const range of [...ranges].sort((one, other) => one.from - other.from)) {
    const last = joined.at(-1)
    if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to)
    else joined.push({ ...range })
  }
  return joined
}

/** All that is in one of them. */
export function joinSets(one: DirtySet, other: DirtySet): DirtySet {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, at) => joinFolders([one[at] ?? emptyFolder(), other[at] ?? emptyFolder()]))
}

export function joinFolders(parts: DirtyFolder[]): DirtyFolder {
  const subtrees = new Set(parts.flatMap((part) => part.subtrees))
  const names = new Set(parts.flatMap((part) => part.names))
  const files = new Map<string, DirtyRange[]>()
  for (const part of parts) for (const [path, ranges] of part.files) files.set(path, [...(files.get(path) ?? []), ...ranges])
  return fold(withoutCovered({ names: [...names], files, subtrees: [...subtrees] }))
}

/** Takes out what a subtree names already. */
function withoutCovered({ names, files, subtrees }: DirtyFolder): DirtyFolder {
  const tops = new Set(subtrees)
  const above = (path: string): boolean => {
    const parent = parentOf(path)
    return parent !== null && standsBelow(parent, tops)
  }
  return {
    names: names.filter((path) => !standsBelow(path, tops)),
    files: new Map([...files].filter(([path]) => !standsBelow(path, tops)).map(([path, ranges]) => [path, joinRanges(ranges)])),
    subtrees: subtrees.filter((path) => !above(path))
  }
}

/** Every directory that holds entries stands for them, again and again, until few enough are left. */
export function fold(folder: DirtyFolder, most = DIRTY_ENTRIES_MAX): DirtyFolder {
  let folded = folder
  while (entriesIn(folded) > most) {
    const tops = [...folded.subtrees, ...folded.names, ...folded.files.keys()].map((path) => parentOf(path) ?? '')
    const next = withoutCovered({ names: [], files: new Map(), subtrees: [...new Set(tops)] })
    folded = entriesIn(next) < entriesIn(folded) ? next : { ...emptyFolder(), subtrees: [''] }
  }
  return folded
}

/** One entry on the wire: kind, folder, length of the path, count of ranges; the path; the ranges (`to` 0: up to the end). */
const ENTRY_HEAD_BYTES = 9
const RANGE_BYTES = 16
/** The first byte of the first chunk. */
const KNOWN = 1
const UNKNOWN = 2
const VERSION = 1
const START_BYTES = 4
enum Entry {
  NAMES = 1,
  FILE = 2,
  SUBTREE = 3
}
const CHUNK_BYTES_MAX = FRAME_PAYLOAD_BYTES_MAX
/** More ranges of one file than this become one. */
const RANGES_MAX = 4_096

/** Chunks for the `dirty` frames, at least one. */
export function encodeDirty(set: DirtySet | 'unknown'): Uint8Array[] {
  const chunks: Uint8Array[] = [Buffer.from([set === 'unknown' ? UNKNOWN : KNOWN, VERSION, set === 'unknown' ? 0 : set.length, 0])]
  for (const entry of set === 'unknown' ? [] : entries(set)) {
    const last = chunks.at(-1)!
    if (last.length + entry.length > CHUNK_BYTES_MAX) chunks.push(entry)
    else chunks[chunks.length - 1] = Buffer.concat([last, entry])
  }
  return chunks
}

function* entries(set: DirtySet): IterableIterator<Buffer> {
  let batch: Buffer[] = []
  let bytes = 0
  for (const entry of singleEntries(set)) {
    batch.push(entry)
    bytes += entry.length
    if (bytes < CHUNK_BYTES_MAX / 2) continue
    yield Buffer.concat(batch)
    batch = []
    bytes = 0
  }
  yield Buffer.concat(batch)
}

function* singleEntries(set: DirtySet): IterableIterator<Buffer> {
  for (const [at, folder] of set.entries()) {
    for (const path of folder.names) yield encodeEntry(Entry.NAMES, at, path, [])
    for (const [path, ranges] of folder.files) yield encodeEntry(Entry.FILE, at, path, ranges.length > RANGES_MAX ? [spanOf(ranges)] : ranges)
    for (const path of folder.subtrees) yield encodeEntry(Entry.SUBTREE, at, path, [])
  }
}

const spanOf = (ranges: DirtyRange[]): DirtyRange => ({ from: ranges[0]!.from, to: ranges.at(-1)!.to })

function encodeEntry(kind: Entry, folder: number, path: string, ranges: DirtyRange[]): Buffer {
  const bytes = Buffer.alloc(ENTRY_HEAD_BYTES + path.length + ranges.length * RANGE_BYTES)
  bytes.writeUInt8(kind, 0)
  bytes.writeUInt16LE(folder, 1)
  bytes.writeUInt16LE(path.length, 3)
  bytes.writeUInt32LE(ranges.length, 5)
  bytes.write(path, ENTRY_HEAD_BYTES, 'latin1')
  for (const [index, { from, to }] of ranges.entries()) {
    const at = ENTRY_HEAD_BYTES + path.length + index * RANGE_BYTES
    bytes.writeBigUInt64LE(BigInt(from), at)
    bytes.writeBigUInt64LE(to === WHOLE.to ? 0n : BigInt(to), at + 8)
  }
  return bytes
}

/** Whatever is not exactly what `encodeDirty` makes is 'unknown', and so is a set of more folders than there are. */
export function decodeDirty(chunks: Uint8Array[], folders: number): DirtySet | 'unknown' {
  const bytes = Buffer.concat(chunks)
  if (bytes.length < START_BYTES || bytes[0] !== KNOWN || bytes[1] !== VERSION || bytes[2] !== folders) return 'unknown'
  const set = Array.from({ length: folders }, emptyFolder)
  for (let at = START_BYTES; at < bytes.length; ) {
    const end = decodeEntry(bytes, at, set)
    if (end === null) return 'unknown'
    at = end
  }
  return set
}

/** Where the entry ends; null: it is not one. */
function decodeEntry(bytes: Buffer, at: number, set: DirtySet): number | null {
  if (at + ENTRY_HEAD_BYTES > bytes.length) return null
  const kind = bytes.readUInt8(at) as Entry
  const folder = set[bytes.readUInt16LE(at + 1)]
  const pathEnd = at + ENTRY_HEAD_BYTES + bytes.readUInt16LE(at + 3)
  const end = pathEnd + bytes.readUInt32LE(at + 5) * RANGE_BYTES
  if (folder === undefined || end > bytes.length) return null
  const path = bytes.toString('latin1', at + ENTRY_HEAD_BYTES, pathEnd)
  if (kind === Entry.NAMES) folder.names.push(path)
  else if (kind === Entry.SUBTREE) folder.subtrees.push(path)
  else if (kind === Entry.FILE) {
    const ranges = decodeRanges(bytes, pathEnd, end)
    if (ranges === null) return null
    folder.files.set(path, ranges)
  } else return null
  return end
}

function decodeRanges(bytes: Buffer, start: number, end: number): DirtyRange[] | null {
  const ranges: DirtyRange[] = []
  for (let at = start; at < end; at += RANGE_BYTES) {
    const from = Number(bytes.readBigUInt64LE(at))
    const to = Number(bytes.readBigUInt64LE(at + 8)) || WHOLE.to
    if (to <= from) return null
    ranges.push({ from, to })
  }
  return ranges
}
