import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { trimLog } from '../boundedLog'
import { identify, type ProcessIdentity } from '../processes'
import { type Cgroup, joiningCgroup, makeCgroup } from './cgroup'
import { isOneProgram, shellCommand, type Surroundings } from './shell'

/** What the next engine needs to find it: kept in the run directory. */
export interface Launched {
  identity: ProcessIdentity
  /** A signal goes to the process alone, else to its group. */
  alone: boolean
  cgroup: Cgroup | null
}

export interface Launch {
  launched: Launched
  child: ChildProcess
  /** Where this start's output begins in the log. */
  logStart: number
}

/** Starts the command in its own session and cgroup, its output appended to the log. A plain Error says why it could not be executed. */
export async function launch(line: string, around: Surroundings, cgroupName: string, logFile: string): Promise<Launch> {
  await fs.promises.mkdir(path.dirname(logFile), { recursive: true, mode: 0o700 })
  await trimLog(logFile)
  const alone = isOneProgram(line)
  const cgroup = makeCgroup(cgroupName)
  const log = fs.openSync(logFile, 'a', 0o600)
  try {
    const logStart = fs.fstatSync(log).size
    const command = joiningCgroup(cgroup, shellCommand(alone ? `exec ${line}` : line, around))
    const child = spawn('/bin/sh', command, { cwd: '/', env: around.environment, detached: true, stdio: ['ignore', log, log] })
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    const identity = identify(child.pid ?? 0) ?? { pid: child.pid ?? 0, startTicks: 0, bootId: '' }
    return { launched: { identity, alone, cgroup }, child, logStart }
  } finally {
    fs.closeSync(log)
  }
}
