import { crc32 } from 'node:zlib'

/**
 * A packet on a serial line: `00`, then the packet and its CRC-32 (little-endian) with every zero byte stuffed away (COBS), then `00`. So a zero byte
 * is always the edge of a frame, and after garbage, half a frame or lost bytes the next one is whole again. What it says is proven by its HMAC, as anywhere.
 */
const EDGE = 0
const CRC_BYTES = 4
/** A stretch without a zero byte is at most so long. */
const STRETCH_MAX = 254

/** The most bytes that a packet becomes on the line. */
export const framedBytesMax = (bytes: number): number => {
  const content = bytes + CRC_BYTES
  return content + Math.ceil(content / STRETCH_MAX) + 2
}

export function frame(packet: Buffer): Buffer {
  const content = Buffer.alloc(packet.length + CRC_BYTES)
  packet.copy(content)
  content.writeUInt32LE(crc32(packet), packet.length)
  return Buffer.concat([Buffer.of(EDGE), stuffed(content), Buffer.of(EDGE)])
}

/** Each stretch up to a zero byte begins with its length and one, which stands for that zero. */
function stuffed(content: Buffer): Buffer {
  const parts: number[] = []
  let start = 0
  while (start <= content.length) {
    const zero = content.indexOf(EDGE, start)
    const end = Math.min(zero < 0 ? content.length : zero, start + STRETCH_MAX)
    parts.push(end - start + 1, ...content.subarray(start, end))
    // A stretch of full length stands for no zero.
    start = end + (end - start === STRETCH_MAX ? 0 : 1)
    if (end === content.length) break
  }
  return Buffer.from(parts)
}

/** null: no frame of ours. */
function unstuffed(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] as number
    if (at + length > bytes.length) return null
    parts.push(bytes.subarray(at + 1, at + length))
    at += length
    if (length <= STRETCH_MAX && at < bytes.length) parts.push(Buffer.of(EDGE))
  }
  return Buffer.concat(parts)
}

/** Packets out of whatever comes from a line; keeps no more than one frame's length. */
export class FrameReader {
  private readonly kept: Buffer
  private length = 0
  /** More came without an edge than a frame has: nothing counts before the next edge. */
  private lost = false

  constructor(
    packetBytes: number,
    private readonly take: (packet: Buffer) => void,
    private readonly strange: () => void
  ) {
    this.kept = Buffer.alloc(framedBytesMax(packetBytes))
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const edge = bytes.indexOf(EDGE, at)
      this.keep(bytes.subarray(at, edge < 0 ? bytes.length : edge))
      if (edge < 0) return
      this.end()
      at = edge + 1
    }
  }

  private keep(part: Buffer): void {
    if (this.lost || this.length + part.length > this.kept.length) {
      this.lost = true
      return
    }
    part.copy(this.kept, this.length)
    this.length += part.length
  }

  private end(): void {
    const { length, lost } = this
    this.length = 0
    this.lost = false
    if (length === 0 && !lost) return
    const packet = lost ? null : checked(unstuffed(this.kept.subarray(0, length)))
    if (packet === null) this.strange()
    else this.take(packet)
  }
}

function checked(content: Buffer | null): Buffer | null {
  if (content === null || content.length <= CRC_BYTES) return null
  const packet = content.subarray(0, -CRC_BYTES)
  return content.readUInt32LE(packet.length) === crc32(packet) ? packet : null
}
