import fs from 'node:fs'
import { killCgroup, removeCgroup } from './cgroup'
import { removeWires, unplug } from './network'
import { type LabPlaces, labPlaces, namespaceFile } from './places'
import { HOSTS } from './plan'
import { attempt, pauseMs } from './run'
import { removeDisks } from './storage'

const UNMOUNT_TRIES = 50
const UNMOUNT_PAUSE_MS = 20

/** Takes everything of a lab away, as far as it was made: all of it is found by the lab's name. True: there was something. */
export function down(name: string): boolean {
  const places = labPlaces(name)
  const there = [places.directory, places.images, places.cgroup].some((path) => fs.existsSync(path))
  killCgroup(places.cgroup)
  removeCgroup(places.cgroup)
  dropNetwork(places)
  dropNamespaces(places)
  removeDisks(places)
  fs.rmSync(places.directory, { recursive: true, force: true })
  return there
}

function dropNetwork(places: LabPlaces): void {
  if (!fs.existsSync(namespaceFile(places, 'wires', 'net'))) return
  for (const host of HOSTS) unplug(places, host)
  removeWires(places)
}

/** Each file keeps a namespace alive until it is unmounted; the folder itself is a mount, perhaps more than once. */
function dropNamespaces(places: LabPlaces): void {
  if (!fs.existsSync(places.namespaces)) return
  for (const file of fs.readdirSync(places.namespaces)) attempt(['umount', '-l', `${places.namespaces}/${file}`])
  for (let tries = 0; isMountPoint(places.namespaces) && tries < UNMOUNT_TRIES; tries++) {
    attempt(['umount', '-l', places.namespaces])
    pauseMs(UNMOUNT_PAUSE_MS)
  }
}

function isMountPoint(directory: string): boolean {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === directory)
}
