import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'

/**
 * The one-time code: `SECRET.FINGERPRINT`, 80 bits each in letters that are hard to mistake. The second half names the cluster's CA, so
 * that the joining node tells the real agent from somebody in between before it says the first half.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const HALF_BYTES = 10
export const INVITATION_MS = 10 * 60_000
/** 80 bits cannot be guessed in five tries. */
const TRIES_MAX = 5

const schema = z.object({ formatVersion: z.literal(1), secretHash: z.string(), expiresAtMs: z.number(), triesLeft: z.int() })

/** A code for a witness lets no node in, and the other way round. */
export type Invited = 'node' | 'witness'

export const invitationFile = (stateDirectory: string, invited: Invited): string =>
  path.join(stateDirectory, invited === 'node' ? 'invitation.json' : 'invitation.witness.json')

function letters(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (let left = (bytes.length * 8) / 5; left > 0; left--) {
    text = ALPHABET[Number(value & 31n)] + text
    value >>= 5n
  }
  return text
}

const grouped = (text: string): string => (text.match(/.{4}/g) ?? []).join('-')

/** As people copy it: small letters, O for 0, I and L for 1. */
const plain = (text: string): string => text.toUpperCase().replace(/[-\s]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** First 80 bits of the SHA-256 of the CA's certificate (DER). */
export const caWord = (caDer: Uint8Array): string => letters(createHash('sha256').update(caDer).digest().subarray(0, HALF_BYTES))

/** Makes a new code; an older one no longer counts. */
export function makeInvitation(file: string, caDer: Uint8Array, nowMs: number): string {
  const secret = letters(randomBytes(HALF_BYTES))
  write(file, { formatVersion: 1, secretHash: hashOf(secret), expiresAtMs: nowMs + INVITATION_MS, triesLeft: TRIES_MAX })
  return `${grouped(secret)}.${grouped(caWord(caDer))}`
}

/** null: not a code. */
export function splitCode(code: string): { secret: string; caWord: string } | null {
  const [secret = '', word = '', ...more] = code.trim().split('.').map(plain)
  const right = (half: string) => half.length === (HALF_BYTES * 8) / 5 && [...half].every((letter) => ALPHABET.includes(letter))
  return right(secret) && right(word) && more.length === 0 ? { secret, caWord: word } : null
}

/** Right, in time and not used before? It is used up by a yes; wrong tries are counted. */
export function takeInvitation(file: string, secret: string, nowMs: number): boolean {
  const invitation = read(file)
  if (!invitation) return false
  const live = invitation.expiresAtMs > nowMs && invitation.triesLeft > 0
  const right = live && timingSafeEqual(Buffer.from(hashOf(plain(secret))), Buffer.from(invitation.secretHash.padEnd(64).slice(0, 64)))
  if (right || !live) fs.rmSync(file, { force: true })
  else write(file, { ...invitation, triesLeft: invitation.triesLeft - 1 })
  return right
}

function read(file: string): z.infer<typeof schema> | null {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

function write(file: string, invitation: z.infer<typeof schema>): void {
  fs.writeFileSync(`${file}.new`, JSON.stringify(invitation), { mode: 0o600 })
  fs.renameSync(`${file}.new`, file)
}
