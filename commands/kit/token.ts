import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fail } from './fail'

/**
 * A password that only this OS user on this machine can read again. The key is drawn once and lies in a file of the user's; what is encrypted with it is bound
 * to the machine's id and the user's number besides, so that a copied home folder opens nothing elsewhere. It hides nothing from root, who can become the user.
 */
export interface TokenPlace {
  /** The shell's own folder. */
  folder: string
  uid: number
  machine: string
}

const PREFIX = 'mpt1_'
const KEY_FILE = 'token.key'
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const SALT_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
/** How long a password is does not show in its token. */
const BLOCK_BYTES = 64
const LENGTH_BYTES = 2
export const PASSWORD_BYTES_MAX = 1024
const TOKEN_LENGTH_MAX = 4 * PASSWORD_BYTES_MAX
const MACHINE_ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id']

export const placeHere = (folder: string): TokenPlace => ({ folder, uid: process.getuid?.() ?? 0, machine: machineId() })

export const tokenKeyFile = ({ folder }: Pick<TokenPlace, 'folder'>): string => path.join(folder, KEY_FILE)

function machineId(): string {
  for (const file of MACHINE_ID_FILES) {
    try {
      const id = fs.readFileSync(file, 'utf8').trim()
      if (id !== '') return id
    } catch {
      // The next one may be there.
    }
  }
  return os.hostname()
}

/** Draws the key when there is none yet. */
export function encodeToken(place: TokenPlace, password: string): string {
  const key = readKey(place) ?? makeKey(place)
  const [salt, iv] = [randomBytes(SALT_BYTES), randomBytes(IV_BYTES)]
  const cipher = createCipheriv(CIPHER, derived(key, salt, place), iv)
  cipher.setAAD(Buffer.from(PREFIX))
  const hidden = Buffer.concat([cipher.update(padded(password)), cipher.final()])
  return `${PREFIX}${Buffer.concat([salt, iv, hidden, cipher.getAuthTag()]).toString('base64url')}`
}

export function decodeToken(place: TokenPlace, text: string): string {
  const token = text.trim()
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
  const least = SALT_BYTES + IV_BYTES + BLOCK_BYTES + TAG_BYTES
  if (!token.startsWith(PREFIX) || token.length > TOKEN_LENGTH_MAX || !/^[\w-]+$/.test(token) || bytes.length < least) throw fail('E_TOKEN_STRANGE', {})
  const key = readKey(place)
  if (key === null) throw fail('E_TOKEN_FOREIGN', { uid: place.uid, why: `${tokenKeyFile(place)} is not there` })
  try {
    const decipher = createDecipheriv(CIPHER, derived(key, bytes.subarray(0, SALT_BYTES), place), bytes.subarray(SALT_BYTES, SALT_BYTES + IV_BYTES), {
      authTagLength: TAG_BYTES
    })
    decipher.setAAD(Buffer.from(PREFIX))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return unpadded(Buffer.concat([decipher.update(bytes.subarray(SALT_BYTES + IV_BYTES, -TAG_BYTES)), decipher.final()]))
  } catch {
    throw fail('E_TOKEN_FOREIGN', { uid: place.uid, why: 'another user, another machine or another key made it' })
  }
}

const derived = (key: Buffer, salt: Buffer, { machine, uid }: TokenPlace): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `mirrorpair token\n${machine}\n${uid}`, KEY_BYTES))

function padded(password: string): Buffer {
  const words = Buffer.from(password)
  if (words.length > PASSWORD_BYTES_MAX) throw fail('E_TOKEN_PASSWORD', { why: `it is longer than ${PASSWORD_BYTES_MAX} bytes` })
  const whole = Buffer.alloc(Math.ceil((LENGTH_BYTES + words.length) / BLOCK_BYTES) * BLOCK_BYTES)
  whole.writeUInt16BE(words.length)
  words.copy(whole, LENGTH_BYTES)
  return whole
}

const unpadded = (whole: Buffer): string => whole.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + whole.readUInt16BE())

/** null: there is none. One that others can read is a key of everybody. */
function readKey(place: TokenPlace): Buffer | null {
  const file = tokenKeyFile(place)
  let stat: fs.Stats
  try {
    stat = fs.statSync(file)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw unusable(file, `it cannot be read (${(thrown as NodeJS.ErrnoException).code})`)
  }
  if ((stat.mode & 0o077) !== 0) throw unusable(file, 'can be read by others')
  if (stat.uid !== place.uid) throw unusable(file, 'belongs to another user')
  const key = Buffer.from(readText(file), 'hex')
  if (key.length !== KEY_BYTES) throw unusable(file, 'is damaged')
  return key
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (thrown) {
    throw unusable(file, `it cannot be read (${(thrown as NodeJS.ErrnoException).code})`)
  }
}

/** Written aside and linked: whole or not at all, and of two that draw one at the same moment the first one's counts for both. */
function makeKey(place: TokenPlace): Buffer {
  const file = tokenKeyFile(place)
  const beside = `${file}.${process.pid}.new`
  try {
    fs.mkdirSync(place.folder, { recursive: true, mode: 0o700 })
    fs.writeFileSync(beside, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600 })
    linkUnlessThere(beside, file)
    fs.rmSync(beside)
  } catch (thrown) {
    throw unusable(file, `it cannot be written (${(thrown as NodeJS.ErrnoException).code})`)
  }
  const key = readKey(place)
  if (key === null) throw unusable(file, 'it was removed at once')
  return key
}

function linkUnlessThere(beside: string, file: string): void {
  try {
    fs.linkSync(beside, file)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
}

const unusable = (file: string, what: string): Error =>
  fail('E_SHELL_FILE', { file, what, advice: `chmod 600 ${file}; or remove it, and make the tokens anew with encode` })
