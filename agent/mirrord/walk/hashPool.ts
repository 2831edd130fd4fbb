import os from 'node:os'
import { CHECK_BLOCK_BYTES, CHECK_HASH_BYTES } from '../../../src/wire/frameFields'
import { startThread } from '../../native/programs'
import type { HashHelperData } from './hash.worker'
import { HELPER, HELPER_EXIT, HELPER_FAILED, HELPER_IDLE, HELPER_WORKS, Hasher, HelperMemory, type Hashed } from './hasher'

const HELPERS_MAX = 4
/** Less is done faster than it is handed over. */
const SHARED_BYTES_MIN = 8 * CHECK_BLOCK_BYTES
/** A helper that has not answered by then does not live. */
const PATIENCE_MS = 60_000

/** Hashes with all processors: helpers of low priority, so that an idle machine is used and a busy one is left to the application. */
export class HashPool extends Hasher {
  private helpers: HelperMemory[] | null = null
  private readonly partBytes: number

  constructor(
    bytesMax: number,
    private readonly count = Math.min(HELPERS_MAX, os.availableParallelism())
  ) {
    super(bytesMax)
    this.partBytes = Math.ceil(bytesMax / count / CHECK_BLOCK_BYTES) * CHECK_BLOCK_BYTES
  }

  private start(): HelperMemory[] {
    return Array.from({ length: this.count }, () => {
      const memory = HelperMemory.create(this.partBytes)
      const workerData: HashHelperData = { shared: memory.shared, bytesMax: this.partBytes }
      startThread('hash', { workerData }).unref()
      return memory
    })
  }

  override hash(file: number, offset: number, length: number): Hashed {
    if (length < SHARED_BYTES_MIN) return this.hashHere(file, offset, length)
    this.helpers ??= this.start()
    const part = Math.min(this.partBytes, Math.ceil(length / this.helpers.length / CHECK_BLOCK_BYTES) * CHECK_BLOCK_BYTES)
    const busy = this.helpers.filter((_, index) => index * part < length)
    for (const [index, memory] of busy.entries()) {
      memory.words[HELPER.file] = file
      memory.words[HELPER.length] = Math.min(part, length - index * part)
      memory.offset[0] = offset + index * part
      Atomics.store(memory.words, HELPER.state, HELPER_WORKS)
      Atomics.notify(memory.words, HELPER.state)
    }
    const parts = busy.map((memory) => finished(memory))
    // Who could not answer is not asked again: others take their place.
    if (parts.includes(null)) this.end()
    return this.joined(parts, part) ?? this.hashHere(file, offset, length)
  }

  /** null: somebody failed, or the file became shorter meanwhile: one reads it alone. */
  private joined(parts: (Hashed | null)[], part: number): Hashed | null {
    let bytes = 0
    for (const [index, each] of parts.entries()) {
      if (each === null || (index < parts.length - 1 && each.bytes !== part)) return null
      bytes += each.bytes
    }
    return { bytes, hashes: Buffer.concat(parts.map((each) => each!.hashes)) }
  }

  end(): void {
    for (const { words } of this.helpers ?? []) {
      Atomics.store(words, HELPER.state, HELPER_EXIT)
      Atomics.notify(words, HELPER.state)
    }
    this.helpers = null
  }
}

function finished({ words, hashes }: HelperMemory): Hashed | null {
  while (Atomics.load(words, HELPER.state) === HELPER_WORKS) {
    if (Atomics.wait(words, HELPER.state, HELPER_WORKS, PATIENCE_MS) === 'timed-out') return null
  }
  Atomics.store(words, HELPER.state, HELPER_IDLE)
  const bytes = words[HELPER.bytes]!
  if (bytes === HELPER_FAILED) return null
  return { bytes, hashes: Buffer.from(hashes.subarray(0, Math.ceil(bytes / CHECK_BLOCK_BYTES) * CHECK_HASH_BYTES)) }
}
