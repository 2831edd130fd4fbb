import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import * as z from 'zod'
import { saveHard } from '../adapters/files'

/** About 50 ms and 32 MiB a try: slow for who guesses, unnoticed by who types. */
const COST = { N: 32_768, r: 8, p: 1 }
const SCRYPT_BYTES_MAX = 64 * 1024 * 1024
const HASH_BYTES = 32
const SALT_BYTES = 16

const hash = z.object({ salt: z.base64(), hash: z.base64(), N: z.int(), r: z.int(), p: z.int() })
const fileSchema = z.object({ formatVersion: z.literal(1), users: z.record(z.string(), hash) })
type Users = Record<string, z.infer<typeof hash>>

/** Accounts of mirrorpair's own, where the system's are not usable: `<state>/users.json`. */
export const usersFileOf = (stateDirectory: string): string => path.join(stateDirectory, 'users.json')

const derive = (password: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(password, salt, HASH_BYTES, { ...cost, maxmem: SCRYPT_BYTES_MAX }, (error, key) => (error ? reject(error) : resolve(key)))
  )

/** No file: no users. A damaged one throws: adding to it would lose the others. */
export function readUsers(file: string): Users {
  if (!fs.existsSync(file)) return Object.create(null) as Users
  const { users } = fileSchema.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
  return Object.assign(Object.create(null) as Users, users)
}

/** An unknown account takes as long as a known one. */
export async function checkUser(file: string, account: string, password: string): Promise<boolean> {
  const user = readUsers(file)[account]
  const key = await derive(password, user ? Buffer.from(user.salt, 'base64') : Buffer.alloc(SALT_BYTES), user ?? COST)
  const expected = user ? Buffer.from(user.hash, 'base64') : Buffer.alloc(HASH_BYTES)
  return expected.length === key.length && timingSafeEqual(key, expected) && user !== undefined
}

export async function setUser(file: string, account: string, password: string): Promise<void> {
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(password, salt, COST)
  await writeUsers(file, { ...readUsers(file), [account]: { salt: salt.toString('base64'), hash: key.toString('base64'), ...COST } })
}

/** Answers whether there was one. */
export async function removeUser(file: string, account: string): Promise<boolean> {
  const { [account]: removed, ...others } = readUsers(file)
  if (removed) await writeUsers(file, others)
  return removed !== undefined
}

async function writeUsers(file: string, users: Users): Promise<void> {
  await saveHard(file, `${JSON.stringify({ formatVersion: 1, users }, null, 2)}\n`)
}
