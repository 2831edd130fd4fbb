import { spawnSync } from 'node:child_process'
import { LabError } from './labError'

export interface RunOptions {
  input?: string
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
}

export interface RunResult {
  status: number
  stdout: string
  stderr: string
}

const RUN_TIMEOUT_MS = 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Runs a program to its end and hands back what it said, whatever its exit code. */
export function attempt(command: readonly string[], options: RunOptions = {}): RunResult {
  const [file = '', ...args] = command
  const result = spawnSync(file, args, {
    input: options.input ?? '',
    env: options.env ?? process.env,
    timeout: options.timeoutMs ?? RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    encoding: 'utf8'
  })
  const failure = result.error ? `${result.error.message}\n` : ''
  return { status: result.status ?? 1, stdout: result.stdout ?? '', stderr: failure + (result.stderr ?? '') }
}

/** Runs a program that must succeed; its standard output. */
export function run(command: readonly string[], options: RunOptions = {}): string {
  const result = attempt(command, options)
  if (result.status === 0) return result.stdout
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-5).join('\n')
  throw new LabError(`"${command.join(' ').slice(0, 300)}" ended with ${result.status}: ${said}`, 'see the message of the program above')
}

/** The lab is a sequence of short steps: a blocking pause keeps it one. */
export function pauseMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const POLL_INTERVAL_MS = 20

/** Waits until `met` says true; at the deadline, what was waited for is the error. */
export function waitUntil(what: string, timeoutMs: number, met: () => boolean): void {
  const deadline = performance.now() + timeoutMs
  while (!met()) {
    if (performance.now() > deadline) throw new LabError(`${what}: not within ${timeoutMs} ms`, 'look at the log files that "lab status" names')
    pauseMs(POLL_INTERVAL_MS)
  }
}
