import { FRAME_BYTES_MAX, type Checksum } from '../../../src/wire/frame'
import { decodeFrame, frameLength } from '../../../src/wire/frameDecode'
import type { Frame } from '../../../src/wire/frameFields'

const BUFFER_BYTES = 2 * FRAME_BYTES_MAX

/** Cuts what arrives into frames. Its memory is one buffer of fixed size; a frame's payload is valid until `drained` returns. */
export class FrameSplitter {
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  private begin = 0
  private end = 0

  constructor(
    private readonly checksum: Checksum,
    /** `bytes`: the frame as it came; valid until `drained`. */
    private readonly take: (frame: Frame, bytes: Buffer) => void,
    /** All whole frames of what was pushed are taken. */
    private readonly drained: () => void = () => undefined
  ) {}

  /** Throws ReportError at the first frame that cannot be right; nothing after it may be believed. */
  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      this.makeRoom()
      const part = chunk.subarray(from, from + this.buffer.length - this.end)
      this.buffer.set(part, this.end)
      this.end += part.length
      from += part.length
      this.drain()
    }
  }

  private makeRoom(): void {
    if (this.begin === this.end) this.begin = this.end = 0
    if (this.buffer.length - this.end >= FRAME_BYTES_MAX) return
    this.buffer.copyWithin(0, this.begin, this.end)
    this.end -= this.begin
    this.begin = 0
  }

  private drain(): void {
    for (;;) {
      const length = frameLength(this.buffer.subarray(this.begin, this.end))
      if (length === null || length > this.end - this.begin) return this.drained()
      const bytes = this.buffer.subarray(this.begin, this.begin + length)
      const frame = decodeFrame(bytes, this.checksum)
      this.begin += length
      this.take(frame, bytes)
    }
  }
}
