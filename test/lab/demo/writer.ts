import { type ChildProcess, spawn } from 'node:child_process'
import { LabError } from '../labError'

interface LedgerReport {
  committed: number
  outageMs: number
  lastErrors: string[]
}

const WRITER_END_TIMEOUT_MS = 10_000

/** The client that commits 1, 2, 3, … through the virtual IP for as long as the demo lasts. */
export class Writer {
  private readonly child: ChildProcess
  private output = ''
  private readonly ended: Promise<void>

  constructor(command: readonly string[]) {
    const [file = '', ...args] = command
    // A session of its own: Ctrl-C in the shell is not meant for it.
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.output += String(chunk)
    })
    this.ended = new Promise((resolve) => this.child.on('close', () => resolve()))
  }

  async stop(): Promise<LedgerReport> {
    this.child.stdin?.end()
    const timer = setTimeout(() => this.child.kill('SIGKILL'), WRITER_END_TIMEOUT_MS)
    await this.ended
    clearTimeout(timer)
    try {
      return JSON.parse(this.output) as LedgerReport
    } catch {
      throw new LabError('the writing client has no report', 'run the demo again')
    }
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }
}

export const typeNext = (job: string) => `
A client writes through the virtual IP all the time. Type next:

  allstate                 the pair at a glance
  switch ${job}          move the service to the other node (the client goes on)
  jobstate ${job}        everything about the job
  help                     all commands; exit ends the demo and takes everything away
`
