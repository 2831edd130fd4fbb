import fs from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { LoginRequest } from '../../src/wire'
import { pamService } from '../native/pam'
import type { Places } from '../ports'
import { type AccountFiles, maySteer, SYSTEM_ACCOUNT_FILES } from './accounts'
import { apiFailure } from './failure'
import { LoginThrottle } from './loginThrottle'
import { PamThread } from './pamThread'
import type { Session } from './sessions'
import { checkUser, readUsers, usersFileOf } from './usersFile'

/** A refusal comes at a whole multiple of this, so that its time does not tell which accounts exist. */
const REFUSAL_STEP_MS = 1_000

export interface LoginOptions {
  nowMs: () => number
  accountFiles?: AccountFiles
}

type Source = Session['source']

/** Who may come in: checks name and password, slows down who guesses. */
export class Login {
  private readonly throttle: LoginThrottle
  private readonly pam = new PamThread()
  private readonly accountFiles: AccountFiles

  constructor(
    private readonly places: Places,
    options: LoginOptions
  ) {
    this.throttle = new LoginThrottle(options.nowMs)
    this.accountFiles = options.accountFiles ?? SYSTEM_ACCOUNT_FILES
  }

  /** Where the account was found; rejects with what the client is told. */
  async check({ account, password }: LoginRequest, from: string): Promise<Source> {
    const node = this.places.node
    const waitMs = this.throttle.waitMs(from, account)
    if (waitMs > 0) throw apiFailure('E_LOGIN_SLOW', { node, seconds: Math.ceil(waitMs / 1000) })
    // Counted before the answer is known: many tries at the same moment are many tries.
    this.throttle.failed(from, account)
    const startedMs = performance.now()
    const source = await this.verify(account, password, from)
    if (source === null) {
      const elapsedMs = performance.now() - startedMs
      await delay(Math.max(1, Math.ceil(elapsedMs / REFUSAL_STEP_MS)) * REFUSAL_STEP_MS - elapsedMs)
      throw apiFailure('E_LOGIN_REFUSED', { node })
    }
    this.throttle.succeeded(from, account)
    if (!this.mayStill(account, source)) throw apiFailure('E_LOGIN_NOT_ALLOWED', { node, account, group: this.places.config.api.group })
    return source
  }

  /** Asked again with every request: who is taken out of the group is out at once. */
  mayStill(account: string, source: Source): boolean {
    if (source === 'pam') return maySteer(account, this.places.config.api.group, this.accountFiles)
    try {
      return readUsers(usersFileOf(this.places.stateDirectory))[account] !== undefined
    } catch {
      return false
    }
  }

  close(): Promise<void> {
    return this.pam.close()
  }

  private async verify(account: string, password: string, from: string): Promise<Source | null> {
    // Neither a name nor a password has these, and the C library would read only up to the zero.
    if (/[\u0000-\u001f\u007f]/.test(account) || password.includes('\0')) return null
    const service = pamService()
    const why = this.whyNoPam(service)
    if (why === null && service) return this.askPam(service, account, password, from)
    return this.askUsersFile(account, password, why ?? '')
  }

  private whyNoPam(service: string | null): string | null {
    if (this.places.config.api.login === 'users') return 'the users file is empty'
    if (process.getuid?.() !== 0) return 'the agent does not run as root, so it cannot check the accounts of the system, and the users file is empty'
    return service === null ? 'this machine has no PAM service for logins, and the users file is empty' : null
  }

  private async askPam(service: string, account: string, password: string, from: string): Promise<Source | null> {
    const node = this.places.node
    const answer = await this.pam.ask({ service, account, password, from })
    if (answer.result === 'account') {
      this.throttle.succeeded(from, account)
      throw apiFailure('E_LOGIN_ACCOUNT', { node, account, why: answer.why })
    }
    if (answer.result !== 'broken') return answer.result === 'ok' ? 'pam' : null
    // Without libpam the users file stands in, if somebody made one.
    if (fs.existsSync(usersFileOf(this.places.stateDirectory))) return this.askUsersFile(account, password, answer.why)
    throw apiFailure('E_LOGIN_UNAVAILABLE', { node, why: answer.why })
  }

  private async askUsersFile(account: string, password: string, whyElse: string): Promise<Source | null> {
    const file = usersFileOf(this.places.stateDirectory)
    const node = this.places.node
    try {
      if (Object.keys(readUsers(file)).length > 0) return (await checkUser(file, account, password)) ? 'users' : null
    } catch (error) {
      throw apiFailure('E_LOGIN_UNAVAILABLE', { node, why: `the users file ${file} cannot be read (${(error as Error).message.split('\n')[0]})` })
    }
    throw apiFailure('E_LOGIN_UNAVAILABLE', { node, why: whyElse })
  }
}
