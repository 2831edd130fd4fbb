import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

const LOOK_EVERY_MS = 50
const SEEN_TIMEOUT_MS = 60_000
const NAME_BYTES = 3
const MARK = '=== the same in parts ==='

/** A real terminal: what a person would see of a program, and the keys that he presses. */
export class Tmux {
  private readonly socket = `mirrorpair-${randomBytes(NAME_BYTES).toString('hex')}`

  constructor(
    command: string[],
    columns: number,
    rows: number,
    private readonly env: Record<string, string> = {}
  ) {
    const words = command.map((word) => `'${word}'`).join(' ')
    // It stays when the program has ended: its last words and its exit code are looked at too.
    this.tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), `${words}; echo "ended with $?"; exec sleep 600`)
  }

  type(line: string): void {
    if (line !== '') this.tmux('send-keys', '-l', line)
    this.press('Enter')
  }

  press(...keys: string[]): void {
    this.tmux('send-keys', ...keys)
  }

  resize(columns: number, rows: number): void {
    this.tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  screen(): string {
    return this.tmux('capture-pane', '-p').trimEnd()
  }

  /** Lines that went over the edge of the terminal and stand there as two. */
  brokenLines(): string[] {
    // Both in one go: a live view changes between two looks.
    const [whole = '', parts = ''] = this.tmux('capture-pane', '-p', '-J', ';', 'display-message', '-p', MARK, ';', 'capture-pane', '-p').split(`${MARK}\n`)
    const shown = new Set(parts.split('\n'))
    return whole
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => !shown.has(line))
  }

  async sees(words: string | RegExp): Promise<string> {
    const endMs = Date.now() + SEEN_TIMEOUT_MS
    for (;;) {
      const screen = this.screen()
      if (typeof words === 'string' ? screen.includes(words) : words.test(screen)) return screen
      if (Date.now() > endMs) throw new Error(`${words} is not on the screen:\n${screen}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  end(): void {
    spawnSync('tmux', ['-L', this.socket, 'kill-server'])
  }

  private tmux(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-L', this.socket, ...args], { encoding: 'utf8', env: { ...process.env, ...this.env } })
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`)
    return stdout
  }
}
