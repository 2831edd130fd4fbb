import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { trimLog } from './boundedLog'

/**
 * Starts one of our own programs in a session of its own, so that it outlives this process; what it says on standard error is
 * appended to a log of bounded size. Resolves when it runs, rejects when it cannot be executed.
 */
export async function spawnDetached(command: { file: string; args: string[] }, logFile: string, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  await fs.promises.mkdir(path.dirname(logFile), { recursive: true, mode: 0o700 })
  await trimLog(logFile)
  const log = fs.openSync(logFile, 'a', 0o600)
  try {
    const child = spawn(command.file, command.args, { detached: true, cwd: '/', stdio: ['ignore', log, log], env: environment })
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return child
  } finally {
    fs.closeSync(log)
  }
}
