import fs from 'node:fs'
import { readUsers, removeUser, setUser, usersFileOf } from '../api/usersFile'
import { plainReason } from '../adapters/failure'
import { setupFailure } from './failure'
import { DEFAULT_STATE_DIRECTORY, type Output, readOptions } from './options'
import { askPassword, passwordFromInput } from './password'

const USAGE = 'mirrorpair-agent users add NAME [--password-stdin] | remove NAME | list [--state DIR]'
const PASSWORD_LENGTH_MIN = 8
const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._@-]{0,63}$/u

const OPTIONS = {
  state: { type: 'string', default: DEFAULT_STATE_DIRECTORY },
  'password-stdin': { type: 'boolean', default: false }
} as const

/** Accounts of mirrorpair's own, for `api: { login: users }`. */
export async function users(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  const [action = '', account = '', ...more] = positionals
  const known = action === 'list' ? account === '' : ['add', 'remove'].includes(action) && account !== ''
  if (!known || more.length > 0) throw setupFailure('E_SETUP_USAGE', { what: 'users needs one of add NAME, remove NAME, list', usage: USAGE })
  const file = usersFileOf(values.state)
  const names = readNames(file)
  if (action === 'list') return print(names.join('\n') || 'There are no users.')
  if (action === 'add') return add(file, account, values['password-stdin'], names.includes(account), print)
  if (!(await removeUser(file, account))) throw setupFailure('E_USERS_NAME', { account, why: 'is not in the users file' })
  print(`${account} is removed; sessions of that user have ended.`)
}

async function add(file: string, account: string, fromInput: boolean, again: boolean, print: Output['print']): Promise<void> {
  if (!NAME.test(account)) throw setupFailure('E_USERS_NAME', { account: JSON.stringify(account), why: 'has characters that a name cannot have' })
  const password = fromInput ? await passwordFromInput() : await askTwice(account)
  if (password.length < PASSWORD_LENGTH_MIN) throw setupFailure('E_USERS_PASSWORD', { why: `it is shorter than ${PASSWORD_LENGTH_MIN} characters` })
  try {
    fs.mkdirSync(file.replace(/\/[^/]*$/, ''), { recursive: true, mode: 0o700 })
    await setUser(file, account, password)
  } catch (error) {
    throw setupFailure('E_SETUP_WRITE', { file, why: plainReason(error) })
  }
  print(again ? `${account} has a new password.` : `${account} may log in where the configuration says api: { login: users }.`)
}

async function askTwice(account: string): Promise<string> {
  const password = await askPassword(`Password for ${account}: `)
  if (password === (await askPassword('Once more: '))) return password
  throw setupFailure('E_USERS_PASSWORD', { why: 'the two were not the same' })
}

function readNames(file: string): string[] {
  try {
    return Object.keys(readUsers(file)).sort()
  } catch (error) {
    throw setupFailure('E_USERS_FILE', { file, why: plainReason(error) })
  }
}
