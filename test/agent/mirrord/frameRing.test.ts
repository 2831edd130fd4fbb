import { FrameRing, RING_WORDS } from '../../../agent/mirrord/order/frameRing'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { AT, FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'
import { decodeFrame } from '../../../src/wire/frameDecode'
import { fieldsOf } from '../../../src/wire/frameFields'

const MIB = 1024 * 1024
const CAPACITY = 32 * MIB

function ringOf(capacity: number) {
  const memory = FrameRing.memory(capacity)
  return { memory, ring: new FrameRing(memory, new BigInt64Array(RING_WORDS)) }
}

const write = (ring: FrameRing, lsn: number, bytes: number): boolean =>
  ring.push(fieldsOf({ kind: 'write', folder: 0, path: 'file', offset: lsn, data: Buffer.alloc(bytes, (lsn % 250) + 1) }), lsn, 7)

/** Reads the frame at this position, which must be this one and whole. */
function expectWrite(ring: FrameRing, position: number, lsn: number, bytes: number): number {
  const { frame, next } = ring.read(position)!
  // As the sender's thread does it: the checksum is not the writer's work.
  const sealed = Buffer.from(frame)
  sealed.writeUInt32LE(checksum(sealed) >>> 0, AT.checksum)
  const { body, lsn: found } = decodeFrame(sealed, checksum)
  expect({ found, kind: body.kind }).toEqual({ found: lsn, kind: 'write' })
  const { data } = body as { data: Uint8Array }
  expect(Buffer.alloc(bytes, (lsn % 250) + 1).equals(data)).toBe(true)
  return next
}

/** A chance that is the same at each run. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

test('memory that was never needed at a time is never touched, however much goes through', () => {
  const { memory, ring } = ringOf(CAPACITY)
  const waiting: number[] = []
  for (let lsn = 1; lsn <= 2_000; lsn++) {
    expect(write(ring, lsn, 100_000)).toBe(true)
    waiting.push(lsn)
    // 5 MiB wait: they touch two parts, or three.
    if (waiting.length > 50) ring.release(expectWrite(ring, ring.tail(), waiting.shift()!, 100_000))
  }
  expect(ring.head()).toBeGreaterThan(6 * CAPACITY)
  const untouched = Buffer.from(memory, 12 * MIB, CAPACITY - 12 * MIB)
  expect(untouched.equals(Buffer.alloc(untouched.length))).toBe(true)
})

test.each([CAPACITY, 5 * MIB])('what waits is whole and in order, whether little waits or all that has room (%i bytes)', (capacity) => {
  const { ring } = ringOf(capacity)
  const next = chance(capacity)
  const waiting: { lsn: number; bytes: number }[] = []
  let full = 0
  let lsn = 0
  for (let turn = 0; turn < 60; turn++) {
    const filling = next(3) > 0
    for (let pushed = 0; pushed < (filling ? 500 : 5); pushed++) {
      const bytes = next(8) === 0 ? FRAME_PAYLOAD_BYTES_MAX - next(100) : next(40_000)
      if (!write(ring, lsn + 1, bytes)) {
        full++
        break
      }
      waiting.push({ lsn: ++lsn, bytes })
    }
    let position = ring.tail()
    for (let left = next(2) === 0 ? waiting.length : next(waiting.length); left > 0; left--) {
      const first = waiting.shift()!
      position = expectWrite(ring, position, first.lsn, first.bytes)
    }
    ring.release(position)
    expect(ring.positionAfter(waiting[0] === undefined ? lsn : waiting[0].lsn - 1)).toBe(position)
  }
  expect(full).toBeGreaterThan(10)
})

test('a ring with parts takes as much as one without, but for the ends of the parts', () => {
  const { ring } = ringOf(CAPACITY)
  let lsn = 0
  while (write(ring, lsn + 1, 100_000)) lsn++
  expect(ring.usedBytes()).toBeGreaterThan(CAPACITY - 200_000)
  // Room for a few at the tail: the last stretch follows it in the same part.
  let position = ring.tail()
  for (let read = 1; read <= 10; read++) position = expectWrite(ring, position, read, 100_000)
  ring.release(position)
  const before = lsn
  while (write(ring, lsn + 1, 100_000)) lsn++
  expect(lsn - before).toBeGreaterThanOrEqual(9)
  for (let read = 11; read <= lsn; read++) position = expectWrite(ring, position, read, 100_000)
  expect(ring.read(position)).toBeNull()
})
