import { blockHashes } from './checkHash'
import { readAt } from './sourceTree'

/** Reads a stretch of a file and hashes its blocks. */
export class Hasher {
  private readonly buffer: Buffer

  constructor(bytesMax: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytesMax)
  }

  /** `bytes`: as much as there was. */
  hash(file: number, offset: number, length: number): { bytes: number; hashes: Buffer } {
    const bytes = readAt(file, this.buffer, offset, Math.min(length, this.buffer.length))
    return { bytes, hashes: blockHashes(this.buffer.subarray(0, bytes)) }
  }
}
