import fs from 'node:fs'
import path from 'node:path'
import type { AgentHost, Host } from './plan'
import { LabError } from './labError'

export const LABS_DIRECTORY = '/run/mirrorpair-lab'
const IMAGES_DIRECTORY = '/var/tmp/mirrorpair-lab'
export const DEFAULT_NAME = 'lab'
const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/

export type NamespaceKind = 'net' | 'uts' | 'mnt' | 'ipc' | 'cgroup'

/** Where the files of one lab are. Everything is found by the lab's name alone, so that `down` can clean up after a crash. */
export interface LabPlaces {
  name: string
  directory: string
  stateFile: string
  namespaces: string
  images: string
  configFile: string
  certificates: string
  passwordFile: string
  shellHome: string
  sessionsFile: string
  tokenFile: string
  cgroup: string
}

export function labPlaces(name: string): LabPlaces {
  if (!NAME_PATTERN.test(name)) throw new LabError(`"${name}" is no name for a lab`, 'use letters, digits, - and _, at most 40', 2)
  const directory = path.join(LABS_DIRECTORY, name)
  const inside = (file: string) => path.join(directory, file)
  return {
    name,
    directory,
    stateFile: inside('state.json'),
    namespaces: inside('ns'),
    images: path.join(IMAGES_DIRECTORY, name),
    configFile: inside('mirrorpair.yaml'),
    certificates: inside('certificates'),
    passwordFile: inside('password'),
    shellHome: inside('shell'),
    sessionsFile: inside('sessions.json'),
    tokenFile: inside('tokens.json'),
    cgroup: path.join(cgroupRoot(), `mirrorpair-lab-${name}`)
  }
}

export const namespaceFile = (places: LabPlaces, host: Host | 'wires', kind: NamespaceKind) => path.join(places.namespaces, `${kind}-${host}`)
export const cgroupOf = (places: LabPlaces, host: Host) => path.join(places.cgroup, host)
export const logFile = (places: LabPlaces, node: AgentHost) => path.join(places.directory, `${node}.agent.log`)
export const engineFile = (places: LabPlaces, node: AgentHost) => path.join(places.directory, `${node}.engine.json`)
export const imageFile = (places: LabPlaces, node: AgentHost) => path.join(places.images, `${node}.img`)

/** A hybrid host has cgroup v2 below /sys/fs/cgroup/unified: only the table of mounts knows. */
export function cgroupRoot(): string {
  for (const line of fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    if (right.startsWith('cgroup2 ')) return left.split(' ')[4] ?? '/sys/fs/cgroup'
  }
  throw new LabError('there is no cgroup v2 on this machine', 'mount it: mount -t cgroup2 none /sys/fs/cgroup')
}
