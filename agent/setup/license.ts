import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { LICENSOR_FILE, type Licence, normalHostId, signedText } from '../../src/model'
import { firstProblem } from '../../src/wire/apiSchemas'
import { licenceFileSchema, licensorSchema } from '../../src/wire/licenceSchemas'
import { plainReason } from '../adapters/failure'
import { setupFailure } from './failure'
import { type Output, readOptions } from './options'

const USAGE =
  'mirrorpair-agent license keygen --name NAME [--out DIR] [--not-required] | sign --key FILE --host-id ID --licensee NAME --expires DATE|never [--serial TEXT] --out FILE'
const KEY_FILE = 'licensor.key'
const SERIAL_BYTES = 6

const text = { type: 'string' } as const
const OPTIONS = {
  name: text,
  out: text,
  key: text,
  licensee: text,
  expires: text,
  serial: text,
  'host-id': text,
  'not-required': { type: 'boolean', default: false }
} as const
type Values = ReturnType<typeof readOptions<typeof OPTIONS>>['values']

/** The distributor's own tool: on a machine that is no node of a pair. */
export async function license(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  const [action, ...more] = positionals
  if (more.length > 0 || (action !== 'keygen' && action !== 'sign')) throw usage('license needs keygen or sign')
  if (action === 'keygen') keygen(values, print)
  else signFile(values, print)
}

const usage = (what: string): Error => setupFailure('E_SETUP_USAGE', { what, usage: USAGE })

function needed(values: Values, name: Exclude<keyof Values, 'not-required'>): string {
  const value = values[name]
  if (value === undefined) throw usage(`--${name} is missing`)
  return value
}

function keygen(values: Values, print: Output['print']): void {
  const folder = values.out ?? '.'
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const licensor = { formatVersion: 1, name: needed(values, 'name'), required: !values['not-required'], publicKey: spki(publicKey) }
  const wrong = licensorSchema.safeParse(licensor)
  if (!wrong.success) throw usage(`The name cannot be used (${firstProblem(wrong.error)})`)
  const [keyFile, licensorFile] = [path.join(folder, KEY_FILE), path.join(folder, LICENSOR_FILE)]
  for (const file of [keyFile, licensorFile]) if (fs.existsSync(file)) throw setupFailure('E_LICENSE_EXISTS', { file })
  write(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  write(licensorFile, `${JSON.stringify(licensor, null, 2)}\n`)
  print(`${keyFile}: keep it where nobody else comes to; who has it can issue licences.`)
  print(`${licensorFile}: install it on each node as /etc/mirrorpair/${LICENSOR_FILE}, owner root, mode 0600.`)
}

const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64')

function signFile(values: Values, print: Output['print']): void {
  const key = readKey(needed(values, 'key'))
  const out = needed(values, 'out')
  const licence = licenceOf(values)
  const file = { product: 'mirrorpair', formatVersion: 1, ...licence, signature: sign(null, Buffer.from(signedText(licence)), key).toString('base64') }
  const wrong = licenceFileSchema.safeParse(file)
  if (!wrong.success) throw usage(`The licence cannot be made (${firstProblem(wrong.error)})`)
  if (fs.existsSync(out)) throw setupFailure('E_LICENSE_EXISTS', { file: out })
  write(out, `${JSON.stringify(file, null, 2)}\n`)
  print(`${out}: licence ${licence.serial} for host id ${licence.hostId}, ${licence.expires === null ? 'for ever' : `until ${licence.expires}`}.`)
}

function licenceOf(values: Values): Licence {
  const hostId = normalHostId(needed(values, 'host-id'))
  if (hostId === null) throw usage('The host id is not one: it has 20 letters and digits')
  const expires = needed(values, 'expires')
  return {
    serial: values.serial ?? randomBytes(SERIAL_BYTES).toString('hex').toUpperCase(),
    licensee: needed(values, 'licensee'),
    hostId,
    issued: new Date().toISOString().slice(0, 'YYYY-MM-DD'.length),
    expires: expires === 'never' ? null : expires
  }
}

function readKey(file: string): KeyObject {
  let why: string
  try {
    const key = createPrivateKey(fs.readFileSync(file))
    if (key.asymmetricKeyType === 'ed25519') return key
    why = 'it is a key of another kind'
  } catch (error) {
    why = plainReason(error)
  }
  throw setupFailure('E_LICENSE_KEY', { file, why })
}

function write(file: string, content: string): void {
  try {
    fs.writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw setupFailure('E_SETUP_WRITE', { file, why: plainReason(error) })
  }
}
