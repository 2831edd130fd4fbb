import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

/** Appends numbers to one file that it keeps open, one a line, at a pace that a target keeps, until it is told to stop; an error ends it. */
const WRITER = 'exec 3>>"$1"; i=0; while [ ! -e "$2" ]; do echo $i >&3 || exit 1; i=$((i+1)); sleep 0.01; done; echo $i'

/** An application that works in a folder and has its file open all the time. */
export class OpenWriter {
  readonly file: string
  private said = ''
  private readonly child: ChildProcess

  constructor(
    folder: string,
    private readonly stopFile: string
  ) {
    this.file = path.join(folder, 'numbers')
    this.child = spawn('sh', ['-c', WRITER, 'writer', this.file, stopFile], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.child.stdout?.on('data', (text) => (this.said += String(text)))
  }

  /** Its exit code, and how many numbers it has written by its own count; NaN: an error ended it. */
  async stop(): Promise<{ code: number | null; count: number }> {
    fs.writeFileSync(this.stopFile, '')
    const code = this.child.exitCode ?? ((await once(this.child, 'close'))[0] as number | null)
    return { code, count: this.said === '' ? Number.NaN : Number(this.said) }
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }
}

/** What is in its file when it has written so many and nothing was lost, doubled or out of order. */
export const numbersTo = (count: number): string => Array.from({ length: count }, (_, number) => `${number}\n`).join('')
