import fs from 'node:fs'
import { HOST_BOOT_SCRIPT, NODE_BOOT_SCRIPT, WITNESS_BOOT_SCRIPT } from './bootScript'
import { freezeCgroup, killCgroup, removeCgroup } from './cgroup'
import { LabError } from './labError'
import { lose, plugIn, setCable, unplug } from './network'
import { cgroupOf, engineFile, type LabPlaces, namespaceFile, type NamespaceKind } from './places'
import { ADDRESSES, type AgentHost, HOSTS, type Host, isAgentHost, isNode, NODES } from './plan'
import { labProgram } from './programs'
import { attempt, run } from './run'
import type { LabState } from './state'
import { waitForDisk } from './storage'

const NODE_NAMESPACES: NamespaceKind[] = ['net', 'uts', 'mnt', 'ipc', 'cgroup']
const NAMESPACES: Record<Host, NamespaceKind[]> = {
  RMHW131: NODE_NAMESPACES,
  RMHW132: NODE_NAMESPACES,
  witness: ['net', 'uts', 'mnt'],
  client: ['net', 'uts']
}
const LONG_OPTION: Record<NamespaceKind, string> = { net: '--net', uts: '--uts', mnt: '--mount', ipc: '--ipc', cgroup: '--cgroup' }

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
  const flags = NAMESPACES[host].map((kind) => `${LONG_OPTION[kind]}=${namespaceFile(places, host, kind)}`)
  return joined(places, host, ['nsenter', ...flags, `--wdns=${directory}`, '--', ...command])
}

/** Switches a host on: new namespaces, its disk, its network cards, and the cables that are pulled stay pulled. */
export function boot(places: LabPlaces, state: LabState, host: Host): void {
  fs.mkdirSync(cgroupOf(places, host), { recursive: true })
  const flags = NAMESPACES[host].map((kind) => {
    fs.writeFileSync(namespaceFile(places, host, kind), '')
    return `${LONG_OPTION[kind]}=${namespaceFile(places, host, kind)}`
  })
  run(joined(places, host, ['unshare', ...flags, '--', 'sh', '-c', bootScript(state, host), 'boot', ...bootArguments(places, state, host)]))
  plugIn(places, host)
  for (const cut of state.cuts) if (cut.host === host) setCable(places, host, cut.cable, false)
  for (const lost of state.lost) if (lost.from === host) lose(places, lost, true)
}

function bootScript(state: LabState, host: Host): string {
  if (isNode(host)) return NODE_BOOT_SCRIPT
  return host === 'witness' && state.disks.witness ? WITNESS_BOOT_SCRIPT : HOST_BOOT_SCRIPT
}

function bootArguments(places: LabPlaces, state: LabState, host: Host): string[] {
  const disk = isAgentHost(host) ? state.disks[host] : undefined
  if (disk === undefined) return [host]
  waitForDisk(disk)
  const first = [host, places.directory, disk, state.fileSystem]
  return isNode(host) ? [...first, ...state.jobs.flatMap((job) => job.folders.map((folder) => `${job.name}=${folder}`))] : first
}

/** The host dies: with a power cut its programs stop and its disk first, else nothing of it is heard any more; then every program of it ends, then its memory (namespaces and mounts) is gone. */
export function die(places: LabPlaces, host: Host, options: { losingUnflushed: boolean }): void {
  const cgroup = cgroupOf(places, host)
  if (options.losingUnflushed && isAgentHost(host)) shutDownDisk(places, host)
  unplug(places, host)
  killCgroup(cgroup)
  removeCgroup(cgroup)
  for (const kind of NAMESPACES[host]) {
    attempt(['umount', '-l', namespaceFile(places, host, kind)])
    fs.rmSync(namespaceFile(places, host, kind), { force: true })
  }
  if (isAgentHost(host)) fs.rmSync(engineFile(places, host), { force: true })
}

/** As when the power goes: nobody may write any more (frozen), and what was not flushed never reaches the disk. */
function shutDownDisk(places: LabPlaces, node: AgentHost): void {
  freezeCgroup(cgroupOf(places, node), true)
  const mount = namespaceFile(places, node, 'mnt')
  run(['nsenter', `--mount=${mount}`, '--', ...labProgram('diskShutdown'), '/run/storage'])
}

/** Lines for /etc/hosts, the same on every node. */
export function hostsFile(): string {
  return HOSTS.map((host) => `${ADDRESSES[host].service} ${host}\n`).join('')
}

/** A host with an agent: a node, or the pair's witness. */
export function requireAgent(state: LabState, host: string | undefined): AgentHost {
  if (host !== undefined && isAgentHost(host) && state.disks[host] !== undefined) return host
  throw new LabError(`"${host ?? ''}" is no node`, `name ${[...NODES, ...(state.disks.witness ? ['witness'] : [])].join(' or ')}`, 2)
}
