import { execFile } from 'node:child_process'

/** Output kept of a command; more is cut off, never collected. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024

export interface CommandResult {
  /** null: it was ended at its timeout or could not be started. */
  exitCode: number | null
  output: string
  /** Standard error, or why it could not run. */
  problem: string
}

/** Runs a program of the system without a shell; never rejects. `abort` ends it at once. */
export function runCommand(file: string, args: string[], timeoutMs: number, abort?: AbortSignal): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, LC_ALL: 'C' }, ...(abort && { signal: abort }) },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ exitCode: 0, output: stdout, problem: stderr.trim() })
        const exitCode = typeof error.code === 'number' ? error.code : null
        const why = error.killed === true ? `no answer within ${timeoutMs} ms` : `${error.code ?? error.signal}`
        resolve({ exitCode, output: stdout, problem: exitCode === null ? why : stderr.trim() || `exit code ${exitCode}` })
      }
    )
  })
}
