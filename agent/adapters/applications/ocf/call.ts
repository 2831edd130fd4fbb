import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { collectOutput, lastLines, logEnd } from '../../boundedLog'
import { plainReason } from '../../failure'
import { redact } from '../../redact'
import { type Cgroup, joiningCgroup, killTree } from '../cgroup'
import { type ActionSettings, actionEnvironment } from './environment'
import { meaning, OCF } from './codes'
import type { AgentNote } from './note'
import { untilEmpty } from './processes'

const REASON_LINES = 3
const REASON_LENGTH_MAX = 400
/** An agent begins the line that says why with this (ocf-shellfuncs, ocf_exit_reason). */
const REASON_PREFIX = 'ocf-exit-reason:'
/** Its last words come through the pipe a moment after its end. */
const LAST_WORDS_MS = 100
/** After SIGKILL only what hangs in the kernel is there so long; the end of the application looks at that again. */
const KILLED_MS = 1_000

/** Each call has a cgroup of its own: the end of one that was called off must not meet the next. */
const CALLS_NUMBERED = 1_000_000
let calls = 0

export type AgentAction = 'start' | 'stop' | 'monitor' | 'validate-all'

export interface Ended {
  /** null: it did not end by itself, or could not be executed. */
  code: number | null
  /** `exit code 7, it does not run`, `no answer within 20000 ms`, … with what the agent said of it. */
  why: string
}

export interface CallOptions extends ActionSettings {
  abort?: AbortSignal
  /** A program that stays needs a place for its output; null: nothing stays. */
  logFile: string | null
}

/** Runs one action of an agent. Never rejects. At its timeout everything that it has begun is killed. */
export async function callAgent(note: AgentNote, action: AgentAction, options: CallOptions): Promise<Ended> {
  const cgroup = actionCgroup(note.cgroup, action)
  const log = options.logFile === null ? null : openLog(options.logFile)
  const environment = { ...note.environment, ...actionEnvironment(action, options) }
  const child = spawn('/bin/sh', joiningCgroup(cgroup, [note.file, action], OCF.failed), {
    cwd: '/',
    env: environment,
    detached: true,
    stdio: log === null ? ['ignore', 'ignore', 'pipe'] : ['ignore', log.fd, log.fd]
  })
  if (log !== null) fs.closeSync(log.fd)
  const said = log === null ? collectOutput(child) : () => logEnd(options.logFile ?? '', log.start)
  const ended = await whenEnded(child, cgroup, options)
  child.stderr?.destroy()
  // What was killed is there for a moment yet.
  if (ended.code === null) await untilEmpty(cgroup, KILLED_MS)
  if (cgroup !== null && cgroup !== note.cgroup) removeEmpty(cgroup)
  const reason = ended.code === 0 ? '' : reasonOf(said(), note.secrets)
  return { code: ended.code, why: reason === '' ? ended.why : `${ended.why} (${reason})` }
}

/** What a start has begun belongs to the application; of the others nothing shall stay, so that they can be killed alone. */
function actionCgroup(cgroup: Cgroup | null, action: AgentAction): Cgroup | null {
  if (cgroup === null) return null
  if (action === 'start') return makeDirectory(cgroup) ? cgroup : null
  calls = (calls + 1) % CALLS_NUMBERED
  const own = { directory: path.join(cgroup.directory, `${action}.${calls}`) }
  return makeDirectory(own) ? own : null
}

function makeDirectory({ directory }: Cgroup): boolean {
  try {
    fs.mkdirSync(directory, { recursive: true })
    return true
  } catch {
    return false
  }
}

function removeEmpty({ directory }: Cgroup): void {
  try {
    fs.rmdirSync(directory)
  } catch {
    // Something of it goes on. The end of the application ends it.
  }
}

function openLog(file: string): { fd: number; start: number } {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const fd = fs.openSync(file, 'a', 0o600)
  return { fd, start: fs.fstatSync(fd).size }
}

function whenEnded(child: ChildProcess, cgroup: Cgroup | null, { timeoutMs, abort }: CallOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const finish = (ended: Ended): void => {
      clearTimeout(timer)
      abort?.removeEventListener('abort', aborted)
      resolve(ended)
    }
    const end = (why: string): void => {
      killTree(child.pid, cgroup)
      finish({ code: null, why })
    }
    const aborted = (): void => end('it was called off')
    const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs)
    child.once('error', (error) => finish({ code: null, why: plainReason(error) }))
    // `exit`, not `close`: a daemon may keep the output open for ever.
    child.once('exit', async (code, signal) => {
      if (child.stderr?.readableEnded === false) await Promise.race([new Promise((closed) => child.once('close', closed)), pause(LAST_WORDS_MS)])
      finish({ code, why: signal === null ? meaning(code ?? 0) : `ended by ${signal}` })
    })
    if (abort?.aborted) aborted()
    else abort?.addEventListener('abort', aborted)
  })
}

/** The agent's own reason, else its last lines; in one line, bounded, without what must not be known. */
function reasonOf(output: string, secrets: string[]): string {
  const named = output
    .split('\n')
    .filter((line) => line.includes(REASON_PREFIX))
    .at(-1)
  const text = named === undefined ? lastLines(output, REASON_LINES) : named.slice(named.indexOf(REASON_PREFIX) + REASON_PREFIX.length)
  return redact(withoutSecrets(text.trim(), secrets)).slice(0, REASON_LENGTH_MAX)
}

const withoutSecrets = (text: string, secrets: string[]): string => secrets.reduce((safe, secret) => safe.replaceAll(secret, '•••'), text)
