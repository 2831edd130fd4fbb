import fs from 'node:fs'

export interface AuditEntry {
  who: string
  from: string
  what: string
  result: string
}

const FILE_BYTES_MAX = 4 * 1024 * 1024
/** audit.log and so many older ones. */
const OLDER_FILES = 4
/** A disk that hangs must not fill the memory. */
const WAITING_MAX = 1_000

/** Who changed what, from where, and what came of it: one JSON line each, in files of bounded size. */
export class AuditLog {
  private turn: Promise<void> = Promise.resolve()
  private waiting = 0

  constructor(
    private readonly file: string,
    private readonly wallMs: () => number,
    private readonly onFailed: (why: string) => void
  ) {}

  /** Resolves when the line is in the file. A full disk is told, and never keeps an administrator from a takeover. */
  write(entry: AuditEntry): Promise<void> {
    if (this.waiting >= WAITING_MAX) return Promise.resolve()
    this.waiting++
    const line = `${JSON.stringify({ time: new Date(this.wallMs()).toISOString(), ...entry })}\n`
    this.turn = this.turn
      .then(() => this.append(line))
      .catch((error: Error) => this.onFailed(error.message))
      .finally(() => this.waiting--)
    return this.turn
  }

  private async append(line: string): Promise<void> {
    await this.rotate(Buffer.byteLength(line))
    await fs.promises.appendFile(this.file, line, { mode: 0o600 })
  }

  private async rotate(nextBytes: number): Promise<void> {
    const size = await fs.promises.stat(this.file).then(
      (stat) => stat.size,
      () => 0
    )
    if (size + nextBytes <= FILE_BYTES_MAX) return
    for (let age = OLDER_FILES - 1; age >= 1; age--) await fs.promises.rename(`${this.file}.${age}`, `${this.file}.${age + 1}`).catch(ignoreMissing)
    await fs.promises.rename(this.file, `${this.file}.1`)
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
