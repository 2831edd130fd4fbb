import { randomBytes, randomInt } from 'node:crypto'
import { frame, framedBytesMax, FrameReader } from '../../../agent/adapters/heartbeat/framing'

const BYTES = 104

function reader() {
  const packets: Buffer[] = []
  let strange = 0
  const reads = new FrameReader(
    BYTES,
    (packet) => packets.push(Buffer.from(packet)),
    () => void strange++
  )
  return { packets, strange: () => strange, push: (bytes: Buffer) => reads.push(bytes) }
}

test('whatever a packet is made of, it comes out as it went in, and its length on the line is bounded', () => {
  const packets = [Buffer.alloc(BYTES), Buffer.alloc(BYTES, 0xff), Buffer.alloc(BYTES, 1), ...Array.from({ length: 500 }, () => randomBytes(BYTES))]
  for (const packet of packets) for (let i = 0; i < 20; i++) packet[randomInt(BYTES)] = 0
  const { packets: read, push, strange } = reader()
  for (const packet of packets) {
    const framed = frame(packet)
    expect(framed.length).toBeLessThanOrEqual(framedBytesMax(BYTES))
    expect(framed.subarray(1, -1).includes(0)).toBe(false)
    push(framed)
  }
  expect(read).toEqual(packets)
  expect(strange()).toBe(0)
})

test('longer ones than a stretch too', () => {
  for (const length of [1, 249, 250, 251, 254, 255, 256, 508, 1_000]) {
    const packet = Buffer.alloc(length, 7)
    const packets: Buffer[] = []
    new FrameReader(
      length,
      (each) => packets.push(Buffer.from(each)),
      () => undefined
    ).push(frame(packet))
    expect(packets).toEqual([packet])
  }
})

test('byte by byte, or many at once', () => {
  const sent = Array.from({ length: 20 }, () => randomBytes(BYTES))
  const bytes = Buffer.concat(sent.map(frame))
  const { packets, push } = reader()
  for (const byte of bytes) push(Buffer.of(byte))
  push(bytes)
  expect(packets).toEqual([...sent, ...sent])
})

test('after garbage, half a frame, lost and changed bytes, the next whole frame counts; nothing false ever does', () => {
  for (let seed = 0; seed < 300; seed++) {
    const { packets, push } = reader()
    const [spoiled, whole] = [randomBytes(BYTES), randomBytes(BYTES)]
    const framed = frame(spoiled)
    const at = 1 + randomInt(framed.length - 2)
    const noise = randomBytes(randomInt(3_000))
    const changed = Buffer.from(framed)
    changed[at] = (changed[at] as number) ^ (1 + randomInt(255))
    const lost = Buffer.concat([framed.subarray(0, at), framed.subarray(at + 1)])
    for (const bytes of [noise, framed.subarray(0, at), changed, lost, noise]) push(bytes)
    push(frame(whole))
    expect(packets.at(-1)).toEqual(whole)
    expect(packets.filter((packet) => !packet.equals(whole) && !packet.equals(spoiled))).toEqual([])
  }
})

test('a line that never ends is not kept', () => {
  const { packets, push, strange } = reader()
  for (let i = 0; i < 1_000; i++) push(Buffer.alloc(10_000, 0x55))
  push(frame(Buffer.alloc(BYTES, 3)))
  expect(packets).toHaveLength(1)
  expect(strange()).toBe(1)
})
