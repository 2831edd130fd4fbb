import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { runningEngine } from './engines'
import { inside } from './host'
import { LabError } from './labError'
import type { LabPlaces } from './places'
import { ACCOUNT, ADDRESSES, NODES } from './plan'
import { program } from './programs'
import { attempt } from './run'
import type { LabState } from './state'

/** A session is opened again well before the agent lets it expire. */
const SESSION_MS = 60 * 60_000

type Sessions = Record<string, { pid: number; openedAtMs: number }>

const SIGNAL_EXIT_BASE = 128

/** Runs a program on the terminal of the caller; its exit code. Ctrl-C is the program's business. */
export function onTerminal(command: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  const [file = '', ...args] = command
  const others = process.listeners('SIGINT')
  const ignore = () => {}
  process.removeAllListeners('SIGINT').on('SIGINT', ignore)
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env: environment })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore)
      for (const other of others) process.on('SIGINT', other)
      resolve(code ?? SIGNAL_EXIT_BASE + (signal ? os.constants.signals[signal] : 0))
    })
  })
}

const shellEnvironment = (places: LabPlaces) => ({ ...process.env, MIRRORPAIR_HOME: places.shellHome })

/** The shell as the client's administrator has it: trusted and logged in on every node that runs. */
export async function runShell(places: LabPlaces, state: LabState, args: string[], directory: string): Promise<number> {
  openSessions(places, state)
  return onTerminal(inside(places, 'client', [...program('cui'), ...args], directory), shellEnvironment(places))
}

/** Opens each node whose session is not there, has aged, or was lost with the engine that gave it. */
export function openSessions(places: LabPlaces, state: LabState): void {
  const sessions = readSessions(places)
  for (const node of NODES) {
    const engine = state.power[node] === 'on' ? runningEngine(places, node) : null
    const known = sessions[node]
    if (!engine || (known?.pid === engine.pid && Date.now() - known.openedAtMs < SESSION_MS)) continue
    const address = `${ADDRESSES[node].service}:${state.apiPort}`
    const open = [...program('cui'), 'open', address, '--account', ACCOUNT, '--password-file', places.passwordFile, '--trust-on-first-use']
    const result = attempt(inside(places, 'client', open), { env: shellEnvironment(places) })
    if (result.status === 0) sessions[node] = { pid: engine.pid, openedAtMs: Date.now() }
    else warn(`The shell cannot open ${node}: ${(result.stderr.trim() || result.stdout.trim()).split('\n').slice(0, 3).join(' ')}`)
  }
  fs.writeFileSync(places.sessionsFile, JSON.stringify(sessions), { mode: 0o600 })
}

function readSessions(places: LabPlaces): Sessions {
  try {
    return JSON.parse(fs.readFileSync(places.sessionsFile, 'utf8')) as Sessions
  } catch {
    return {}
  }
}

const warn = (text: string) => process.stderr.write(`${text}\n`)

/** The program runs in a host that is switched on; its words, its standard input and its exit code are the caller's. */
export function execInside(places: LabPlaces, state: LabState, host: Parameters<typeof inside>[1], command: string[], directory: string): Promise<number> {
  if (state.power[host] === 'off') throw new LabError(`${host} is switched off`, `lab start ${host}`)
  if (state.power[host] === 'paused') throw new LabError(`${host} is paused: a program in it would not run`, `lab resume ${host}`)
  return onTerminal(inside(places, host, command, directory))
}
