import { spawn } from 'node:child_process'
import type { ApplicationConfig, JobConfig } from '../../../src/model'
import { collectOutput, lastLines } from '../boundedLog'
import { keptEnvironment, programPath } from '../environment'
import { failure, plainReason } from '../failure'
import { redact } from '../redact'
import { type Account, findAccount, runAs } from './account'
import { killTree } from './cgroup'

const OUTPUT_LINES = 5

/** How the commands of one application run: as whom, where, with which environment. */
export interface Surroundings {
  before: string[]
  directory: string
  environment: NodeJS.ProcessEnv
}

export async function surroundings(node: string, job: JobConfig, application: ApplicationConfig): Promise<Surroundings> {
  const { user } = application
  try {
    const account = user === null ? null : await findAccount(user)
    return { before: runAs(account), directory: application.workingDirectory ?? '/', environment: environmentOf(job, application, account) }
  } catch (error) {
    throw failure('E_APPLICATION_USER', { node, job: job.name, application: application.name, user: user ?? '', why: plainReason(error) })
  }
}

/** Nothing of the agent's own environment but the language and the time zone: the application starts alike on both nodes. */
function environmentOf(job: JobConfig, application: ApplicationConfig, account: Account | null): NodeJS.ProcessEnv {
  const home = account?.home ?? process.env.HOME ?? '/'
  const user = account?.name ?? process.env.USER ?? 'root'
  const own = { PATH: programPath(), HOME: home, USER: user, LOGNAME: user, SHELL: '/bin/sh' }
  return { ...keptEnvironment(), ...own, MIRRORPAIR_JOB: job.name, MIRRORPAIR_APPLICATION: application.name, ...application.environment }
}

/**
 * A command line that is one program is executed in the shell's place, so that the process the agent watches and signals is the
 * program. A line with shell syntax stays with its shell; then a signal goes to the whole process group.
 */
export function isOneProgram(line: string): boolean {
  const first = /^\s*(\S+)/.exec(line)?.[1] ?? ''
  const words = /^(cd|if|while|until|for|case|set|ulimit|umask|export|unset|exec|eval|trap|wait|command|shift|read|\.|:|!|\{)$/
  return !/[;&|()`\n]/.test(line) && !first.includes('=') && !words.test(first)
}

/**
 * The command line as words for spawn. The folder is entered by the child after it has begun: it may be in a protected folder,
 * and spawn() itself would make the engine wait for it.
 */
export function shellCommand(line: string, around: Surroundings): string[] {
  return ['/bin/sh', '-c', ENTER_FOLDER, 'sh', around.directory, ...around.before, '/bin/sh', '-c', line]
}

const ENTER_FOLDER = 'cd -- "$1" || exit 126; shift; exec "$@"'

export interface ShellResult {
  ok: boolean
  /** `exit code 3`, `no answer within 5000 ms`, … */
  why: string
  /** Its last lines, for an error message. */
  output: string
}

/**
 * Runs a stop or check command. Never rejects. At its timeout its whole process group is killed, and the answer comes then,
 * even when a process hangs in the kernel.
 */
export function runShell(line: string, around: Surroundings, timeoutMs: number, abort?: AbortSignal): Promise<ShellResult> {
  return new Promise((resolve) => {
    const [file = '/bin/sh', ...args] = shellCommand(line, around)
    const child = spawn(file, args, { cwd: '/', env: around.environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = collectOutput(child)
    const finish = (ok: boolean, why: string): void => {
      clearTimeout(timer)
      abort?.removeEventListener('abort', aborted)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ ok, why, output: redact(lastLines(output(), OUTPUT_LINES)) })
    }
    const end = (why: string): void => {
      killTree(child.pid, null)
      finish(false, why)
    }
    const aborted = (): void => end('it was called off')
    const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs)
    abort?.addEventListener('abort', aborted)
    child.once('error', (error) => finish(false, plainReason(error)))
    // `exit`, not `close`: a command that leaves a daemon behind with its output open has ended all the same.
    child.once('exit', (code, signal) => setImmediate(() => finish(code === 0, signal === null ? `exit code ${code}` : `ended by ${signal}`)))
  })
}
