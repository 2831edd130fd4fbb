import { crc32c } from '@node-rs/crc32'
import { FrameSplitter } from '../../agent/mirrord/stream/frameSplitter'
import { ReportError } from '../../src/report/report'
import { encodeFrame, FRAME_BYTES_MAX } from '../../src/wire/frame'
import type { Frame, FrameBody } from '../../src/wire/frameFields'
import { DAMAGES, damaged } from '../kit/damage'
import { randomSource } from '../kit/randomFiles'

const SEEDS = 1_500
/** Making one costs more than damaging it: each is damaged many times, never in the same way. */
const STREAMS = 50
/** Of frames in them, below. */
const KINDS = 9
const checksum = (bytes: Uint8Array, seed?: number): number => crc32c(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), seed)

/** Frames of all sizes, as a busy stream has them. */
function someBodies(random: () => number): FrameBody[] {
  const below = (most: number) => Math.floor(random() * most)
  const name = () => Array.from({ length: 1 + below(40) }, () => 'abcdefgh/'[below(8)]).join('')
  const owned = () => ({ mode: below(0o7777), uid: below(70_000), gid: below(70_000) })
  const makers: (() => FrameBody)[] = [
    () => ({ kind: 'write', folder: below(3), path: name(), offset: below(2 ** 40), data: Buffer.alloc(below(3_000), below(256)) }),
    () => ({ kind: 'create', folder: 0, path: name(), ...owned() }),
    () => ({ kind: 'rename', folder: 0, path: name(), newPath: name(), flags: below(3) }),
    () => ({ kind: 'setxattr', folder: 0, path: name(), name: `user.${name()}`, value: Buffer.alloc(below(100), 1), flags: 0 }),
    () => ({ kind: 'checkBlocks', folder: 0, path: name(), offset: 0, length: 65_536 * 3, hashes: Buffer.alloc(48, below(256)) }),
    () => ({ kind: 'walkListing', folder: 0, path: '', after: '', last: true, entries: Array.from({ length: below(20) }, () => ({ name: name(), type: 8 })) }),
    () => ({ kind: 'differs', folder: 0, path: name(), what: 'content', offset: below(2 ** 30), length: 65_536 }),
    () => ({ kind: 'dirty', folder: 0, last: random() < 0.5, payload: Buffer.alloc(below(500), 2) }),
    () => ({ kind: 'ack', folder: 0, receivedLsn: below(2 ** 40), appliedLsn: below(2 ** 40), flags: below(8), redoQueueKib: below(1_000) })
  ]
  return Array.from({ length: 30 }, () => makers[below(makers.length)]!())
}

const streamOf = (bodies: FrameBody[]): Buffer => Buffer.concat(bodies.map((body, index) => encodeFrame(body, index + 1, 3, checksum)))

/** What a receiver makes of these bytes: the frames that it believed, and the code with which it refused the rest. */
function receive(stream: Buffer, random: () => number): { lsns: number[]; refused: string | null } {
  const lsns: number[] = []
  const splitter = new FrameSplitter(checksum, ({ lsn }: Frame) => void lsns.push(lsn))
  try {
    for (let at = 0; at < stream.length; ) {
      const length = 1 + Math.floor(random() * 5_000)
      splitter.push(stream.subarray(at, at + length))
      at += length
    }
  } catch (error) {
    if (error instanceof ReportError) return { lsns, refused: error.report.code }
    throw error
  }
  return { lsns, refused: null }
}

/** The receiver's rule (each LSN follows the one before), which finds what whole frames in a wrong order are. */
const inOrder = (lsns: number[]): boolean => lsns.every((lsn, index) => lsn === index + 1)

test(`a stream that was truncated, flipped, reordered or mixed with foreign bytes is never believed (${SEEDS} seeds)`, () => {
  const streams = Array.from({ length: STREAMS }, (_, index) => {
    const bodies = someBodies(randomSource(index))
    return { bodies, stream: streamOf(bodies) }
  })
  expect(new Set(streams.flatMap(({ bodies }) => bodies.map(({ kind }) => kind))).size).toBe(KINDS)
  const damages = new Set<string>()
  let refusals = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomSource(seed)
    const { bodies, stream } = streams[seed % STREAMS]!
    const { bytes, what } = damaged(stream, seed)
    damages.add(what.split(' at ')[0]!)
    const { lsns, refused } = receive(bytes, random)
    if (refused !== null) {
      refusals += 1
      expect({ what, refused }).toEqual({ what, refused: expect.stringMatching(/^E_FRAME_(DAMAGED|FOREIGN|PATH)$/) })
    }
    // Without a refusal: the end is missing, and so it is not there yet; or whole frames are missing, and the LSNs say so; or nothing was damaged but what
    // follows the last frame, which is not there yet.
    else if (inOrder(lsns) && !bytes.subarray(0, stream.length).equals(stream))
      expect({ what, frames: lsns.length }).not.toEqual({ what, frames: bodies.length })
    expect({ what, lsns: lsns.filter((lsn) => lsn > bodies.length) }).toEqual({ what, lsns: [] })
  }
  expect(refusals).toBeGreaterThan(SEEDS / 2)
  expect([...damages].sort()).toEqual([...DAMAGES].sort())
})

test('whoever sends for hours without ever completing a frame gets one buffer of fixed size and no more', () => {
  const header = Buffer.from(encodeFrame({ kind: 'write', folder: 0, path: 'a', offset: 0, data: Buffer.alloc(1024 * 1024) }, 1, 1, checksum).subarray(0, 64))
  const before = process.memoryUsage().arrayBuffers
  const splitters = Array.from({ length: 20 }, () => new FrameSplitter(checksum, () => undefined))
  for (const splitter of splitters) {
    splitter.push(header)
    for (let sent = 0; sent < 900; sent++) splitter.push(Buffer.alloc(1_024, sent))
  }
  expect((process.memoryUsage().arrayBuffers - before) / splitters.length).toBeLessThan(3 * FRAME_BYTES_MAX)
})
