import * as z from 'zod'
import type { Licence, Licensor } from '../model'
import { HOST_ID_LENGTH } from '../model'
import { LICENCE_BYTES_MAX, type LicenceRequest } from './licence'

const LINE_LENGTH_MAX = 200
const KEY_LENGTH_MAX = 200

/** What is signed line by line has no line end in it. */
const line = z
  .string()
  .min(1)
  .max(LINE_LENGTH_MAX)
  .regex(/^[^\p{C}]+$/u, 'one line of letters')
const hostId = z.string().regex(new RegExp(`^[0-9A-HJKMNP-TV-Z]{${HOST_ID_LENGTH}}$`), 'a host id')

/** A `.lic` file. */
export const licenceFileSchema: z.ZodType<Licence & { signature: string }> = z.strictObject({
  product: z.literal('mirrorpair'),
  formatVersion: z.literal(1),
  serial: line,
  licensee: line,
  hostId,
  issued: z.iso.date(),
  expires: z.iso.date().nullable(),
  signature: z.base64().max(KEY_LENGTH_MAX)
})

/** licensor.json */
export const licensorSchema: z.ZodType<Licensor> = z.strictObject({
  formatVersion: z.literal(1),
  name: line,
  required: z.boolean(),
  publicKey: z.base64().min(1).max(KEY_LENGTH_MAX)
})

export const licenceRequestSchema: z.ZodType<LicenceRequest> = z.strictObject({
  text: z.string().max(LICENCE_BYTES_MAX).nullable(),
  dryRun: z.boolean().optional(),
  reason: z.string().max(1024).optional()
})
