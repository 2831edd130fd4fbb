import { checksum } from '../stream/checksum'

/**
 * The redo log on disk, little-endian. `<dataDirectory>/redo/NNNNNNNNNN.log` are segments of one size, written from front to back and used
 * again under a later number. A segment begins with a header; then batches follow, each as it came in one turn from the source:
 *
 * | batch at | bytes | field                                     |
 * | -------- | ----- | ----------------------------------------- |
 * | 0        | 4     | magic 'MRLB'                              |
 * | 4        | 4     | crc32c of all that follows, bytes too     |
 * | 8        | 8     | nonce of the segment                      |
 * | 16       | 8     | number of the batch in this log           |
 * | 24       | 4     | length of what it holds                   |
 * | 28       | 4     | what it holds: frames, or a session begin |
 *
 * What an older use of the segment has left has another nonce; a batch whose number is not the next one ends the log.
 * A position is the segment's number times its size and the place in it: it only grows.
 */
export const SEGMENT_BYTES = 16 * 1024 * 1024
export const SEGMENT_HEAD_BYTES = 4096
export const BATCH_HEAD_BYTES = 32
export const ID_BYTES = 8

export type BatchKind = 'frames' | 'begin'
const KINDS: readonly BatchKind[] = ['frames', 'begin']

const SEGMENT_MAGIC = 0x4c52_4d31
const BATCH_MAGIC = 0x424c_524d
const SEGMENT_AT = { magic: 0, crc: 4, number: 8, nonce: 16, logId: 24 } as const
const SEGMENT_FIELDS_BYTES = 32
const AT = { magic: 0, crc: 4, nonce: 8, sequence: 16, length: 24, kind: 28 } as const
const HIGH = 0x1_0000_0000

/** Nothing begins at a segment's first byte: a position there is the end of the one before, which is full to its last byte. */
export const segmentOf = (position: number): number => Math.max(0, Math.ceil(position / SEGMENT_BYTES) - 1)
export const placeOf = (position: number): number => position - segmentOf(position) * SEGMENT_BYTES
export const firstPosition = (segment: number): number => segment * SEGMENT_BYTES + SEGMENT_HEAD_BYTES

const NAME_DIGITS = 10
const NAME = /^(\d{10})\.log$/
export const segmentName = (segment: number): string => `${String(segment).padStart(NAME_DIGITS, '0')}.log`
/** null: another kind of file. */
export function numberOf(name: string): number | null {
  const digits = NAME.exec(name)?.[1]
  return digits === undefined ? null : Number(digits)
}

function writeCount(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % HIGH, at)
  bytes.writeUInt32LE(Math.floor(value / HIGH), at + 4)
}

const readCount = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 4) * HIGH + bytes.readUInt32LE(at)

export function packSegmentHead(segment: number, nonce: Buffer, logId: Buffer): Buffer {
  const head = Buffer.alloc(SEGMENT_HEAD_BYTES)
  head.writeUInt32LE(SEGMENT_MAGIC, SEGMENT_AT.magic)
  writeCount(head, segment, SEGMENT_AT.number)
  nonce.copy(head, SEGMENT_AT.nonce)
  logId.copy(head, SEGMENT_AT.logId)
  head.writeUInt32LE(checksum(head.subarray(SEGMENT_AT.number, SEGMENT_FIELDS_BYTES)) >>> 0, SEGMENT_AT.crc)
  return head
}

/** The segment's nonce; null: this is not that segment of that log. */
export function readSegmentHead(head: Buffer, segment: number, logId: Buffer): Buffer | null {
  if (head.length < SEGMENT_FIELDS_BYTES || head.readUInt32LE(SEGMENT_AT.magic) !== SEGMENT_MAGIC) return null
  if (checksum(head.subarray(SEGMENT_AT.number, SEGMENT_FIELDS_BYTES)) >>> 0 !== head.readUInt32LE(SEGMENT_AT.crc)) return null
  if (readCount(head, SEGMENT_AT.number) !== segment || !head.subarray(SEGMENT_AT.logId, SEGMENT_AT.logId + ID_BYTES).equals(logId)) return null
  return Buffer.from(head.subarray(SEGMENT_AT.nonce, SEGMENT_AT.nonce + ID_BYTES))
}

/** The head of a batch whose bytes stand in `parts`. */
export function packBatchHead(nonce: Buffer, sequence: number, kind: BatchKind, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(BATCH_HEAD_BYTES)
  head.writeUInt32LE(BATCH_MAGIC, AT.magic)
  nonce.copy(head, AT.nonce)
  writeCount(head, sequence, AT.sequence)
  head.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    AT.length
  )
  head.writeUInt32LE(KINDS.indexOf(kind), AT.kind)
  const crc = parts.reduce((seed, part) => checksum(part, seed), checksum(head.subarray(AT.nonce)))
  head.writeUInt32LE(crc >>> 0, AT.crc)
  return head
}

export interface BatchHead {
  length: number
  kind: BatchKind
  crc: number
}

/** null: no batch begins here, or not the expected one. */
export function readBatchHead(head: Buffer, nonce: Buffer, sequence: number): BatchHead | null {
  if (head.readUInt32LE(AT.magic) !== BATCH_MAGIC) return null
  if (!head.subarray(AT.nonce, AT.nonce + ID_BYTES).equals(nonce) || readCount(head, AT.sequence) !== sequence) return null
  const kind = KINDS[head.readUInt32LE(AT.kind)]
  return kind === undefined ? null : { length: head.readUInt32LE(AT.length), kind, crc: head.readUInt32LE(AT.crc) }
}

export const batchIsWhole = (head: Buffer, { crc }: BatchHead, bytes: Buffer): boolean => checksum(bytes, checksum(head.subarray(AT.nonce))) >>> 0 === crc
