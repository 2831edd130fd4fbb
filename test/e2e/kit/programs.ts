import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'

/** The checkout: this file may run from its source (jest) or built into dist/. */
function checkout(): string {
  for (let folder = __dirname; ; folder = path.dirname(folder)) if (fs.existsSync(path.join(folder, 'package.json'))) return folder
}

export const ROOT = checkout()
export const NODE = path.join(ROOT, 'node_modules', '.bin', 'node')
export const dist = (name: string) => path.join(ROOT, 'dist', `${name}.cjs`)

export interface Finished {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  timeoutMs?: number
}

const RUN_TIMEOUT_MS = 180_000

/** Runs a program to its end, without holding up the test's own timers. */
export function runProgram(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = startProgram(command, options)
  const output = { stdout: '', stderr: '' }
  // A character of several bytes may come in two chunks.
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${command.join(' ')}: not at its end after ${options.timeoutMs ?? RUN_TIMEOUT_MS} ms\n${output.stdout}${output.stderr}`))
    }, options.timeoutMs ?? RUN_TIMEOUT_MS)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? 1, ...output })
    })
  })
}

export function startProgram(command: readonly string[], options: RunOptions = {}): ChildProcessWithoutNullStreams {
  const [file = '', ...args] = command
  const child = spawn(file, args, { stdio: 'pipe', env: options.env ?? process.env, cwd: options.cwd ?? ROOT })
  child.stdin.on('error', () => {})
  return child
}

/** A client that reports when its standard input ends: the prober and the ledger. */
export class Measuring<Report> {
  private readonly output: string[] = []
  private readonly ended: Promise<void>

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => this.output.push(String(chunk)))
    child.stderr.on('data', (chunk: Buffer) => this.output.push(String(chunk)))
    this.ended = new Promise((resolve) => child.on('close', () => resolve()))
  }

  /** It has written so many lines, whatever is in them. */
  async lines(count: number, timeoutMs: number): Promise<void> {
    const enough = () => this.output.join('').split('\n').length > count
    const begun = performance.now()
    const waited = AbortSignal.timeout(timeoutMs)
    while (!enough()) {
      await once(this.child.stdout, 'data', { signal: waited }).catch(() => {
        throw new Error(`it has not written ${count} lines in ${Math.round(performance.now() - begun)} ms: ${this.output.join('').trim()}`)
      })
    }
  }

  async report(): Promise<Report> {
    this.child.stdin.end()
    await this.ended
    const text = this.output.join('')
    try {
      return JSON.parse(text) as Report
    } catch {
      throw new Error(`no report, but: ${text}`)
    }
  }
}

/** Files that must be built before a test on a real pair can run. */
export function requireBuilt(): void {
  const missing = [dist('lab')].filter((file) => !fs.existsSync(file))
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}; run npm run build`)
}
