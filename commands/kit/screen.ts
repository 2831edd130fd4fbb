import { emitKeypressEvents } from 'node:readline'
import type { Io } from '../io'
import { COLUMNS } from './text'

/** Control sequences of a terminal (ECMA-48 and xterm). */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
/** A terminal that knows it shows what stands between at once; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h'
const END_FRAME = '\u001b[?2026l'
const ERASE_TO_END = '\u001b[K'
const ROWS = 24

const KEYS = ['q', 's', 'h', 'm', 'l', 'up', 'down', 'left', 'right', 'pageup', 'pagedown', 'home', 'end'] as const
export type Key = (typeof KEYS)[number]
const QUITS = new Set<string>(['escape'])

/**
 * The whole terminal, for a picture that changes. Only lines that differ from the last picture are written, so nothing flickers.
 * What stood there before is back after `leave`, however the command ends.
 */
export class Screen {
  private shown: string[] = []
  private readonly leaving: (() => void)[] = []
  private left = false

  constructor(
    private readonly io: Io,
    private readonly on: { key(key: Key): void; resize(): void; quit(): void }
  ) {}

  /** One less than the terminal has: erasing behind a line that ends in the last column would take its last letter. */
  get columns(): number {
    return (this.io.stdout.columns ?? COLUMNS) - 1
  }

  get rows(): number {
    return this.io.stdout.rows ?? ROWS
  }

  enter(): void {
    const { stdin, stdout } = this.io
    const keypress = (_text: string | undefined, key: { name?: string; ctrl?: boolean }): void => this.pressed(key)
    const resized = (): void => {
      this.shown = []
      stdout.write('\u001b[2J')
      this.on.resize()
    }
    const quit = (): void => this.on.quit()
    emitKeypressEvents(stdin)
    stdin.setRawMode?.(true)
    stdin.on('keypress', keypress).on('end', quit).resume()
    stdout.on('resize', resized)
    stdout.write(ENTER)
    this.leaving.push(
      () => stdin.off('keypress', keypress).off('end', quit),
      () => stdout.off('resize', resized),
      this.io.onInterrupt(quit),
      this.io.onEnd(quit)
    )
  }

  /** At most `rows` lines are shown; each must fit the columns. */
  draw(lines: string[]): void {
    if (this.left) return
    const { rows } = this
    const next = Array.from({ length: rows }, (_, i) => lines[i] ?? '')
    const changed = next.flatMap((line, i) => (line === this.shown[i] ? [] : [`\u001b[${i + 1};1H${line}${ERASE_TO_END}`]))
    this.shown = next
    if (changed.length > 0) this.io.stdout.write(BEGIN_FRAME + changed.join('') + END_FRAME)
  }

  leave(): void {
    if (this.left) return
    this.left = true
    for (const undo of this.leaving) undo()
    this.io.stdin.setRawMode?.(false)
    this.io.stdin.pause()
    this.io.stdout.write(LEAVE)
  }

  /** Ctrl-C is a key here: the terminal hands on every one. */
  private pressed({ name = '', ctrl = false }: { name?: string; ctrl?: boolean }): void {
    if ((ctrl && (name === 'c' || name === 'd')) || QUITS.has(name)) this.on.quit()
    else if (!ctrl && KEYS.some((key) => key === name)) this.on.key(name as Key)
  }
}
