import crypto from 'node:crypto'
import { CHECK_BLOCK_BYTES, CHECK_DIGEST_BYTES, CHECK_HASH_BYTES, packAttributes, type ExtendedAttribute } from '../../../src/wire/frameFields'

/*
 * The hash of a block is the first half of its SHA-256: processors have instructions for it (more than 1 GB/s a core), it comes with Node, and no two blocks
 * that differ have ever been found with one.
 */
const ALGORITHM = 'sha256'

/** What belongs to a machine and not to the data: neither compared nor repaired. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set(['security.selinux', 'security.ima', 'security.evm', 'trusted.mirrorpair.redo'])
export const isCompared = (name: string): boolean => !OF_THE_MACHINE.has(name)

/** Of the blocks of `bytes`, side by side. */
export function blockHashes(bytes: Uint8Array, into = Buffer.alloc(Math.ceil(bytes.length / CHECK_BLOCK_BYTES) * CHECK_HASH_BYTES)): Buffer {
  for (let from = 0, at = 0; from < bytes.length; from += CHECK_BLOCK_BYTES, at += CHECK_HASH_BYTES) {
    crypto.hash(ALGORITHM, bytes.subarray(from, from + CHECK_BLOCK_BYTES), 'buffer').copy(into, at, 0, CHECK_HASH_BYTES)
  }
  return into
}

const NONE = Buffer.alloc(CHECK_DIGEST_BYTES)

/** The same for the same attributes, in whatever order they were found; zeros for none. */
export function attributesDigest(attributes: ExtendedAttribute[]): Buffer {
  const compared = attributes.filter(({ name }) => isCompared(name)).sort((one, other) => (one.name < other.name ? -1 : 1))
  return compared.length === 0 ? NONE : crypto.hash(ALGORITHM, packAttributes(compared), 'buffer').subarray(0, CHECK_DIGEST_BYTES)
}
