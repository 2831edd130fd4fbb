import { CHECK_BLOCK_BYTES, CHECK_HASH_BYTES } from '../../../src/wire/frameFields'
import { blockHashes } from './checkHash'
import { readAt } from './sourceTree'

export interface Hashed {
  /** As many as there were. */
  bytes: number
  hashes: Buffer
}

/** Reads a stretch of a file and hashes its blocks. */
export class Hasher {
  private readonly buffer: Buffer

  constructor(bytesMax: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytesMax)
  }

  hash(file: number, offset: number, length: number): Hashed {
    return this.hashHere(file, offset, length)
  }

  /** In this thread, whoever could help. */
  hashHere(file: number, offset: number, length: number): Hashed {
    const bytes = readAt(file, this.buffer, offset, Math.min(length, this.buffer.length))
    return { bytes, hashes: blockHashes(this.buffer.subarray(0, bytes)) }
  }
}

/** The words of one helper, in memory that it shares with the walk. */
export const HELPER = { state: 0, file: 1, length: 2, bytes: 3, words: 4 } as const
export const HELPER_IDLE = 0
export const HELPER_WORKS = 1
export const HELPER_DONE = 2
export const HELPER_EXIT = 3
/** It could not read: the walk tries itself, and hears why. */
export const HELPER_FAILED = -1
const OFFSET_AT = HELPER.words * 4
const HASHES_AT = OFFSET_AT + 8

/** What the walk and one helper share. */
export class HelperMemory {
  readonly words: Int32Array
  readonly offset: Float64Array
  readonly hashes: Buffer

  constructor(readonly shared: SharedArrayBuffer) {
    this.words = new Int32Array(shared, 0, HELPER.words)
    this.offset = new Float64Array(shared, OFFSET_AT, 1)
    this.hashes = Buffer.from(shared, HASHES_AT)
  }

  static create(bytesMax: number): HelperMemory {
    return new HelperMemory(new SharedArrayBuffer(HASHES_AT + Math.ceil(bytesMax / CHECK_BLOCK_BYTES) * CHECK_HASH_BYTES))
  }
}
