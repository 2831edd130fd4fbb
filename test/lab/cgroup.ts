import fs from 'node:fs'
import path from 'node:path'
import { pauseMs, waitUntil } from './run'

const KILL_TIMEOUT_MS = 60_000
const REMOVE_TRIES = 1_000
const REMOVE_PAUSE_MS = 20

/** Ends every process in the group and below it, at once, and waits until they are gone. */
export function killCgroup(directory: string): void {
  if (!fs.existsSync(directory)) return
  waitUntil(`the processes of ${directory} are gone`, KILL_TIMEOUT_MS, () => {
    if (!isPopulated(directory)) return true
    // Each time again: a program that was just being started may join late.
    fs.writeFileSync(path.join(directory, 'cgroup.kill'), '1')
    return false
  })
}

export function freezeCgroup(directory: string, frozen: boolean): void {
  fs.writeFileSync(path.join(directory, 'cgroup.freeze'), frozen ? '1' : '0')
  if (frozen) waitUntil(`${directory} is frozen`, KILL_TIMEOUT_MS, () => readEvents(directory).includes('frozen 1'))
}

export function removeCgroup(directory: string): void {
  if (!fs.existsSync(directory)) return
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(path.join(directory, entry.name))
  }
  for (let tries = 1; ; tries++) {
    try {
      fs.rmdirSync(directory)
      return
    } catch (error) {
      // A dying process holds its group a moment longer than it is listed in it.
      if (tries >= REMOVE_TRIES) throw error
      pauseMs(REMOVE_PAUSE_MS)
    }
  }
}

/** Is this process in the group or below it? Guards against a pid that was given to somebody else. */
export function holds(directory: string, pid: number): boolean {
  try {
    const unified =
      fs
        .readFileSync(`/proc/${pid}/cgroup`, 'utf8')
        .split('\n')
        .find((line) => line.startsWith('0::')) ?? ''
    const inTree = path.relative(rootOf(directory), directory)
    return `${unified.slice('0::/'.length)}/`.startsWith(`${inTree}/`)
  } catch {
    return false
  }
}

const rootOf = (directory: string) => directory.slice(0, directory.indexOf('/mirrorpair-lab-'))
const isPopulated = (directory: string) => readEvents(directory).includes('populated 1')
const readEvents = (directory: string) => fs.readFileSync(path.join(directory, 'cgroup.events'), 'utf8').split('\n')
