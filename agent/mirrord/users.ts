import fs from 'node:fs'
import { isInside } from '../../src/model/places'
import { deviceAt, mounts, type Mount } from '../native/mounts'

/** A process that works in a folder. */
export interface FolderUser {
  pid: number
  /** As ps(1) shows it. */
  name: string
}

const MAPPED_FILE = /^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) \S+\s+(\S.*)$/
const HEX = 16

/**
 * Who has a file of this folder open or mapped on this file system, or stands in it, except these processes. A place of the same name in another mount
 * namespace is another one; what was opened through a mount that has been put over the folder since is on another file system. `standing`: who stands in it
 * there counts as well. Nothing in the folder is touched: /proc answers.
 */
export function usersOf(folder: string, but: readonly number[], device: string, standing = device): FolderUser[] {
  const pids = fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && !but.includes(Number(name)) ? [Number(name)] : []))
  return pids.filter((pid) => stands(pid, folder, [device, standing]) || opens(pid, folder, device) || maps(pid, folder, device)).map(named)
}

const isIn = (folder: string, place: string | null): place is string => place !== null && isInside(folder, place)

function stands(pid: number, folder: string, devices: readonly string[]): boolean {
  const places = ['cwd', 'root'].map((link) => targetOf(`/proc/${pid}/${link}`)).filter((place) => isIn(folder, place))
  return places.some((place) => devices.includes(deviceAt(place, mountsOf(pid)) ?? ''))
}

/** null: it is gone, or not ours to see. */
function targetOf(link: string): string | null {
  try {
    return fs.readlinkSync(link)
  } catch {
    return null
  }
}

function opens(pid: number, folder: string, device: string): boolean {
  const fds = namesIn(`/proc/${pid}/fd`).filter((fd) => isIn(folder, targetOf(`/proc/${pid}/fd/${fd}`)))
  const mountOf = (fd: string): string | undefined => /^mnt_id:\t(\d+)$/m.exec(textOf(`/proc/${pid}/fdinfo/${fd}`))?.[1]
  return fds.some((fd) => mountsOf(pid).find(({ id }) => id === mountOf(fd))?.device === device)
}

function mountsOf(pid: number): Mount[] {
  try {
    return mounts(pid)
  } catch {
    return []
  }
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory)
  } catch {
    return []
  }
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function maps(pid: number, folder: string, device: string): boolean {
  return textOf(`/proc/${pid}/maps`)
    .split('\n')
    .some((line) => {
      const [, major = '', minor = '', place = null] = MAPPED_FILE.exec(line) ?? []
      return isIn(folder, place) && `${Number.parseInt(major, HEX)}:${Number.parseInt(minor, HEX)}` === device
    })
}

const named = (pid: number): FolderUser => ({ pid, name: textOf(`/proc/${pid}/comm`).trim() || 'a process' })
