import { crc32c } from '@node-rs/crc32'
import fs from 'node:fs'
import path from 'node:path'
import { syncDirectorySync } from '../../adapters/files'
import { decodeMarks, encodeMark, Mark, type MarkRecord } from './markRecord'

/**
 * A file of marks: one generation. Little-endian; man/mirrorpair-architecture.7 tells the same.
 *
 * It consists of sectors of 512 bytes, which a disk writes wholly or not at all. The first is the header. Each batch of records takes sectors of its own,
 * and is flushed before anybody relies on it, and before the next batch is written. The place for it has been zeros on the disk before (that makes the
 * flush cheap, too). So after a power cut every sector is good or zeros, and:
 *
 * - a sector that is neither is damage: 'unknown';
 * - zeros in the last batch: its flush had not ended when the power went, so nothing relied on it, and it is left out. That is not damage: a batch that was
 *   ever relied upon has no sector of zeros, because each one has a checksum and a number that is not 0;
 * - zeros, when a later batch is there: the batch was hard once and is not whole now. Damage: 'unknown';
 * - a file shorter than it says itself (header, GROWN) is damage.
 */
const SECTOR_BYTES = 512
const MAGIC = 0x4d44_504d
const VERSION = 1
const LINEAGE_BYTES_MAX = 64
/** Zeros on the disk ahead of the batches. */
const GROW_BYTES = 256 << 10

/** Header: magic, version, folder, generation, oldest, began, bytes, length of lineage, lineage; checksum at the end. */
const HEADER = { magic: 0, version: 4, folder: 6, generation: 8, oldest: 16, began: 24, bytes: 32, lineageLength: 40, lineage: 42, checksum: 508 } as const
/** Batch sector: checksum, batch, index, count, bytes used, 0. */
const SECTOR = { checksum: 0, batch: 4, index: 8, count: 10, used: 12, payload: 16 } as const
const PAYLOAD_BYTES = SECTOR_BYTES - SECTOR.payload

export interface MarksHeader {
  folder: number
  generation: number
  /** When this generation began, the oldest one that was still needed. One that is not there: what it would say is not known. */
  oldest: number
  /** Ticks of the clock. */
  beganTicks: number
  lineage: string
}

export const marksFileName = (generation: number): string => `${String(generation).padStart(12, '0')}.marks`
export const generationOf = (name: string): number | null => {
  const found = /^(\d{12,15})\.marks$/.exec(name)
  return found === null ? null : Number(found[1])
}

function encodeHeader(header: MarksHeader, fileBytes: number): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES)
  bytes.writeUInt32LE(MAGIC, HEADER.magic)
  bytes.writeUInt16LE(VERSION, HEADER.version)
  bytes.writeUInt16LE(header.folder, HEADER.folder)
  bytes.writeDoubleLE(header.generation, HEADER.generation)
  bytes.writeDoubleLE(header.oldest, HEADER.oldest)
  bytes.writeDoubleLE(header.beganTicks, HEADER.began)
  bytes.writeDoubleLE(fileBytes, HEADER.bytes)
  bytes.writeUInt16LE(bytes.write(header.lineage.slice(0, LINEAGE_BYTES_MAX), HEADER.lineage, 'latin1'), HEADER.lineageLength)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, HEADER.checksum)), HEADER.checksum)
  return bytes
}

function decodeHeader(bytes: Buffer): (MarksHeader & { bytes: number; checksum: number }) | null {
  if (bytes.length < SECTOR_BYTES || bytes.readUInt32LE(HEADER.magic) !== MAGIC || bytes.readUInt16LE(HEADER.version) !== VERSION) return null
  const checksum = bytes.readUInt32LE(HEADER.checksum)
  if (crc32c(bytes.subarray(0, HEADER.checksum)) !== checksum) return null
  return {
    folder: bytes.readUInt16LE(HEADER.folder),
    generation: bytes.readDoubleLE(HEADER.generation),
    oldest: bytes.readDoubleLE(HEADER.oldest),
    beganTicks: bytes.readDoubleLE(HEADER.began),
    bytes: bytes.readDoubleLE(HEADER.bytes),
    lineage: bytes.toString('latin1', HEADER.lineage, HEADER.lineage + bytes.readUInt16LE(HEADER.lineageLength)),
    checksum
  }
}

/** One generation while it is being written. Calls wait for the disk, and throw what the disk says. */
export class MarksFile {
  private batch = 0
  private at = SECTOR_BYTES

  private constructor(
    private readonly fd: number,
    readonly header: MarksHeader,
    private readonly seed: number,
    private fileBytes: number
  ) {}

  get writtenBytes(): number {
    return this.at
  }

  /** Hard under its name when it returns, with these batches in it; a file that was not finished has another name and counts for nothing. */
  static create(directory: string, header: MarksHeader, batches: readonly Uint8Array[] = []): MarksFile {
    const name = path.join(directory, marksFileName(header.generation))
    const fresh = `${name}.new`
    const fd = fs.openSync(fresh, 'w+', 0o600)
    try {
      const first = encodeHeader(header, GROW_BYTES)
      writeAt(fd, Buffer.concat([first, Buffer.alloc(GROW_BYTES - SECTOR_BYTES)]), 0)
      fs.fsyncSync(fd)
      const file = new MarksFile(fd, header, first.readUInt32LE(HEADER.checksum), GROW_BYTES)
      for (const batch of batches) file.append(batch)
      fs.renameSync(fresh, name)
      syncDirectorySync(directory)
      return file
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  /** One batch: all or nothing of it will be read after a power cut, and all once this has returned. */
  append(records: Uint8Array): void {
    if (records.length === 0) return
    const need = sectorsFor(records.length) * SECTOR_BYTES
    // One sector is always left, to say in it that the file has grown: a file that is cut off there is then seen to be.
    if (this.at + need + SECTOR_BYTES > this.fileBytes) this.grow(need)
    this.write(records)
  }

  private write(records: Uint8Array): void {
    const sectors = encodeBatch(++this.batch, records, this.seed)
    writeAt(this.fd, sectors, this.at)
    fs.fdatasyncSync(this.fd)
    this.at += sectors.length
  }

  private grow(need: number): void {
    const zeros = Buffer.alloc(Math.ceil((need + GROW_BYTES) / SECTOR_BYTES) * SECTOR_BYTES)
    writeAt(this.fd, zeros, this.fileBytes)
    fs.fdatasyncSync(this.fd)
    this.fileBytes += zeros.length
    this.write(encodeMark({ kind: Mark.GROWN, bytes: this.fileBytes }))
  }

  close(): void {
    fs.closeSync(this.fd)
  }
}

function writeAt(fd: number, bytes: Uint8Array, from: number): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, bytes.length - done, from + done)
}

const sectorsFor = (bytes: number): number => Math.ceil(bytes / PAYLOAD_BYTES)

function encodeBatch(batch: number, body: Uint8Array, seed: number): Buffer {
  const count = sectorsFor(body.length)
  const sectors = Buffer.alloc(count * SECTOR_BYTES)
  for (let index = 0; index < count; index++) {
    const part = body.subarray(index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES)
    const at = index * SECTOR_BYTES
    sectors.writeUInt32LE(batch, at + SECTOR.batch)
    sectors.writeUInt16LE(index, at + SECTOR.index)
    sectors.writeUInt16LE(count, at + SECTOR.count)
    sectors.writeUInt16LE(part.length, at + SECTOR.used)
    sectors.set(part, at + SECTOR.payload)
    sectors.writeUInt32LE(sectorChecksum(sectors, at, seed), at + SECTOR.checksum)
  }
  return sectors
}

/** Seeded with the header's checksum: a sector of another file, or of an older one in the same place, is not taken for one of this file. */
const sectorChecksum = (bytes: Buffer, at: number, seed: number): number => crc32c(bytes.subarray(at + 4, at + SECTOR_BYTES), seed)

export type MarksRead = { header: MarksHeader; records: MarkRecord[]; torn: boolean } | { damaged: string }

/** All that a file says, or why it cannot be trusted. */
export function readMarks(bytes: Buffer): MarksRead {
  const header = decodeHeader(bytes)
  if (header === null) return { damaged: 'its header is damaged' }
  const batches = readBatches(bytes, header.checksum)
  if (typeof batches === 'string') return { damaged: batches }
  const records: MarkRecord[] = []
  for (const body of batches.bodies) {
    const decoded = decodeMarks(body)
    if (decoded === null) return { damaged: 'a batch is not made of records' }
    records.push(...decoded)
  }
  const sizes = records.map((each) => (each.kind === Mark.GROWN ? each.bytes : 0))
  if (bytes.length < Math.max(header.bytes, ...sizes)) return { damaged: `it has ${bytes.length} bytes, and had more` }
  const { bytes: _bytes, checksum: _checksum, ...plain } = header
  return { header: plain, records, torn: batches.torn }
}

interface Sector {
  batch: number
  index: number
  count: number
  body: Buffer
}

/** The batches that are whole; or what is wrong. */
function readBatches(bytes: Buffer, seed: number): { bodies: Buffer[]; torn: boolean } | string {
  const bodies: Buffer[] = []
  let at = SECTOR_BYTES
  for (;;) {
    const first = readSector(bytes, at, seed)
    if (first === 'damaged') return `the sector at ${at} is damaged`
    if (first === null) break
    if (first.batch !== bodies.length + 1 || first.index !== 0) return `the sector at ${at} is out of order`
    const parts = readBatch(bytes, at, first, seed)
    if (typeof parts === 'string') return parts
    if (parts === null) break
    bodies.push(Buffer.concat(parts))
    at += parts.length * SECTOR_BYTES
  }
  return onlyOneBatchBehind(bytes, at, bodies, seed)
}

/** null: a part of it is zeros. */
function readBatch(bytes: Buffer, at: number, first: Sector, seed: number): Buffer[] | null | string {
  const parts: Buffer[] = []
  for (let index = 0; index < first.count; index++) {
    const sector = readSector(bytes, at + index * SECTOR_BYTES, seed)
    if (sector === 'damaged') return `the sector at ${at + index * SECTOR_BYTES} is damaged`
    if (sector === null) return null
    if (sector.batch !== first.batch || sector.index !== index || sector.count !== first.count) return `the batch at ${at} is out of order`
    parts.push(sector.body)
  }
  return parts
}

/** Behind the whole batches there are zeros, and at most parts of the one batch that was being written. */
function onlyOneBatchBehind(bytes: Buffer, from: number, bodies: Buffer[], seed: number): { bodies: Buffer[]; torn: boolean } | string {
  let torn = false
  for (let at = from; at < bytes.length; at += SECTOR_BYTES) {
    const sector = readSector(bytes, at, seed)
    if (sector === null) continue
    if (sector === 'damaged') return `the sector at ${at} is damaged`
    if (sector.batch !== bodies.length + 1 || at !== from + sector.index * SECTOR_BYTES) return `a batch before the sector at ${at} is gone`
    torn = true
  }
  return { bodies, torn }
}

const ZEROS = Buffer.alloc(SECTOR_BYTES)

/** null: zeros, or behind the end. */
function readSector(bytes: Buffer, at: number, seed: number): Sector | null | 'damaged' {
  const end = Math.min(at + SECTOR_BYTES, bytes.length)
  if (at >= end || bytes.compare(ZEROS, 0, end - at, at, end) === 0) return null
  if (end - at < SECTOR_BYTES || bytes.readUInt32LE(at + SECTOR.checksum) !== sectorChecksum(bytes, at, seed)) return 'damaged'
  const used = bytes.readUInt16LE(at + SECTOR.used)
  return {
    batch: bytes.readUInt32LE(at + SECTOR.batch),
    index: bytes.readUInt16LE(at + SECTOR.index),
    count: bytes.readUInt16LE(at + SECTOR.count),
    body: bytes.subarray(at + SECTOR.payload, at + SECTOR.payload + Math.min(used, PAYLOAD_BYTES))
  }
}
