import type { HelloAnswer, LoginAnswer } from '../src/wire'
import type { Context, Output } from './context'
import { callAgent, fingerprintAt, normalFingerprint, where, type Door } from './kit/client'
import { askLine, confirmYes, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { firstLineOf } from './kit/file'
import type { NodeEntry } from './kit/store'
import { clean } from './kit/text'
import { decodeToken, placeHere } from './kit/token'
import { doorOf } from './simulation'

export interface LoginFlags {
  account?: string | undefined
  'password-file'?: string | undefined
  'token-file'?: string | undefined
  trust?: string | undefined
  'trust-on-first-use'?: boolean
}

/**
 * The certificate is known by its fingerprint, as ssh knows a host by its key: asked about once, then held to.
 * A changed one is refused, whatever the options, unless exactly it is named by --trust.
 */
export async function trustedDoor(context: Context, address: string, port: number, flags: LoginFlags): Promise<Door & { fingerprint: string }> {
  if (context.simulation !== null) return doorOf(context.simulation, address, port)
  const known = context.store.find(address, port)?.fingerprint ?? null
  if (flags.trust !== undefined) return { address, port, fingerprint: normalFingerprint(flags.trust) }
  if (known !== null) return { address, port, fingerprint: known }
  const fingerprint = await fingerprintAt(address, port)
  if (flags['trust-on-first-use'] !== true) {
    if (!isTerminal(context)) throw fail('E_FINGERPRINT_UNKNOWN', { where: where({ address, port }), fingerprint })
    context.io.stdout.write(`The certificate of ${where({ address, port })} is not known yet. Its SHA256 fingerprint is\n${fingerprint}\n`)
    await confirmYes(context, 'Is it the right one?')
  }
  return { address, port, fingerprint }
}

export async function hello(door: Door): Promise<HelloAnswer> {
  const answer = await callAgent<HelloAnswer>(door, { method: 'GET', path: '/v1/hello' })
  if (answer.product !== 'mirrorpair' || answer.apiVersion !== 1)
    throw fail('E_ANSWER_STRANGE', { where: where(door), what: 'not a mirrorpair agent with API version 1' })
  return answer
}

/** Name and password of an OS account; the session's token is kept, the password never. */
export async function logIn(context: Context, output: Output, door: Door & { fingerprint: string }, flags: LoginFlags): Promise<object> {
  const account = flags.account ?? (await askLine(context, 'username:', { option: '--account NAME' }))
  const password = await passwordOf(context, flags)
  const answer = await callAgent<LoginAnswer>(door, { method: 'POST', path: '/v1/login', body: { account, password }, answerMs: 30_000 })
  const entry: NodeEntry = {
    ...door,
    node: clean(answer.node),
    token: answer.token,
    account: answer.account,
    role: answer.role,
    expiresAtMs: answer.expiresAtMs
  }
  context.store.put(entry)
  output.line(`[${entry.node}]: result: ${clean(answer.account)}, LicenseState: ${clean(answer.licenceState)}`)
  if (answer.licenceWhy) output.line(output.paint.paused(`! ${clean(answer.licenceWhy)}; license show says more`))
  return sessionObject(entry, answer)
}

/** The password of a file or of a token; without either it is asked for. What was typed on the line goes before the environment. */
async function passwordOf(context: Context, flags: LoginFlags): Promise<string> {
  const { env } = context.io
  const typed = { password: flags['password-file'], token: flags['token-file'] }
  const nothing = typed.password === undefined && typed.token === undefined
  const { password, token } = nothing ? { password: env['MIRRORPAIR_PASSWORD_FILE'], token: env['MIRRORPAIR_TOKEN_FILE'] } : typed
  if (password !== undefined) return firstLineOf(password, 'password')
  const word = token === undefined ? env['MIRRORPAIR_TOKEN'] : firstLineOf(token, 'token')
  if (word !== undefined) return decodeToken(placeHere(context.store.folder), word)
  return await askLine(context, 'password:', { mask: true, option: '--password-file FILE or --token-file FILE' })
}

const sessionObject = (entry: NodeEntry, { licenceState, licenceWhy }: LoginAnswer): object => ({
  node: entry.node,
  address: entry.address,
  port: entry.port,
  account: entry.account,
  role: entry.role,
  licenseState: licenceState,
  licenseWhy: licenceWhy ?? null,
  fingerprint: entry.fingerprint,
  expiresAtMs: entry.expiresAtMs
})
