import { spawn } from 'node:child_process'

/** Runs a program of the user's, without a shell between; null when it ended well, else why not. Its words go to the terminal, and beside the object of --json. */
export function runHands(program: string, args: string[], json: boolean): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', json ? process.stderr : 'inherit', 'inherit'] })
    child.on('error', (error: NodeJS.ErrnoException) => resolve(`it cannot be started (${error.code ?? error.message})`))
    child.on('exit', (code, signal) => resolve(code === 0 ? null : signal === null ? `it ended with ${code}` : `it was ended by ${signal}`))
  })
}
