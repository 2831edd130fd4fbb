import fs from 'node:fs'
import { buildConnector, Pool } from 'undici'
import * as z from 'zod'
import type { EtcdConfig } from '../../src/model'
import { beforeSending, requestInTime } from '../adapters/requestInTime'
import { EtcdLogins, LOGIN_MS_MAX } from './etcdLogins'

/** One member is tried for so long before the next one, if time is left: a member that hangs must not use up the time for all of them. */
const ATTEMPT_PART = 3
const ATTEMPT_MS_MIN = 200
/** On a busy machine a handshake takes longer than a question may: it goes on, and the next question finds the connection. */
const CONNECT_MS_MAX = 5_000
/** To each member: one question a job is under way at a time. */
const CONNECTIONS_MAX = 8
const KEEP_ALIVE_MS = 20_000
const ANSWER_BYTES_MAX = 256 * 1024
const REASON_LENGTH_MAX = 200

export interface StoredValue {
  text: string
  /** Changes with every write of the key; '0': there is none. */
  revision: string
}

/** Why there is no answer: may what was asked for have happened, or happen yet? */
export class EtcdFailure extends Error {
  override name = 'EtcdFailure'
  constructor(
    message: string,
    readonly inDoubt: boolean
  ) {
    super(message)
  }
}

const rangeSchema = z.object({ kvs: z.array(z.object({ value: z.string(), mod_revision: z.string() })).optional() })
const swapSchema = z.object({ succeeded: z.boolean().optional() })
const tokenSchema = z.object({ token: z.string() })
const errorSchema = z.object({ error: z.string().optional(), message: z.string().optional(), code: z.number().optional() })

/** gRPC's word for a token that has run out or is missing. */
const UNAUTHENTICATED = 16
const INVALID_ARGUMENT = 3

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** etcd's v3 API through its JSON door: linearizable reads, compare-and-swap, a login. */
export class EtcdStore {
  private readonly pools: { name: string; pool: Pool }[]
  /** The member that has answered last. */
  private first = 0
  private token: string | null = null
  private readonly logins = new EtcdLogins((place) => this.login(place))

  constructor(private readonly config: EtcdConfig) {
    this.pools = config.endpoints.map((name) => ({
      name,
      pool: new Pool(name, {
        connections: CONNECTIONS_MAX,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        connect: (options, connected) => this.connect(options, connected)
      })
    }))
  }

  /** Certificates are read at each connection: they may have been replaced. */
  private connect(options: buildConnector.Options, connected: buildConnector.Callback): void {
    const { caFile, certFile, keyFile } = this.config
    const read = (file: string | null) => (file === null ? undefined : fs.readFileSync(file, 'utf8'))
    try {
      const [ca, cert, key] = [read(caFile), read(certFile), read(keyFile)]
      const connector = buildConnector({ timeout: CONNECT_MS_MAX, ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) })
      connector(options, connected)
    } catch (error) {
      connected(error as Error, null)
    }
  }

  /** null: nothing is there. What a quorum of the members has, never what one of them remembers. */
  async read(key: string, deadlineMs: number): Promise<StoredValue | null> {
    const { kvs } = rangeSchema.parse(await this.ask('/v3/kv/range', { key: base64(key), serializable: false }, deadlineMs, true))
    const found = kvs?.[0]
    return found ? { text: Buffer.from(found.value, 'base64').toString('utf8'), revision: found.mod_revision } : null
  }

  /** Writes only if nobody has written since `revision`. Never sent twice. */
  async swap(key: string, revision: string, text: string, deadlineMs: number): Promise<boolean> {
    const compare = [{ target: 'MOD', key: base64(key), result: 'EQUAL', mod_revision: revision }]
    const success = [{ request_put: { key: base64(key), value: base64(text) } }]
    const { succeeded } = swapSchema.parse(await this.ask('/v3/kv/txn', { compare, success, failure: [] }, deadlineMs, false))
    return succeeded === true
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map(({ pool }) => pool.destroy()))
  }

  /** From member to member, as long as nothing can have happened yet, or it does no harm to ask again. */
  private async ask(path: string, body: object, deadlineMs: number, again: boolean): Promise<unknown> {
    const { first, pools } = this
    const { length } = pools
    const tried: string[] = []
    for (let count = 0; count < length; count++) {
      const place = (first + count) % length
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) break
      try {
        return await this.askMember(place, path, body, Math.min(leftMs, Math.max(ATTEMPT_MS_MIN, leftMs / (again ? Math.min(ATTEMPT_PART, length) : 1))))
      } catch (error) {
        const { message, inDoubt } = error as EtcdFailure
        tried.push(`${pools[place]?.name}: ${message}`)
        // The next question begins with another one; this one goes on from where it began.
        this.first = (place + 1) % length
        if (inDoubt && !again) throw new EtcdFailure(tried.join('; '), true)
      }
    }
    throw new EtcdFailure(tried.join('; ') || 'no time left', false)
  }

  private async askMember(place: number, path: string, body: object, timeoutMs: number): Promise<unknown> {
    const untilMs = performance.now() + timeoutMs
    const left = () => Math.max(1, untilMs - performance.now())
    if (this.config.user !== null) this.token ??= await this.tokenOf(place, left())
    const answer = await this.post(place, path, body, left())
    const { code } = errorSchema.safeParse(answer.body).data ?? {}
    const refused = answer.status !== 200 && (code === UNAUTHENTICATED || (code === INVALID_ARGUMENT && this.config.user !== null))
    if (!refused) return bodyOf(answer)
    // The token has run out: it was refused before anything was done.
    this.token = null
    if (this.config.user !== null) this.token = await this.tokenOf(place, left())
    return bodyOf(await this.post(place, path, body, left()))
  }

  private async tokenOf(place: number, timeoutMs: number): Promise<string> {
    return await this.logins.token(place, timeoutMs).catch((error: Error) => notSent(`the login failed: ${error.message}`))
  }

  private async login(place: number): Promise<string> {
    const { user, passwordFile } = this.config
    const password = passwordFile === null ? '' : await fs.promises.readFile(passwordFile, 'utf8')
    const answer = await this.post(place, '/v3/auth/authenticate', { name: user, password: password.replace(/\r?\n$/, '') }, LOGIN_MS_MAX)
    return tokenSchema.parse(bodyOf(answer)).token
  }

  private async post(place: number, path: string, body: object, timeoutMs: number): Promise<{ status: number; body: unknown }> {
    const headers = { 'content-type': 'application/json', ...(this.token === null ? {} : { authorization: this.token }) }
    const options = { method: 'POST' as const, path, headers, body: JSON.stringify(body) }
    try {
      const { pool } = this.pools[place] as { pool: Pool }
      const { status, text } = await requestInTime(pool, options, timeoutMs, ANSWER_BYTES_MAX)
      return { status, body: jsonOrText(text) }
    } catch (error) {
      throw new EtcdFailure(reasonOf(error), !beforeSending(error))
    }
  }
}

function notSent(why: string): never {
  throw new EtcdFailure(why, false)
}

/** etcd refuses in words; what it has refused it may still have begun (a timeout of its own), so it is in doubt. */
function bodyOf({ status, body }: { status: number; body: unknown }): unknown {
  if (status === 200) return body
  const { error, message } = errorSchema.safeParse(body).data ?? {}
  throw new EtcdFailure(error ?? message ?? `status ${status}`, true)
}

/** What stands before the JSON door refuses in plain words. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { message: text.trim().slice(0, REASON_LENGTH_MAX) }
  }
}

const reasonOf = (error: unknown): string => ((error as Error).name === 'TimeoutError' ? 'no answer in time' : ((error as Error).message.split('\n')[0] ?? ''))
