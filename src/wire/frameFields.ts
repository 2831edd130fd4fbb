import type { Operation } from './operation'

/**
 * The kinds of frames beside operations. `walk…` frames carry the full mirror: each makes one path of the target what
 * it is on the source at this point of the order; contents of large files follow as `write`, times as `times`.
 */
export type WalkStep =
  | ({ folder: number } /** A full mirror begins: from here on the copy is not complete. */ & (
      | { kind: 'walkBegin' }
      /** The directory exists and has this mode and owner and no extended attributes. */
      | { kind: 'walkDirectory'; path: string; mode: number; uid: number; gid: number }
      /** Names in the directory greater than `after` and, unless `last`, not greater than the last one listed: exactly these. */
      | { kind: 'walkListing'; path: string; after: string; last: boolean; entries: ListedEntry[] }
      /** A new file in the place of whatever is there. `data`: how it begins; the rest up to `size` reads as zeros. */
      | { kind: 'walkFile'; path: string; mode: number; uid: number; gid: number; size: number; mtimeNs: bigint; data: Uint8Array }
      | { kind: 'walkSymlink'; path: string; target: string; uid: number; gid: number }
      | { kind: 'walkNode'; path: string; mode: number; rdev: number; uid: number; gid: number }
      /** `newPath` becomes another name of the file at `path`. */
      | { kind: 'walkLink'; path: string; newPath: string }
      /** All of the source has been sent; the copy is complete once this is hard. */
      | { kind: 'walkEnd' }
    ))
  | CheckStep

/**
 * A comparison in the stream's order (verify, difference, the return of an old source): the target compares what it holds at this
 * point with what the source says it holds, repairs what it can from the step itself, and says `differs` for the rest.
 */
export type CheckStep = { folder: number } & (
  | { kind: 'checkBegin'; mode: CheckMode }
  /**
   * The entry exists and is of this kind, with these attributes and at most so many `links`. `digest`: of its extended attributes. Symbolic links:
   * `target`. `mtimeNs` null: the application has changed it just now, its time follows as an operation.
   */
  | {
      kind: 'checkEntry'
      path: string
      mode: number
      uid: number
      gid: number
      sizeOrRdev: number
      mtimeNs: bigint | null
      links: number
      digest: Uint8Array
      target: string
    }
  /** As walkListing; what is too much is removed and counted. */
  | { kind: 'checkListing'; path: string; after: string; last: boolean; entries: ListedEntry[] }
  /** The file's bytes from `offset` on, `length` of them, block by block: CHECK_HASH_BYTES each, side by side in `hashes`. No hashes: it is a hole. */
  | { kind: 'checkBlocks'; path: string; offset: number; length: number; hashes: Uint8Array }
  /** `newPath` is another name of the file at `path`. */
  | { kind: 'checkLink'; path: string; newPath: string }
  /** Its extended attributes are exactly these: packAttributes. */
  | { kind: 'checkAttributes'; path: string; attributes: ExtendedAttribute[] }
  /** Everything asked for has been compared and repaired. Not `whole`: it was stopped, and nothing is said about the copy. */
  | { kind: 'checkEnd'; mode: CheckMode; whole: boolean }
)

export interface ExtendedAttribute {
  name: string
  value: Uint8Array
}

/** What a comparison covers: all there is, or what the dirty map says. */
export type CheckMode = 'full' | 'difference'
export const CHECK_MODES: readonly CheckMode[] = ['full', 'difference']
export const CHECK_BLOCK_BYTES = 64 * 1024
export const CHECK_HASH_BYTES = 16
export const CHECK_DIGEST_BYTES = 16

/** What a comparison found. `extra` and `attributes` were repaired by the target at once; all others need the source to send something. */
export const DIFFERENCES = ['content', 'missing', 'kind', 'links', 'extra', 'attributes', 'xattrs'] as const
export type DifferenceKind = (typeof DIFFERENCES)[number]

/** One difference: what, and where. `length` 0: all of the file. */
export interface Difference {
  folder: number
  path: string
  what: DifferenceKind
  offset: number
  length: number
}

export interface ListedEntry {
  name: string
  /** The bits of S_IFMT, shifted down by 12. */
  type: number
}

/** Said outside the order (LSN 0). `hello`, `welcome`, `begin` and `refuse` carry JSON, checked by `hello.ts`. */
export type Control =
  | { kind: 'hello'; folder: 0; payload: Uint8Array }
  | { kind: 'welcome'; folder: 0; payload: Uint8Array }
  | { kind: 'begin'; folder: 0; payload: Uint8Array }
  | { kind: 'refuse'; folder: 0; payload: Uint8Array }
  /** `receivedLsn`: all up to it is hard in the redo log. `appliedLsn`: redo has done it. `flags`: ACK_… */
  | { kind: 'ack'; folder: 0; receivedLsn: number; appliedLsn: number; flags: number; redoQueueKib: number }
  /** The source waits to hear that all up to `lsn` is hard: flush now. */
  | { kind: 'barrier'; folder: 0; lsn: number }
  /** From the target: a comparison found this. Comes before the ack that says the comparing step is applied. */
  | ({ kind: 'differs' } & Difference)
  /** From the target, between welcome and begin: its own dirty map, a chunk of it; `last` ends it. */
  | { kind: 'dirty'; folder: 0; last: boolean; payload: Uint8Array }
  /** From the source: safety, states and sequences of the session, JSON (hello.ts). */
  | { kind: 'session'; folder: 0; payload: Uint8Array }
  /** From the source, `progress` says how far the walk is (packProgress); from the target it is 0. */
  | { kind: 'keepalive'; folder: 0; progress: number }

export type FrameBody = Operation | WalkStep | Control

export interface Frame {
  lsn: number
  roleSequence: number
  body: FrameBody
}

/** The columns of the header; every kind of frame uses some of them. */
export interface Fields {
  kind: number
  flags: number
  folder: number
  path: string
  path2: string
  mode: number
  uid: number
  gid: number
  a: number | bigint
  b: number | bigint
  payload: Uint8Array
}

/** The numbers on the wire. A number is never used again for something else. */
export const FRAME_KINDS = {
  write: 1,
  truncate: 2,
  fallocate: 3,
  create: 4,
  mkdir: 5,
  mknod: 6,
  symlink: 7,
  link: 8,
  rename: 9,
  unlink: 10,
  rmdir: 11,
  chmod: 12,
  chown: 13,
  times: 14,
  setxattr: 15,
  removexattr: 16,
  walkBegin: 32,
  walkDirectory: 33,
  walkListing: 34,
  walkFile: 35,
  walkSymlink: 36,
  walkNode: 37,
  walkLink: 38,
  walkEnd: 39,
  checkBegin: 40,
  checkEntry: 41,
  checkListing: 42,
  checkBlocks: 43,
  checkLink: 44,
  checkEnd: 45,
  checkAttributes: 46,
  hello: 64,
  welcome: 65,
  refuse: 66,
  ack: 67,
  keepalive: 68,
  begin: 69,
  barrier: 70,
  differs: 71,
  dirty: 72,
  session: 73
} as const satisfies Record<FrameBody['kind'], number>

/** `times`: which of the two are given. */
export const TIMES_ATIME = 1
export const TIMES_MTIME = 2
export const LISTING_LAST = 1
export const DIRTY_LAST = 1
/** `checkEntry`: the time is compared. `checkEnd`: above the mode, everything has been compared. */
export const ENTRY_MTIME = 1
export const CHECK_WHOLE = 0x100

/** Flags of an acknowledgement. */
export const ACK_MIRRORS = 1
export const ACK_COMPLETE = 2
/** Redo has met an error and waits for an administrator. */
export const ACK_SUSPENDED = 4

/** The walk's state by number (its own table), and how much of it is done: one field of a frame. */
const PROGRESS_STATE = 256
export const packProgress = (state: number, percent: number): number => state * PROGRESS_STATE + percent
export const unpackProgress = (progress: number): { state: number; percent: number } => ({
  state: Math.floor(progress / PROGRESS_STATE),
  percent: progress % PROGRESS_STATE
})

const EMPTY = new Uint8Array(0)
const blank = (kind: number, folder: number): Fields => ({ kind, flags: 0, folder, path: '', path2: '', mode: 0, uid: 0, gid: 0, a: 0, b: 0, payload: EMPTY })

/** Spreads a frame over the columns. */
export function fieldsOf(body: FrameBody): Fields {
  const fields = blank(FRAME_KINDS[body.kind], body.folder)
  if ('path' in body) fields.path = body.path
  if ('newPath' in body) fields.path2 = body.newPath
  if ('mode' in body && typeof body.mode === 'number') fields.mode = body.mode
  if ('uid' in body) fields.uid = body.uid
  if ('gid' in body) fields.gid = body.gid
  if ('data' in body) fields.payload = body.data
  if ('payload' in body) fields.payload = body.payload
  spread(body, fields)
  return fields
}

function spread(body: FrameBody, fields: Fields): void {
  switch (body.kind) {
    case 'write':
      fields.a = body.offset
      break
    case 'truncate':
      fields.a = body.size
      break
    case 'fallocate':
      fields.a = body.offset
      fields.b = body.length
      break
    case 'mknod':
    case 'walkNode':
      fields.a = body.rdev
      break
    case 'symlink':
    case 'walkSymlink':
      fields.payload = latin1Bytes(body.target)
      break
    case 'rename':
      fields.flags = body.flags
      break
    case 'times':
      fields.flags = (body.atimeNs === null ? 0 : TIMES_ATIME) | (body.mtimeNs === null ? 0 : TIMES_MTIME)
      fields.a = body.atimeNs ?? 0n
      fields.b = body.mtimeNs ?? 0n
      break
    case 'setxattr':
      fields.path2 = body.name
      fields.flags = body.flags
      fields.payload = body.value
      break
    case 'removexattr':
      fields.path2 = body.name
      break
    case 'walkListing':
    case 'checkListing':
      fields.path2 = body.after
      fields.flags = body.last ? LISTING_LAST : 0
      fields.payload = packListing(body.entries)
      break
    case 'walkFile':
      fields.a = body.size
      fields.b = body.mtimeNs
      break
    case 'keepalive':
      fields.flags = body.progress
      break
    case 'ack':
      fields.a = body.receivedLsn
      fields.b = body.appliedLsn
      fields.flags = body.flags
      fields.mode = body.redoQueueKib
      break
    default:
      spreadCheck(body, fields)
  }
}

function spreadCheck(body: FrameBody, fields: Fields): void {
  switch (body.kind) {
    case 'checkBegin':
      fields.flags = CHECK_MODES.indexOf(body.mode)
      break
    case 'checkEnd':
      fields.flags = CHECK_MODES.indexOf(body.mode) | (body.whole ? CHECK_WHOLE : 0)
      break
    case 'checkEntry':
      fields.flags = body.mtimeNs === null ? 0 : ENTRY_MTIME
      fields.a = body.sizeOrRdev
      fields.b = body.mtimeNs ?? 0n
      fields.payload = joined(joined(body.digest, wordBytes(body.links)), latin1Bytes(body.target))
      break
    case 'checkAttributes':
      fields.payload = packAttributes(body.attributes)
      break
    case 'checkBlocks':
      fields.a = body.offset
      fields.b = body.length
      fields.payload = body.hashes
      break
    case 'barrier':
      fields.a = body.lsn
      break
    case 'differs':
      fields.flags = DIFFERENCES.indexOf(body.what)
      fields.a = body.offset
      fields.b = body.length
      break
    case 'dirty':
      fields.flags = body.last ? DIRTY_LAST : 0
      break
    default:
      break
  }
}

const wordBytes = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

export function latin1Text(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

/** An entry is its type, the length of its name, its name. */
const ENTRY_HEAD_BYTES = 2

export const listedBytes = (name: string): number => ENTRY_HEAD_BYTES + name.length

function packListing(entries: ListedEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + listedBytes(entry.name), 0))
  let at = 0
  for (const { name, type } of entries) {
    bytes[at] = type
    bytes[at + 1] = name.length
    for (let i = 0; i < name.length; i++) bytes[at + ENTRY_HEAD_BYTES + i] = name.charCodeAt(i)
    at += listedBytes(name)
  }
  return bytes
}

/** null: not a listing. */
export function unpackListing(bytes: Uint8Array): ListedEntry[] | null {
  const entries: ListedEntry[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + ENTRY_HEAD_BYTES > bytes.length) return null
    const end = at + ENTRY_HEAD_BYTES + bytes[at + 1]!
    if (end > bytes.length) return null
    entries.push({ type: bytes[at]!, name: latin1Text(bytes, at + ENTRY_HEAD_BYTES, end) })
    at = end
  }
  return entries
}

// The length of the name, the length of the value, the name, the value.
const ATTRIBUTE_HEAD_BYTES = 5

export const attributesBytes = (list: ExtendedAttribute[]): number =>
  list.reduce((sum, { name, value }) => sum + ATTRIBUTE_HEAD_BYTES + name.length + value.length, 0)

export function packAttributes(attributes: ExtendedAttribute[]): Uint8Array {
  const bytes = new Uint8Array(attributesBytes(attributes))
  let at = 0
  for (const { name, value } of attributes) {
    bytes[at] = name.length
    bytes.set(wordBytes(value.length), at + 1)
    bytes.set(latin1Bytes(name), at + ATTRIBUTE_HEAD_BYTES)
    bytes.set(value, at + ATTRIBUTE_HEAD_BYTES + name.length)
    at += ATTRIBUTE_HEAD_BYTES + name.length + value.length
  }
  return bytes
}

/** null: not a list of attributes. */
export function unpackAttributes(bytes: Uint8Array): ExtendedAttribute[] | null {
  const attributes: ExtendedAttribute[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    if (at + ATTRIBUTE_HEAD_BYTES > bytes.length) return null
    const valueAt = at + ATTRIBUTE_HEAD_BYTES + bytes[at]!
    const end = valueAt + view.getUint32(at + 1, true)
    if (bytes[at] === 0 || end > bytes.length) return null
    attributes.push({ name: latin1Text(bytes, at + ATTRIBUTE_HEAD_BYTES, valueAt), value: bytes.subarray(valueAt, end) })
    at = end
  }
  return attributes
}
