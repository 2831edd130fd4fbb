import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { FenceConfig } from '../../../src/model'
import { failure, plainReason } from '../failure'

/** Where distributions put them; never by the PATH of whoever started the agent. */
export const FENCE_DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/local/sbin']
/** A second time, because a switch on the network may be busy; then the caller is told, and asks again later. */
const FENCE_TRIES = 2
/** What `action=status` answers for a machine that is off (the agents' own interface). */
const EXIT_OFF = 2
const EXIT_ON = 0
/** What an agent has left behind may keep its output open for ever (the connection that `ssh` keeps for the next call): what it said itself is there by then. */
const SAID_AFTER_END_MS = 500
/** Kept of what an agent says; more is let go. */
const SAID_BYTES_MAX = 4_096
const HIDDEN = '•••'

interface Said {
  /** null: it was ended at its timeout, or by a signal. */
  exitCode: number | null
  text: string
}

/**
 * Switches the node off with a fence agent of ClusterLabs, run unchanged: what it needs goes to its standard input, so that nothing of it stands in the
 * list of processes. Only `status` says that it is done.
 */
export async function fence(node: string, config: FenceConfig, victim: string, directories: string[]): Promise<void> {
  const file = directories.map((directory) => path.join(directory, config.agent)).find((each) => fs.existsSync(each))
  const refused = (why: string): never => {
    throw failure('E_FENCE', { node, victim, agent: config.agent, why })
  }
  if (file === undefined) return refused(`it is in none of ${directories.join(', ')}`)
  const options = { ...config.options, ...config.nodes[victim] }
  const password = readPassword(config.passwordFile, refused)
  let why = ''
  for (let tried = 0; tried < FENCE_TRIES; tried++) {
    const off = await call(file, { action: 'off', ...options }, password, config.timeoutMs)
    const status = await call(file, { action: 'status', ...options }, password, config.timeoutMs)
    if (status.exitCode === EXIT_OFF) return
    why = `${saidText('off', off, config.timeoutMs)}; ${status.exitCode === EXIT_ON ? `status says that ${victim} is on` : saidText('status', status, config.timeoutMs)}`
  }
  return refused(why)
}

function readPassword(file: string | null, refused: (why: string) => never): string | null {
  if (file === null) return null
  try {
    return fs.readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''
  } catch (error) {
    return refused(`the file of its password cannot be read: ${plainReason(error)}`)
  }
}

function saidText(action: string, { exitCode, text }: Said, timeoutMs: number): string {
  if (exitCode === null) return `${action} did not end within ${timeoutMs} ms`
  return `${action} ended with ${exitCode}${text === '' ? '' : ` (${text})`}`
}

/** In a session of its own: some agents start programs, which end with it. */
function call(file: string, options: Record<string, string>, password: string | null, timeoutMs: number): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn(file, [], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...process.env, LC_ALL: 'C' } })
    let said = ''
    const hear = (bytes: Buffer): void => {
      if (said.length < SAID_BYTES_MAX) said += bytes.toString('utf8')
    }
    const end = (exitCode: number | null): void => {
      clearTimeout(timer)
      resolve({ exitCode, text: hidden(said.slice(0, SAID_BYTES_MAX).trim().replace(/\s+/g, ' '), password) })
    }
    const listenNoMore = (): void => {
      child.stdout.destroy()
      child.stderr.destroy()
      end(child.exitCode)
    }
    const endSoon = (): void => void setTimeout(listenNoMore, SAID_AFTER_END_MS).unref()
    const timer = setTimeout(() => {
      killSession(child.pid)
      // Not when it has ended: what hangs in the kernel does not.
      endSoon()
    }, timeoutMs)
    child.on('exit', endSoon)
    child.on('error', (error) => {
      said = plainReason(error)
      end(-1)
    })
    child.on('close', end)
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    // An agent that ends without reading what it is told says so by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(inputOf(password === null ? options : { ...options, passwd: password }))
  })
}

const inputOf = (options: Record<string, string>): string =>
  Object.entries(options)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

const hidden = (text: string, password: string | null): string => (password ? text.replaceAll(password, HIDDEN) : text)

function killSession(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
