import { PassThrough } from 'node:stream'
import type { Io } from '../../commands/io'
import { runCui } from '../../commands/main'

const WAIT_MS = 10_000

/** A person at a terminal: types, and reads what the screen shows. */
export class Terminal {
  /** The terminal hands on every key as it is. */
  raw = false
  private readonly stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => (this.raw = raw) })
  private readonly stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 })
  readonly exit: Promise<number>
  private bytes = ''
  private seen = 0
  private read = 0
  private ending: (() => void) | null = null

  constructor(home: string) {
    this.stdout.on('data', (part: Buffer) => {
      this.bytes += part.toString()
    })
    const io: Io = {
      stdin: this.stdin,
      stdout: this.stdout,
      stderr: this.stdout,
      env: { MIRRORPAIR_HOME: home, NO_COLOR: '1' },
      onInterrupt: () => () => undefined,
      onEnd: (listener) => {
        this.ending = listener
        return () => (this.ending = null)
      }
    }
    this.exit = runCui([], io, '0.1.0')
  }

  /** Lines as the terminal draws them: readline and the questions rewrite the line they are on. */
  get screen(): string {
    return draw(this.bytes)
  }

  /** Waits until the words stand on the screen, below what was waited for before. */
  async sees(words: string): Promise<void> {
    const until = Date.now() + WAIT_MS
    for (;;) {
      const at = this.screen.indexOf(words, this.seen)
      if (at >= 0) {
        this.seen = at + words.length
        return
      }
      if (Date.now() > until) throw new Error(`"${words}" did not come. The screen:\n${this.screen}`)
      await this.more()
    }
  }

  /** The next output, or a moment without any. */
  private more(): Promise<void> {
    return new Promise((resolve) => {
      const heard = (): void => {
        clearTimeout(timer)
        setImmediate(resolve)
      }
      const timer = setTimeout(() => {
        this.stdout.off('data', heard)
        resolve()
      }, 100)
      this.stdout.once('data', heard)
    })
  }

  /** Waits until the words stand anywhere on the screen: for what is drawn in place. */
  async shows(words: string): Promise<void> {
    const until = Date.now() + WAIT_MS
    while (!this.screen.includes(words)) {
      if (Date.now() > until) throw new Error(`"${words}" is not shown. The screen:\n${this.screen}`)
      await this.more()
    }
  }

  /** Everything written since the last call, with its control sequences. */
  written(): string {
    const bytes = this.bytes.slice(this.read)
    this.read = this.bytes.length
    return bytes
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.stdout, { columns, rows })
    this.stdout.emit('resize')
  }

  /** The signal that ends the shell while something is on the screen. */
  hangUp(): void {
    this.ending?.()
  }

  type(text: string): void {
    this.stdin.write(text)
  }
}

/** A terminal of endless height: text, new line, return, and the orders that readline, inquirer and the full screen use. */
function draw(bytes: string): string {
  let lines: string[][] = [[]]
  let kept: { lines: string[][]; row: number; column: number } | null = null
  let [row, column] = [0, 0]
  for (const [token, order, kind] of bytes.matchAll(/\u001b\[\??([0-9;]*)([A-Za-z])|[\s\S]/g)) {
    const count = Number(order || 1)
    if (order === '1049' && kind === 'h') {
      kept = { lines, row, column }
      lines = [[]]
    } else if (order === '1049' && kind === 'l' && kept !== null) [lines, row, column] = [kept.lines, kept.row, kept.column]
    else if (kind === 'H') [row, column] = (order || '1;1').split(';').map((place) => Number(place) - 1) as [number, number]
    else if (kind === 'A') row = Math.max(0, row - count)
    else if (kind === 'B') row += count
    else if (kind === 'C') column += count
    else if (kind === 'D') column = Math.max(0, column - count)
    else if (kind === 'G') column = count - 1
    else if (kind === 'K') lines[row] = order === '2' ? [] : (lines[row] ?? []).slice(0, column)
    else if (kind === 'J' && order === '2') lines = [[]]
    else if (kind === 'J') {
      lines.length = row + 1
      lines[row] = (lines[row] ?? []).slice(0, column)
    } else if (kind === undefined && token === '\n') [row, column] = [row + 1, 0]
    else if (kind === undefined && token === '\r') column = 0
    else if (kind === undefined && token >= ' ') (lines[row] ??= [])[column++] = token
    while (lines.length <= row) lines.push([])
  }
  return lines
    .map((line) =>
      Array.from(line, (cell) => cell ?? ' ')
        .join('')
        .trimEnd()
    )
    .join('\n')
}
