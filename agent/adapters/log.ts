import fs from 'node:fs'
import path from 'node:path'
import type { ClockPort, LogPort, Places } from '../ports'
import { redact } from './redact'

type Level = Parameters<LogPort['event']>[0]

/** The event log is at most this long; then it becomes `events.log.1`, and the one before that is forgotten. */
export const EVENT_LOG_BYTES_MAX = 4 * 1024 * 1024
/** Lines that may wait for a slow disk; more are counted and left out. */
const WAITING_LINES_MAX = 2_000
const LINE_LENGTH_MAX = 2_000
/** What the journal of systemd takes at the start of a line as its priority. */
const JOURNAL_PRIORITY: Record<Level, string> = { info: '<6>', warning: '<4>', error: '<3>' }

/**
 * The event log of a node, `<state>/events.log`, in the guide's form, and the same line on standard error (for the journal).
 * Lines are written behind the caller's back, in order; those that wait when the process ends are written on its way out.
 */
export function createLogPort(
  places: Pick<Places, 'stateDirectory' | 'node'>,
  clock: Pick<ClockPort, 'wallMs'>,
  options: { standardError?: boolean } = {}
): LogPort & { flushed(): Promise<void> } {
  const file = new EventFile(path.join(places.stateDirectory, 'events.log'))
  const underJournal = process.env.JOURNAL_STREAM !== undefined
  const event: LogPort['event'] = (level, text, job) => {
    const line = eventLine(clock.wallMs(), job === undefined || text.includes(job) ? text : `${job}: ${text}`, places.node)
    file.append(line)
    if (options.standardError !== false) process.stderr.write(`${underJournal ? JOURNAL_PRIORITY[level] : ''}${line}\n`)
  }
  return { event, flushed: () => file.flushed() }
}

/** `2019-09-23 15:26:04 | text [RMHW131]`, local time, always one line. */
export function eventLine(wallMs: number, text: string, node: string): string {
  const oneLine = redact(text)
    .replace(/[\0-\x1f\x7f]+/g, ' ')
    .slice(0, LINE_LENGTH_MAX)
  return `${localTime(wallMs)} | ${oneLine} [${node}]`
}

function localTime(wallMs: number): string {
  const at = new Date(wallMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

class EventFile {
  private waiting: string[] = []
  private leftOut = 0
  private writing: Promise<void> | null = null

  constructor(private readonly file: string) {
    process.once('exit', () => this.writeOnTheWayOut())
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

  private writeOnTheWayOut(): void {
    if (this.waiting.length === 0) return
    try {
      fs.appendFileSync(this.file, this.takeWaiting(), { mode: 0o600 })
    } catch {
      // The process ends; standard error has the lines.
    }
  }
}
