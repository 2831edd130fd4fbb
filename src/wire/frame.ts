import { ReportError } from '../report/report'
import { dataMessages } from '../report/data'
import { FRAME_KINDS, fieldsOf, type Fields, type FrameBody } from './frameFields'

/**
 * The frame of the replication stream, little-endian; man/mirrorpair-architecture.7 has the same table.
 *
 * | at | bytes | field                        | at | bytes | field                              |
 * | -- | ----- | ---------------------------- | -- | ----- | ---------------------------------- |
 * | 0  | 2     | magic 'MR'                   | 40 | 2     | length of path                     |
 * | 2  | 1     | version                      | 42 | 2     | length of path2 (new path, xattr)  |
 * | 3  | 1     | kind                         | 44 | 4     | mode                               |
 * | 4  | 2     | flags                        | 48 | 4     | uid                                |
 * | 6  | 2     | folder                       | 52 | 4     | gid                                |
 * | 8  | 8     | LSN                          | 56 | 4     | length of payload                  |
 * | 16 | 8     | role sequence                | 60 | 4     | crc32c of all of the frame with 0 here |
 * | 24 | 8     | a: offset, size, rdev, atime | 64 |       | path, path2, payload               |
 * | 32 | 8     | b: length, mtime             |    |       |                                    |
 */
export const FRAME_MAGIC = 0x524d
export const FRAME_VERSION = 1
export const FRAME_HEADER_BYTES = 64
export const FRAME_PATH_BYTES_MAX = 4_095
export const FRAME_NAME_BYTES_MAX = 255
export const FRAME_PAYLOAD_BYTES_MAX = 1024 * 1024
export const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + 2 * FRAME_PATH_BYTES_MAX + FRAME_PAYLOAD_BYTES_MAX

export const AT = {
  magic: 0,
  version: 2,
  kind: 3,
  flags: 4,
  folder: 6,
  lsn: 8,
  roleSequence: 16,
  a: 24,
  b: 32,
  pathLength: 40,
  path2Length: 42,
  mode: 44,
  uid: 48,
  gid: 52,
  payloadLength: 56,
  checksum: 60
} as const

/** crc32c of the bytes; given by the caller, because src/ has no native code. `seed`: the checksum of what stands before. */
export type Checksum = (bytes: Uint8Array, seed?: number) => number

const HIGH = 0x1_0000_0000

export function fail<Code extends keyof typeof dataMessages>(code: Code, values: Parameters<(typeof dataMessages)[Code]['message']>[0]): never {
  throw dataError(code, values)
}

/** A ReportError of this area. */
export function dataError<Code extends keyof typeof dataMessages>(code: Code, values: Parameters<(typeof dataMessages)[Code]['message']>[0]): ReportError {
  const definition = dataMessages[code] as { exitCode: ReportError['report']['exitCode']; message: (v: unknown) => string; tryThis: (v: unknown) => string }
  return new ReportError({ code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode })
}

/** How many bytes the frame takes. */
export const frameBytes = (fields: Fields): number => FRAME_HEADER_BYTES + fields.path.length + fields.path2.length + fields.payload.length

/** Writes the frame without its checksum; the sender seals it in its own thread. `view` and `into` show the same memory. */
export function writeFrame(fields: Fields, lsn: number, roleSequence: number, into: Uint8Array, view: DataView, at: number): void {
  view.setUint16(at + AT.magic, FRAME_MAGIC, true)
  view.setUint8(at + AT.version, FRAME_VERSION)
  view.setUint8(at + AT.kind, fields.kind)
  view.setUint16(at + AT.flags, fields.flags, true)
  view.setUint16(at + AT.folder, fields.folder, true)
  writeNumber(view, at + AT.lsn, lsn)
  writeNumber(view, at + AT.roleSequence, roleSequence)
  writeNumber(view, at + AT.a, fields.a)
  writeNumber(view, at + AT.b, fields.b)
  view.setUint16(at + AT.pathLength, fields.path.length, true)
  view.setUint16(at + AT.path2Length, fields.path2.length, true)
  view.setUint32(at + AT.mode, fields.mode, true)
  view.setUint32(at + AT.uid, fields.uid, true)
  view.setUint32(at + AT.gid, fields.gid, true)
  view.setUint32(at + AT.payloadLength, fields.payload.length, true)
  view.setUint32(at + AT.checksum, 0, true)
  const body = at + FRAME_HEADER_BYTES
  writeText(fields.path, into, body)
  writeText(fields.path2, into, body + fields.path.length)
  into.set(fields.payload, body + fields.path.length + fields.path2.length)
}

function writeNumber(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'bigint') return view.setBigInt64(at, value, true)
  view.setUint32(at, value % HIGH, true)
  view.setUint32(at + 4, Math.floor(value / HIGH), true)
}

function writeText(text: string, into: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
}

/** Refuses what the receiver would refuse, before it is queued. */
export function checkSizes(fields: Fields): void {
  if (fields.payload.length > FRAME_PAYLOAD_BYTES_MAX) fail('E_FRAME_TOO_LARGE', { bytes: fields.payload.length, most: FRAME_PAYLOAD_BYTES_MAX })
  if (fields.path.length > FRAME_PATH_BYTES_MAX || fields.path2.length > FRAME_PATH_BYTES_MAX)
    fail('E_FRAME_TOO_LARGE', { bytes: fields.path.length, most: FRAME_PATH_BYTES_MAX })
}

/** Puts the checksum into a frame that stands alone in `frame`. */
export function sealFrame(frame: Uint8Array, checksum: Checksum): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  view.setUint32(AT.checksum, 0, true)
  view.setUint32(AT.checksum, checksum(frame), true)
  return frame
}

/** A frame of its own, sealed: control frames and tests. */
export function encodeFrame(body: FrameBody, lsn: number, roleSequence: number, checksum: Checksum): Uint8Array {
  const fields = fieldsOf(body)
  checkSizes(fields)
  const frame = new Uint8Array(frameBytes(fields))
  writeFrame(fields, lsn, roleSequence, frame, new DataView(frame.buffer), 0)
  return sealFrame(frame, checksum)
}

export const KIND_NAMES: ReadonlyMap<number, FrameBody['kind']> = new Map(
  Object.entries(FRAME_KINDS).map(([name, number]) => [number, name as FrameBody['kind']])
)
