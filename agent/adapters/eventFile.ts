import fs from 'node:fs'
import path from 'node:path'

/** A log of events is at most this long; then it becomes `NAME.1`, and the one before that is forgotten. */
export const EVENT_LOG_BYTES_MAX = 4 * 1024 * 1024
/** Lines that may wait for a slow disk; more are counted and left out. */
const WAITING_LINES_MAX = 2_000

const open = new Set<EventFile>()
process.once('exit', () => {
  for (const file of open) file.writeOnTheWayOut()
})

/** Lines are written behind the caller's back, in order; those that wait when the process ends are written on its way out. */
export class EventFile {
  private waiting: string[] = []
  private leftOut = 0
  private writing: Promise<void> | null = null

  constructor(private readonly file: string) {
    open.add(this)
  }

  append(line: string): void {
    if (this.waiting.length >= WAITING_LINES_MAX) this.leftOut++
    else this.waiting.push(line)
    this.writing ??= this.writeWaiting().finally(() => {
      this.writing = null
    })
  }

  async flushed(): Promise<void> {
    while (this.writing !== null) await this.writing
  }

  /** What is in the files, oldest line first. */
  async lines(): Promise<string[]> {
    await this.flushed()
    const texts = await Promise.all([`${this.file}.1`, this.file].map((file) => fs.promises.readFile(file, 'utf8').catch(() => '')))
    return texts.join('').split('\n')
  }

  /** The newest lines, without waiting for anything: for the start. A line that a crash has cut off is ended. */
  newest(bytes: number): string[] {
    try {
      const handle = fs.openSync(this.file, 'r+')
      try {
        const { size } = fs.fstatSync(handle)
        const buffer = Buffer.alloc(Math.min(size, bytes))
        fs.readSync(handle, buffer, 0, buffer.length, size - buffer.length)
        if (size > 0 && buffer.at(-1) !== NEW_LINE) fs.writeSync(handle, '\n', size)
        return buffer.toString('utf8').split('\n')
      } finally {
        fs.closeSync(handle)
      }
    } catch {
      return []
    }
  }

  /** A full or broken disk must not stop the engine: what cannot be written is dropped here and is still on standard error. */
  private async writeWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      const text = this.takeWaiting()
      try {
        await this.makeRoom(text.length)
        await fs.promises.appendFile(this.file, text, { mode: 0o600 })
      } catch {
        this.leftOut += text.split('\n').length - 1
        return
      }
    }
  }

  private takeWaiting(): string {
    const lines = this.waiting
    if (this.leftOut > 0) lines.push(`… ${this.leftOut} lines were left out: the disk was too slow or refused them …`)
    this.waiting = []
    this.leftOut = 0
    return `${lines.join('\n')}\n`
  }

  private async makeRoom(bytes: number): Promise<void> {
    const size = await fs.promises.stat(this.file).then(
      (stat) => stat.size,
      () => null
    )
    if (size === null) await fs.promises.mkdir(path.dirname(this.file), { recursive: true, mode: 0o700 })
    else if (size + bytes > EVENT_LOG_BYTES_MAX) await fs.promises.rename(this.file, `${this.file}.1`)
  }

  writeOnTheWayOut(): void {
    if (this.waiting.length === 0) return
    try {
      fs.appendFileSync(this.file, this.takeWaiting(), { mode: 0o600 })
    } catch {
      // The process ends; standard error has the lines.
    }
  }
}

const NEW_LINE = 0x0a
