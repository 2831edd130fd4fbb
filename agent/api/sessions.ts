import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import * as z from 'zod'
import { saveHard } from '../adapters/files'

export interface Session {
  account: string
  /** Whether the account came from PAM or from the users file: decides how its right is looked up again. */
  source: 'pam' | 'users'
  from: string
  createdMs: number
  expiresAtMs: number
}

const TOKEN_BYTES = 32
/** Beyond it the oldest session of all ends. */
export const SESSIONS_MAX = 256

const fileSchema = z.object({
  formatVersion: z.literal(1),
  sessions: z.record(
    z.string(),
    z.object({ account: z.string(), source: z.enum(['pam', 'users']), from: z.string(), createdMs: z.number(), expiresAtMs: z.number() })
  )
})

/** Only the hash is kept, in memory and on disk: who reads the file cannot use what stands in it. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Logged-in clients. They outlive the engine, so that its restart logs nobody out. */
export class Sessions {
  private readonly byHash: Map<string, Session>
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly file: string,
    private readonly wallMs: () => number
  ) {
    this.byHash = new Map(Object.entries(readSessions(file)))
    this.removeEnded()
  }

  /** Resolves with the token when the session is on disk; a full disk does not keep an administrator out. */
  async open(session: Omit<Session, 'createdMs' | 'expiresAtMs'>, lifeMs: number): Promise<{ token: string; expiresAtMs: number; saved: boolean }> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const createdMs = this.wallMs()
    this.removeEnded()
    while (this.byHash.size >= SESSIONS_MAX) this.byHash.delete(this.byHash.keys().next().value as string)
    this.byHash.set(hashOf(token), { ...session, createdMs, expiresAtMs: createdMs + lifeMs })
    return { token, expiresAtMs: createdMs + lifeMs, saved: await this.save() }
  }

  find(token: string): Session | null {
    const session = this.byHash.get(hashOf(token))
    return session && session.expiresAtMs > this.wallMs() ? session : null
  }

  async end(token: string): Promise<void> {
    this.byHash.delete(hashOf(token))
    await this.save()
  }

  private removeEnded(): void {
    for (const [hash, session] of this.byHash) if (session.expiresAtMs <= this.wallMs()) this.byHash.delete(hash)
  }

  /** One write after the other; each writes what is true when its turn comes. */
  private save(): Promise<boolean> {
    const turn = this.writing.then(() => this.write())
    this.writing = turn.catch(() => {})
    return turn.then(
      () => true,
      () => false
    )
  }

  private async write(): Promise<void> {
    await saveHard(this.file, `${JSON.stringify({ formatVersion: 1, sessions: Object.fromEntries(this.byHash) })}\n`)
  }
}

/** A damaged file means that everybody logs in again, nothing more. */
function readSessions(file: string): Record<string, Session> {
  try {
    return fileSchema.parse(JSON.parse(fs.readFileSync(file, 'utf8'))).sessions
  } catch {
    return {}
  }
}
