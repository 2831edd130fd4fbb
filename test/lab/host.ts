import fs from 'node:fs'
import { HOST_BOOT_SCRIPT, NODE_BOOT_SCRIPT } from './bootScript'
import { freezeCgroup, killCgroup, removeCgroup } from './cgroup'
import { LabError } from './labError'
import { plugIn, setCable, unplug } from './network'
import { cgroupOf, engineFile, type LabPlaces, namespaceFile, type NamespaceKind } from './places'
import { ADDRESSES, HOSTS, type Host, isNode, type Node, NODES } from './plan'
import { labProgram } from './programs'
import { attempt, run } from './run'
import type { LabState } from './state'
import { waitForDisk } from './storage'

const NODE_NAMESPACES: NamespaceKind[] = ['net', 'uts', 'mnt', 'ipc', 'cgroup']
const HOST_NAMESPACES: NamespaceKind[] = ['net', 'uts']
const LONG_OPTION: Record<NamespaceKind, string> = { net: '--net', uts: '--uts', mnt: '--mount', ipc: '--ipc', cgroup: '--cgroup' }

const namespacesOf = (host: Host) => (isNode(host) ? NODE_NAMESPACES : HOST_NAMESPACES)

/** Starts a program as a member of the host's cgroup: whoever ends the host, ends it. */
const joined = (places: LabPlaces, host: Host, command: readonly string[]) => [
  'sh',
  '-c',
  'echo $$ > "$0" && exec "$@"',
  `${cgroupOf(places, host)}/cgroup.procs`,
  ...command
]

/** The command as it runs inside a host: its network, its name, for a node also its files, and its cgroup. */
export function inside(places: LabPlaces, host: Host, command: readonly string[], directory = '/'): string[] {
  const flags = namespacesOf(host).map((kind) => `${LONG_OPTION[kind]}=${namespaceFile(places, host, kind)}`)
  return joined(places, host, ['nsenter', ...flags, `--wdns=${directory}`, '--', ...command])
}

/** Switches a host on: new namespaces, its disk, its network cards, and the cables that are pulled stay pulled. */
export function boot(places: LabPlaces, state: LabState, host: Host): void {
  fs.mkdirSync(cgroupOf(places, host), { recursive: true })
  const flags = namespacesOf(host).map((kind) => {
    fs.writeFileSync(namespaceFile(places, host, kind), '')
    return `${LONG_OPTION[kind]}=${namespaceFile(places, host, kind)}`
  })
  run(
    joined(places, host, [
      'unshare',
      ...flags,
      '--',
      'sh',
      '-c',
      isNode(host) ? NODE_BOOT_SCRIPT : HOST_BOOT_SCRIPT,
      'boot',
      ...bootArguments(places, state, host)
    ])
  )
  plugIn(places, host)
  for (const cut of state.cuts) if (cut.host === host) setCable(places, host, cut.cable, false)
}

function bootArguments(places: LabPlaces, state: LabState, host: Host): string[] {
  if (!isNode(host)) return [host]
  const disk = state.disks[host]
  waitForDisk(disk)
  return [host, places.directory, disk, state.fileSystem, ...state.jobs.flatMap((job) => job.folders.map((folder) => `${job.name}=${folder}`))]
}

/** The host dies: with a power cut its programs stop and its disk first, else nothing of it is heard any more; then every program of it ends, then its memory (namespaces and mounts) is gone. */
export function die(places: LabPlaces, host: Host, options: { losingUnflushed: boolean }): void {
  const cgroup = cgroupOf(places, host)
  if (options.losingUnflushed && isNode(host)) shutDownDisk(places, host)
  unplug(places, host)
  killCgroup(cgroup)
  removeCgroup(cgroup)
  for (const kind of namespacesOf(host)) {
    attempt(['umount', '-l', namespaceFile(places, host, kind)])
    fs.rmSync(namespaceFile(places, host, kind), { force: true })
  }
  if (isNode(host)) fs.rmSync(engineFile(places, host), { force: true })
}

/** As when the power goes: nobody may write any more (frozen), and what was not flushed never reaches the disk. */
function shutDownDisk(places: LabPlaces, node: Node): void {
  freezeCgroup(cgroupOf(places, node), true)
  const mount = namespaceFile(places, node, 'mnt')
  run(['nsenter', `--mount=${mount}`, '--', ...labProgram('diskShutdown'), '/run/storage'])
}

/** Lines for /etc/hosts, the same on every node. */
export function hostsFile(): string {
  return HOSTS.map((host) => `${ADDRESSES[host].service} ${host}\n`).join('')
}

export function requireNode(host: string | undefined): Node {
  if (host !== undefined && isNode(host)) return host
  throw new LabError(`"${host ?? ''}" is no node`, `name ${NODES.join(' or ')}`, 2)
}
