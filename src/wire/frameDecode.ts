import {
  AT,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_NAME_BYTES_MAX,
  FRAME_PATH_BYTES_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  FRAME_VERSION,
  KIND_NAMES,
  fail,
  type Checksum
} from './frame'
import {
  CHECK_BLOCK_BYTES,
  CHECK_DIGEST_BYTES,
  CHECK_HASH_BYTES,
  CHECK_MODES,
  CHECK_WHOLE,
  DIFFERENCES,
  DIRTY_LAST,
  ENTRY_MTIME,
  LISTING_LAST,
  TIMES_ATIME,
  TIMES_MTIME,
  latin1Text,
  unpackAttributes,
  unpackListing,
  type Fields,
  type Frame,
  type FrameBody
} from './frameFields'

/** Kinds that may name the folder itself (''). All others need a path below it. */
const FOLDER_ITSELF: ReadonlySet<FrameBody['kind']> = new Set([
  'chmod',
  'chown',
  'times',
  'setxattr',
  'removexattr',
  'walkDirectory',
  'walkListing',
  'walkBegin',
  'walkEnd',
  'checkBegin',
  'checkEnd',
  'checkEntry',
  'checkListing',
  'checkAttributes',
  'differs',
  'hello',
  'welcome',
  'begin',
  'refuse',
  'ack',
  'keepalive',
  'barrier',
  'dirty',
  'session'
])
const TWO_PATHS: ReadonlySet<FrameBody['kind']> = new Set(['link', 'rename', 'walkLink', 'checkLink'])
const NAMED_ATTRIBUTE: ReadonlySet<FrameBody['kind']> = new Set(['setxattr', 'removexattr'])
const CARRIES_PAYLOAD: ReadonlySet<FrameBody['kind']> = new Set([
  'write',
  'symlink',
  'setxattr',
  'walkListing',
  'walkFile',
  'walkSymlink',
  'checkEntry',
  'checkListing',
  'checkBlocks',
  'checkAttributes',
  'hello',
  'welcome',
  'begin',
  'refuse',
  'dirty',
  'session'
])
const HIGH = 0x1_0000_0000

/** The LSN of the frame that begins at this place. */
export function frameLsn(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES)
  return view.getUint32(AT.lsn + 4, true) * HIGH + view.getUint32(AT.lsn, true)
}

/**
 * How long the frame is whose header stands at the begin of `bytes`; null: the header is not whole yet.
 * Nothing is kept or made before the lengths have been found sane, so a stranger cannot make us allocate.
 */
export function frameLength(bytes: Uint8Array): number | null {
  if (bytes.length < FRAME_HEADER_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES)
  if (view.getUint16(AT.magic, true) !== FRAME_MAGIC) fail('E_FRAME_FOREIGN', { why: 'it does not begin as a frame does' })
  if (view.getUint8(AT.version) !== FRAME_VERSION) fail('E_FRAME_FOREIGN', { why: `version ${view.getUint8(AT.version)}, expected ${FRAME_VERSION}` })
  const path = view.getUint16(AT.pathLength, true)
  const path2 = view.getUint16(AT.path2Length, true)
  const payload = view.getUint32(AT.payloadLength, true)
  if (path > FRAME_PATH_BYTES_MAX || path2 > FRAME_PATH_BYTES_MAX) fail('E_FRAME_DAMAGED', { why: `a path of ${Math.max(path, path2)} bytes` })
  if (payload > FRAME_PAYLOAD_BYTES_MAX) fail('E_FRAME_DAMAGED', { why: `a payload of ${payload} bytes` })
  return FRAME_HEADER_BYTES + path + path2 + payload
}

/** Reads one whole frame. The payload stays where it is: it is a view into `bytes`. Throws ReportError and nothing else. */
export function decodeFrame(bytes: Uint8Array, checksum: Checksum): Frame {
  const length = frameLength(bytes)
  if (length === null || length > FRAME_BYTES_MAX) fail('E_FRAME_DAMAGED', { why: `cut off after ${bytes.length} bytes` })
  if (bytes.length !== length) fail('E_FRAME_DAMAGED', { why: `${bytes.length} bytes where its header says ${length}` })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  verifyChecksum(bytes, view, checksum)
  const kind = KIND_NAMES.get(view.getUint8(AT.kind))
  if (kind === undefined) fail('E_FRAME_DAMAGED', { why: `unknown kind ${view.getUint8(AT.kind)}` })
  const fields = readFields(bytes, view)
  checkFields(kind, fields)
  return { lsn: readCount(view, AT.lsn, 'LSN'), roleSequence: readCount(view, AT.roleSequence, 'role sequence'), body: bodyOf(kind, fields, view) }
}

const HOLE = new Uint8Array(4)

/** The checksum's own four bytes count as zeros. */
function verifyChecksum(bytes: Uint8Array, view: DataView, checksum: Checksum): void {
  const head = checksum(HOLE, checksum(bytes.subarray(0, AT.checksum)))
  const seen = checksum(bytes.subarray(FRAME_HEADER_BYTES), head)
  if (seen >>> 0 !== view.getUint32(AT.checksum, true)) fail('E_FRAME_DAMAGED', { why: 'its checksum does not match' })
}

function readFields(bytes: Uint8Array, view: DataView): Fields {
  const path2At = FRAME_HEADER_BYTES + view.getUint16(AT.pathLength, true)
  const payloadAt = path2At + view.getUint16(AT.path2Length, true)
  return {
    kind: view.getUint8(AT.kind),
    flags: view.getUint16(AT.flags, true),
    folder: view.getUint16(AT.folder, true),
    path: latin1Text(bytes, FRAME_HEADER_BYTES, path2At),
    path2: latin1Text(bytes, path2At, payloadAt),
    mode: view.getUint32(AT.mode, true),
    uid: view.getUint32(AT.uid, true),
    gid: view.getUint32(AT.gid, true),
    a: 0,
    b: 0,
    payload: bytes.subarray(payloadAt)
  }
}

function checkFields(kind: FrameBody['kind'], fields: Fields): void {
  if (!FOLDER_ITSELF.has(kind) || fields.path !== '') checkPath(fields.path)
  if (TWO_PATHS.has(kind)) checkPath(fields.path2)
  else if (NAMED_ATTRIBUTE.has(kind)) checkAttribute(fields.path2)
  else if (kind === 'walkListing' || kind === 'checkListing') checkAfter(fields.path2)
  else if (fields.path2 !== '') fail('E_FRAME_DAMAGED', { why: `a second path in ${kind}` })
  if (!CARRIES_PAYLOAD.has(kind) && fields.payload.length > 0) fail('E_FRAME_DAMAGED', { why: `a payload in ${kind}` })
}

/** A path below the folder: no way out of it, nothing that two readers could understand differently. */
export function checkPath(path: string): void {
  if (path === '') fail('E_FRAME_PATH', { why: 'it is empty' })
  if (path.length > FRAME_PATH_BYTES_MAX) fail('E_FRAME_PATH', { why: `it has ${path.length} bytes` })
  for (const name of path.split('/')) checkName(name)
}

function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..') fail('E_FRAME_PATH', { why: `it has a component "${name}"` })
  if (name.length > FRAME_NAME_BYTES_MAX) fail('E_FRAME_PATH', { why: `a name of ${name.length} bytes` })
  if (name.includes('\0')) fail('E_FRAME_PATH', { why: 'it has a NUL byte' })
}

function checkAttribute(name: string): void {
  if (name === '' || name.length > FRAME_NAME_BYTES_MAX || name.includes('\0')) fail('E_FRAME_DAMAGED', { why: 'the name of an extended attribute is not one' })
}

function checkAfter(name: string): void {
  if (name !== '') checkListed(name)
}

function checkListed(name: string): void {
  checkName(name)
  if (name.includes('/')) fail('E_FRAME_PATH', { why: 'a name in a listing has a slash' })
}

function readCount(view: DataView, at: number, what: string): number {
  const value = view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true)
  if (!Number.isSafeInteger(value)) fail('E_FRAME_DAMAGED', { why: `${what} out of range` })
  return value
}

function bodyOf(kind: FrameBody['kind'], fields: Fields, view: DataView): FrameBody {
  const { folder, path, path2: newPath, mode, uid, gid, flags, payload } = fields
  const a = (what: string): number => readCount(view, AT.a, what)
  const b = (what: string): number => readCount(view, AT.b, what)
  const owned = { mode, uid, gid }
  switch (kind) {
    case 'write':
      return { kind, folder, path, offset: end(a('offset'), payload.length), data: payload }
    case 'truncate':
      return { kind, folder, path, size: a('size') }
    case 'fallocate':
      return { kind, folder, path, mode, offset: end(a('offset'), b('length')), length: b('length') }
    case 'create':
    case 'mkdir':
    case 'walkDirectory':
      return { kind, folder, path, ...owned }
    case 'mknod':
    case 'walkNode':
      return { kind, folder, path, ...owned, rdev: a('rdev') }
    case 'symlink':
    case 'walkSymlink':
      return { kind, folder, path, target: linkTarget(payload), uid, gid }
    case 'link':
    case 'walkLink':
    case 'checkLink':
      return { kind, folder, path, newPath }
    case 'rename':
      return { kind, folder, path, newPath, flags }
    case 'unlink':
    case 'rmdir':
      return { kind, folder, path }
    case 'chmod':
      return { kind, folder, path, mode }
    case 'chown':
      return { kind, folder, path, uid, gid }
    case 'times':
      return {
        kind,
        folder,
        path,
        atimeNs: flags & TIMES_ATIME ? view.getBigInt64(AT.a, true) : null,
        mtimeNs: flags & TIMES_MTIME ? view.getBigInt64(AT.b, true) : null
      }
    case 'setxattr':
      return { kind, folder, path, name: newPath, value: payload, flags }
    case 'removexattr':
      return { kind, folder, path, name: newPath }
    case 'walkBegin':
    case 'walkEnd':
      return { kind, folder }
    case 'walkListing':
    case 'checkListing':
      return { kind, folder, path, after: newPath, last: (flags & LISTING_LAST) !== 0, entries: listing(payload) }
    case 'walkFile':
      return { kind, folder, path, ...owned, size: a('size'), mtimeNs: view.getBigInt64(AT.b, true), data: payload }
    case 'hello':
    case 'welcome':
    case 'begin':
    case 'refuse':
    case 'session':
      return { kind, folder: 0, payload }
    case 'dirty':
      return { kind, folder: 0, payload, last: (flags & DIRTY_LAST) !== 0 }
    case 'ack':
      return { kind, folder: 0, receivedLsn: a('LSN'), appliedLsn: b('LSN'), flags, redoQueueKib: mode }
    case 'barrier':
      return { kind, folder: 0, lsn: a('LSN') }
    case 'checkBegin':
      return { kind, folder, mode: oneOf(CHECK_MODES, flags, 'way to compare') }
    case 'checkEnd':
      return { kind, folder, mode: oneOf(CHECK_MODES, flags & ~CHECK_WHOLE, 'way to compare'), whole: (flags & CHECK_WHOLE) !== 0 }
    case 'checkEntry':
      return { kind, folder, path, ...owned, sizeOrRdev: a('size'), mtimeNs: flags & ENTRY_MTIME ? view.getBigInt64(AT.b, true) : null, ...entryRest(payload) }
    case 'checkAttributes':
      return { kind, folder, path, attributes: attributesOf(payload) }
    case 'checkBlocks':
      return { kind, folder, path, offset: end(a('offset'), b('length')), length: b('length'), hashes: hashesOf(payload, b('length')) }
    case 'differs':
      return { kind, folder, path, what: oneOf(DIFFERENCES, flags, 'difference'), offset: end(a('offset'), b('length')), length: b('length') }
    case 'keepalive':
      return { kind, folder: 0, progress: flags }
    default:
      return kind satisfies never
  }
}

/** The offset, when what it begins does not end past the largest file there is. */
function end(offset: number, length: number): number {
  if (!Number.isSafeInteger(offset + length)) fail('E_FRAME_DAMAGED', { why: 'a range past the end of every file' })
  return offset
}

function oneOf<T>(words: readonly T[], number: number, what: string): T {
  const word = words[number]
  if (word === undefined) fail('E_FRAME_DAMAGED', { why: `unknown ${what} ${number}` })
  return word
}

const LINKS_BYTES = 4

function entryRest(payload: Uint8Array): { digest: Uint8Array; links: number; target: string } {
  const targetAt = CHECK_DIGEST_BYTES + LINKS_BYTES
  if (payload.length < targetAt) fail('E_FRAME_DAMAGED', { why: 'an entry without its digest' })
  const links = new DataView(payload.buffer, payload.byteOffset).getUint32(CHECK_DIGEST_BYTES, true)
  const target = payload.length === targetAt ? '' : linkTarget(payload.subarray(targetAt))
  return { digest: payload.subarray(0, CHECK_DIGEST_BYTES), links, target }
}

function attributesOf(payload: Uint8Array): NonNullable<ReturnType<typeof unpackAttributes>> {
  const attributes = unpackAttributes(payload)
  if (attributes === null) fail('E_FRAME_DAMAGED', { why: 'a list of extended attributes is cut off' })
  for (const { name } of attributes) checkAttribute(name)
  return attributes
}

function hashesOf(payload: Uint8Array, length: number): Uint8Array {
  if (payload.length === 0) return payload
  if (payload.length !== Math.ceil(length / CHECK_BLOCK_BYTES) * CHECK_HASH_BYTES)
    fail('E_FRAME_DAMAGED', { why: `${payload.length} bytes of hashes for ${length}` })
  return payload
}

function linkTarget(payload: Uint8Array): string {
  const target = latin1Text(payload)
  if (target === '' || target.length > FRAME_PATH_BYTES_MAX || target.includes('\0'))
    fail('E_FRAME_DAMAGED', { why: 'the target of a symbolic link is not one' })
  return target
}

function listing(payload: Uint8Array): ReturnType<typeof unpackListing> & object {
  const entries = unpackListing(payload)
  if (entries === null) fail('E_FRAME_DAMAGED', { why: 'a listing is cut off' })
  for (const entry of entries) checkListed(entry.name)
  return entries
}
