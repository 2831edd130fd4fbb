import { createPublicKey, verify } from 'node:crypto'
import type * as z from 'zod'
import { type Licence, type LicenceFacts, type Licensor, signedText } from '../../../src/model'
import { firstProblem } from '../../../src/wire/apiSchemas'
import { licenceFileSchema, licensorSchema } from '../../../src/wire/licenceSchemas'

/** The texts of the two files; null: it is not there. `trouble`: why that of the licensor must not be used. */
export interface LicenceTexts {
  licensor: string | null
  trouble: string | null
  licence: string | null
}

export function factsOf({ licensor: text, trouble, licence: given }: LicenceTexts, hostId: string | null): LicenceFacts {
  const licensor = text === null ? null : parsed(text, licensorSchema)
  const broken = trouble ?? (typeof licensor === 'string' ? `licensor.json cannot be used: ${licensor}` : null)
  if (licensor === null || broken !== null) return { licensor: null, trouble: broken, hostId, licence: null, bad: null }
  const known = licensor as Licensor
  const { licence, bad } = given === null ? { licence: null, bad: null } : checked(given, known)
  return { licensor: { name: known.name, required: known.required }, trouble: null, hostId, licence, bad }
}

/** `licence` null: it is not even a file of this kind. */
function checked(text: string, { name, publicKey }: Licensor): Pick<LicenceFacts, 'licence' | 'bad'> {
  const file = parsed(text, licenceFileSchema)
  if (typeof file === 'string') return { licence: null, bad: `the file is no licence: ${file}` }
  const { serial, licensee, hostId, issued, expires } = file
  const licence: Licence = { serial, licensee, hostId, issued, expires }
  return { licence, bad: isSigned(licence, file.signature, publicKey) ? null : `it was not signed by ${name}, or was changed since` }
}

function isSigned(licence: Licence, signature: string, publicKey: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(signedText(licence)), key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/** What is wrong with it in words, else what it says. */
function parsed<T>(text: string, schema: z.ZodType<T>): T | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  const result = schema.safeParse(value)
  return result.success ? result.data : firstProblem(result.error)
}
