import { crc32c } from '@node-rs/crc32'
import { ReportError } from '../../src/report/report'
import { FRAME_PAYLOAD_BYTES_MAX, encodeFrame, sealFrame } from '../../src/wire/frame'
import { decodeFrame } from '../../src/wire/frameDecode'
import { packProgress, type FrameBody } from '../../src/wire/frameFields'
import { FrameSplitter } from '../../agent/mirrord/stream/frameSplitter'
import { randomSource } from '../kit/randomFiles'

const checksum = (bytes: Uint8Array, seed?: number): number => crc32c(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), seed)
const owned = { mode: 0o640, uid: 1000, gid: 70_000 }
const data = Buffer.from('data')
const BODIES: FrameBody[] = [
  { kind: 'write', folder: 1, path: 'a/\xff\xfe', offset: 5 * 2 ** 40, data },
  { kind: 'truncate', folder: 0, path: 'a', size: 2 ** 45 },
  { kind: 'fallocate', folder: 0, path: 'a', mode: 3, offset: 4096, length: 2 ** 33 },
  { kind: 'create', folder: 0, path: 'a', ...owned },
  { kind: 'mkdir', folder: 0, path: 'a', ...owned },
  { kind: 'mknod', folder: 0, path: 'a', ...owned, rdev: 0x10203 },
  { kind: 'symlink', folder: 0, path: 'a', target: '/anywhere/../at all', uid: 1, gid: 2 },
  { kind: 'link', folder: 0, path: 'a', newPath: 'b/c' },
  { kind: 'rename', folder: 0, path: 'a', newPath: 'b', flags: 2 },
  { kind: 'unlink', folder: 0, path: 'a' },
  { kind: 'rmdir', folder: 0, path: 'a' },
  { kind: 'chmod', folder: 0, path: '', mode: 0o1777 },
  { kind: 'chown', folder: 0, path: 'a', uid: 0xffff_ffff, gid: 3 },
  { kind: 'times', folder: 0, path: 'a', atimeNs: null, mtimeNs: -1n },
  { kind: 'times', folder: 0, path: 'a', atimeNs: 1_700_000_000_123_456_789n, mtimeNs: null },
  { kind: 'setxattr', folder: 0, path: 'a', name: 'user.x', value: data, flags: 1 },
  { kind: 'removexattr', folder: 0, path: 'a', name: 'user.x' },
  { kind: 'walkBegin', folder: 0 },
  { kind: 'walkDirectory', folder: 0, path: '', ...owned },
  {
    kind: 'walkListing',
    folder: 0,
    path: 'd',
    after: 'k',
    last: true,
    entries: [
      { name: 'x', type: 8 },
      { name: '\xff', type: 4 }
    ]
  },
  { kind: 'walkFile', folder: 0, path: 'a', ...owned, size: 2 ** 40, mtimeNs: 5n, data },
  { kind: 'walkSymlink', folder: 0, path: 'a', target: 't', uid: 1, gid: 2 },
  { kind: 'walkNode', folder: 0, path: 'a', ...owned, rdev: 5 },
  { kind: 'walkLink', folder: 0, path: 'a', newPath: 'b' },
  { kind: 'walkEnd', folder: 0 },
  { kind: 'hello', folder: 0, payload: data },
  { kind: 'ack', folder: 0, receivedLsn: 2 ** 40, appliedLsn: 7, flags: 3, redoQueueKib: 12 },
  { kind: 'checkBegin', folder: 0, mode: 'difference' },
  { kind: 'checkEntry', folder: 1, path: 'a', ...owned, sizeOrRdev: 2 ** 44, mtimeNs: -7n, links: 70_000, digest: Buffer.alloc(16, 3), target: '' },
  { kind: 'checkEntry', folder: 1, path: '', ...owned, sizeOrRdev: 0, mtimeNs: null, links: 1, digest: Buffer.alloc(16, 3), target: 'where/to' },
  { kind: 'checkListing', folder: 0, path: 'd', after: '', last: false, entries: [{ name: 'x', type: 8 }] },
  { kind: 'checkBlocks', folder: 0, path: 'a', offset: 2 ** 40, length: 65_537, hashes: Buffer.alloc(32, 9) },
  { kind: 'checkBlocks', folder: 0, path: 'a', offset: 0, length: 2 ** 42, hashes: Buffer.alloc(0) },
  { kind: 'checkLink', folder: 0, path: 'a', newPath: 'b' },
  {
    kind: 'checkAttributes',
    folder: 0,
    path: '',
    attributes: [
      { name: 'user.x', value: data },
      { name: 'user.\xff', value: Buffer.alloc(0) }
    ]
  },
  { kind: 'checkAttributes', folder: 0, path: 'a', attributes: [] },
  { kind: 'checkEnd', folder: 0, mode: 'full', whole: true },
  { kind: 'checkEnd', folder: 0, mode: 'difference', whole: false },
  { kind: 'barrier', folder: 0, lsn: 2 ** 40 },
  { kind: 'differs', folder: 3, path: 'a/b', what: 'extra', offset: 0, length: 0 },
  { kind: 'differs', folder: 3, path: 'a/b', what: 'content', offset: 65_536, length: 4096 },
  { kind: 'dirty', folder: 0, last: true, payload: data },
  { kind: 'session', folder: 0, payload: data },
  { kind: 'keepalive', folder: 0, progress: packProgress(1, 54) }
]

/** The code of the refusal; anything but a ReportError fails the test. */
function refusal(use: () => unknown): string | null {
  try {
    use()
    return null
  } catch (error) {
    if (error instanceof ReportError) return error.report.code
    throw error
  }
}

test('every kind of frame comes out as it went in', () => {
  for (const body of BODIES) expect(decodeFrame(encodeFrame(body, 2 ** 40 + 1, 12, checksum), checksum)).toEqual({ lsn: 2 ** 40 + 1, roleSequence: 12, body })
})

test('the bytes on the wire stay what they are', () => {
  const frame = Buffer.from(encodeFrame({ kind: 'write', folder: 2, path: 'ab', offset: 258, data: Buffer.from([9]) }, 3, 4, checksum))
  const header =
    '4d52010100000200' + '0300000000000000' + '0400000000000000' + '0201000000000000' + '0000000000000000' + '02000000' + '00'.repeat(12) + '01000000'
  expect(frame.subarray(0, 60).toString('hex')).toBe(header)
  expect(frame.subarray(64).toString('hex')).toBe('616209')
})

test('a frame that is cut off, or has any bit flipped, is refused with a code', () => {
  for (const body of BODIES) {
    const frame = encodeFrame(body, 5, 6, checksum)
    for (let length = 0; length < frame.length; length++) expect(refusal(() => decodeFrame(frame.subarray(0, length), checksum))).toMatch(/^E_FRAME_/)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = Uint8Array.from(frame)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      expect(refusal(() => decodeFrame(damaged, checksum))).toMatch(/^E_FRAME_/)
    }
  }
})

test.each(['..', '../a', 'a/..', '/a', 'a//b', 'a/', 'a/./b', 'a\0b', '', 'x'.repeat(256)])('the path %j is refused', (path) => {
  expect(refusal(() => decodeFrame(encodeFrame({ kind: 'unlink', folder: 0, path }, 1, 1, checksum), checksum))).toBe('E_FRAME_PATH')
  expect(refusal(() => decodeFrame(encodeFrame({ kind: 'rename', folder: 0, path: 'a', newPath: path, flags: 0 }, 1, 1, checksum), checksum))).toBe(
    'E_FRAME_PATH'
  )
})

test('an unknown kind with a right checksum is refused, and so is what does not fit a frame', () => {
  const frame = encodeFrame({ kind: 'keepalive', folder: 0, progress: 0 }, 1, 1, checksum)
  frame[3] = 200
  expect(refusal(() => decodeFrame(sealFrame(frame, checksum), checksum))).toBe('E_FRAME_DAMAGED')
  const data = new Uint8Array(FRAME_PAYLOAD_BYTES_MAX + 1)
  expect(refusal(() => encodeFrame({ kind: 'write', folder: 0, path: 'a', offset: 0, data }, 1, 1, checksum))).toBe('E_FRAME_TOO_LARGE')
})

test('a stream cut into pieces of any size gives the same frames; random bytes are refused at once', () => {
  const random = randomSource(11)
  const stream = Buffer.concat(
    Array.from({ length: 40 }, () => BODIES)
      .flat()
      .map((body, index) => encodeFrame(body, index + 1, 1, checksum))
  )
  let frames = 0
  const splitter = new FrameSplitter(checksum, ({ lsn }) => expect(lsn).toBe(++frames))
  for (let at = 0; at < stream.length; ) {
    const length = 1 + Math.floor(random() * 500)
    splitter.push(stream.subarray(at, at + length))
    at += length
  }
  expect(frames).toBe(40 * BODIES.length)
  for (let seed = 0; seed < 200; seed++) {
    const next = randomSource(seed)
    const noise = Uint8Array.from({ length: 200 }, () => Math.floor(next() * 256))
    expect(refusal(() => new FrameSplitter(checksum, () => undefined).push(noise))).toMatch(/^E_FRAME_/)
  }
})
