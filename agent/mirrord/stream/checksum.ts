import { crc32c } from '@node-rs/crc32'
import type { Checksum } from '../../../src/wire/frame'

/** crc32c by the processor's own instruction. */
export const checksum: Checksum = (bytes, seed) => crc32c(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), seed)
