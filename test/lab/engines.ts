import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { holds } from './cgroup'
import { inside } from './host'
import { LabError } from './labError'
import { cgroupOf, engineFile, type LabPlaces, logFile } from './places'
import { ADDRESSES, type AgentHost } from './plan'
import { WITNESS_DIRECTORY } from './bootScript'
import { program } from './programs'
import { waitUntil } from './run'
import type { LabState } from './state'

const END_TIMEOUT_MS = 60_000
const LOG_LINES_SHOWN = 15
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function commandOf(state: LabState, host: AgentHost): string[] {
  const { service = '' } = ADDRESSES.witness
  if (host === 'witness') return [...program('agent'), 'witness', 'run', '--state', WITNESS_DIRECTORY, '--listen', service, '--port', `${state.witnessPort}`]
  return state.agentCommand ? ['sh', '-c', `exec ${state.agentCommand}`] : program('agent')
}

/** Starts the host's agent as its init system would: nothing of the caller's environment, its words in a log file. */
export function startEngine(places: LabPlaces, state: LabState, node: AgentHost): void {
  const command = commandOf(state, node)
  const [file = '', ...args] = inside(places, node, command)
  const log = fs.openSync(logFile(places, node), 'a')
  const environment = { PATH: SYSTEM_PATH, HOME: '/root', LANG: 'C.UTF-8' }
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], env: environment, cwd: '/' })
  fs.closeSync(log)
  if (child.pid === undefined) throw new LabError(`the agent of ${node} cannot be started`, `lab exec ${node} -- ${command.join(' ')}`)
  child.unref()
  fs.writeFileSync(engineFile(places, node), JSON.stringify({ pid: child.pid, startedAtMs: Date.now() }))
  const pid = child.pid
  waitUntil(`the agent of ${node} is on its way`, END_TIMEOUT_MS, () => holds(cgroupOf(places, node), pid) || !fs.existsSync(`/proc/${pid}`) || isZombie(pid))
}

export interface EngineRecord {
  pid: number
  startedAtMs: number
}

/** The engine's process, if it runs. */
export function runningEngine(places: LabPlaces, node: AgentHost): EngineRecord | null {
  try {
    const record = JSON.parse(fs.readFileSync(engineFile(places, node), 'utf8')) as EngineRecord
    return holds(cgroupOf(places, node), record.pid) && !isZombie(record.pid) ? record : null
  } catch {
    return null
  }
}

function isZombie(pid: number): boolean {
  return /^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** SIGKILL to the engine and to nothing else of the node. */
export function killEngine(places: LabPlaces, node: AgentHost): boolean {
  const engine = runningEngine(places, node)
  if (!engine) return false
  process.kill(engine.pid, 'SIGKILL')
  waitUntil(`the engine of ${node} has ended`, END_TIMEOUT_MS, () => runningEngine(places, node) === null)
  return true
}

/** The end of the agent's log, for messages about one that did not come up. */
export function lastWords(places: LabPlaces, node: AgentHost): string {
  try {
    return fs.readFileSync(logFile(places, node), 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
  } catch {
    return '(no log)'
  }
}
