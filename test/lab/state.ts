import fs from 'node:fs'
import { LabError } from './labError'
import { LABS_DIRECTORY, type LabPlaces, labPlaces } from './places'
import type { Cable, Host, Node } from './plan'
import { pauseMs } from './run'
import type { FileSystem } from './storage'

export interface LabJob {
  name: string
  folders: string[]
  vips: { address: string; prefix: number }[]
}

export interface Lost {
  from: Host
  to: Host
  cable: Cable
}

/** What the lab remembers about itself between two commands. */
export interface LabState {
  formatVersion: 1
  name: string
  /** `up` has come to its end; false: half made. */
  ready: boolean
  fileSystem: FileSystem
  /** The witness has one only where the pair has a witness. */
  disks: Record<Node, string> & { witness?: string }
  /** The port of the pair's witness; null: it has none. */
  witnessPort: number | null
  jobs: LabJob[]
  application: string
  apiPort: number
  cuts: { host: Host; cable: Cable }[]
  /** What one host sends to another one is lost on the way. */
  lost: Lost[]
  power: Record<Host, 'on' | 'off' | 'paused'>
  /** Started in place of the agent (to try the lab itself); null: the agent. */
  agentCommand: string | null
}

export function readState(places: LabPlaces): LabState | null {
  try {
    return JSON.parse(fs.readFileSync(places.stateFile, 'utf8')) as LabState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new LabError(`${places.stateFile} cannot be read: ${(error as Error).message}`, `lab down --name ${places.name}`)
  }
}

export function writeState(places: LabPlaces, state: LabState): void {
  fs.writeFileSync(`${places.stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  fs.renameSync(`${places.stateFile}.new`, places.stateFile)
}

/** The lab that a command means; it must be up. */
export function openLab(name: string): { places: LabPlaces; state: LabState } {
  const places = labPlaces(name)
  const state = readState(places)
  if (!state) throw new LabError(`there is no lab named ${name}`, others(name))
  return { places, state }
}

function others(name: string): string {
  const names = fs.existsSync(LABS_DIRECTORY) ? fs.readdirSync(LABS_DIRECTORY).filter((other) => fs.existsSync(labPlaces(other).stateFile)) : []
  return names.length > 0 ? `labs that are up: ${names.join(', ')} (choose with --name)` : `lab up${name === 'lab' ? '' : ` --name ${name}`}`
}

const LOCK_TIMEOUT_MS = 60_000
const LOCK_PAUSE_MS = 25

/** One changing command at a time for each lab. A lock whose holder has died is taken over. */
export function withLock<Result>(places: LabPlaces, work: () => Result): Result {
  const lock = `${places.directory}.lock`
  fs.mkdirSync(LABS_DIRECTORY, { recursive: true, mode: 0o755 })
  const deadline = performance.now() + LOCK_TIMEOUT_MS
  while (!tryLock(lock)) {
    if (performance.now() > deadline) throw new LabError(`another command is busy with the lab ${places.name}`, `wait for it, or end process ${holder(lock)}`)
    pauseMs(LOCK_PAUSE_MS)
  }
  const release = () => fs.rmSync(lock, { force: true })
  const onSignal = () => process.exit(130)
  process.on('exit', release)
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    return work()
  } finally {
    release()
    process.off('exit', release)
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function tryLock(lock: string): boolean {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const pid = holder(lock)
    if (pid !== 0 && !fs.existsSync(`/proc/${pid}`)) fs.rmSync(lock, { force: true })
    return false
  }
}

function holder(lock: string): number {
  try {
    return Number(fs.readFileSync(lock, 'utf8'))
  } catch {
    return 0
  }
}
