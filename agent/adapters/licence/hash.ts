import { createHash } from 'node:crypto'

/** What a host id is made with. */
export const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest()
