import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { signalProcess } from '../processes'

/** The kernel lets a cgroup go when the last process in it has been reaped, which is a moment after its end. */
const REAPED_MS = 2_000
const LOOK_EVERY_MS = 20

/**
 * An application's own cgroup (version 2), below the one of the agent: whatever it starts, under whatever session or user, is in it,
 * so that a stop leaves nothing behind, and the death of the node's cgroup takes it along.
 */
export interface Cgroup {
  directory: string
}

/** Makes it; null where there is no cgroup v2 that we may write. */
export function makeCgroup(name: string): Cgroup | null {
  try {
    const directory = cgroupDirectory(name)
    if (directory === null) return null
    fs.mkdirSync(directory, { recursive: true })
    fs.accessSync(path.join(directory, 'cgroup.procs'), fs.constants.W_OK)
    return { directory }
  } catch {
    return null
  }
}

/** Where it is, or would be; null: there is no cgroup v2. */
export function cgroupDirectory(name: string): string | null {
  const own = ownCgroupDirectory()
  return own === null ? null : path.join(own, 'mirrorpair', name)
}

/** The processes in it and below it. */
export function cgroupMembers(cgroup: Cgroup): number[] {
  try {
    const below = fs.readdirSync(cgroup.directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const own = fs.readFileSync(path.join(cgroup.directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    return [...own, ...below.flatMap((entry) => cgroupMembers({ directory: path.join(cgroup.directory, entry.name) }))]
  } catch {
    return []
  }
}

/** At once and all of it, also what forks meanwhile (`cgroup.kill`, Linux 5.14); false where the kernel is older. */
export function killCgroup(cgroup: Cgroup): boolean {
  try {
    fs.writeFileSync(path.join(cgroup.directory, 'cgroup.kill'), '1')
    return true
  } catch {
    return false
  }
}

/** Arguments for /bin/sh: it first joins the cgroup, so that not even its first child can be outside of it, then becomes the command. */
export const joiningCgroup = (cgroup: Cgroup | null, command: string[], failedCode = 126): string[] => [
  '-c',
  `[ -z "$1" ] || echo 0 > "$1/cgroup.procs" || exit ${failedCode}; shift; exec "$@"`,
  'sh',
  cgroup?.directory ?? '',
  ...command
]

/** All that a detached command has begun; without a cgroup of its own its process group. */
export function killTree(pid: number | undefined, cgroup: Cgroup | null): void {
  if (cgroup !== null && killCgroup(cgroup)) return
  if (pid !== undefined) signalProcess(-pid, 'SIGKILL')
}

/** With those below it; and the folder of all applications, when it was the last one. */
export function removeCgroup(cgroup: Cgroup): void {
  try {
    for (const entry of fs.readdirSync(cgroup.directory, { withFileTypes: true }))
      if (entry.isDirectory()) fs.rmdirSync(path.join(cgroup.directory, entry.name))
    fs.rmdirSync(cgroup.directory)
    fs.rmdirSync(path.dirname(cgroup.directory))
  } catch {
    // Somebody is in it still, or it is gone.
  }
}

/** As soon as it is empty; one in which somebody stays, stays. */
export async function removeEmptied(cgroup: Cgroup): Promise<void> {
  for (let waitedMs = 0; waitedMs < REAPED_MS; waitedMs += LOOK_EVERY_MS) {
    removeCgroup(cgroup)
    if (!fs.existsSync(cgroup.directory)) return
    await pause(LOOK_EVERY_MS)
  }
}

/** Where the agent itself is: `0::PATH` below the mount of cgroup2, wherever that is (a hybrid host has it at /sys/fs/cgroup/unified). */
function ownCgroupDirectory(): string | null {
  const own = /^0::(.*)$/m.exec(fs.readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  const mount = cgroupMount(fs.readFileSync('/proc/self/mountinfo', 'utf8'))
  if (own === undefined || mount === null) return null
  const below = mount.root !== '/' && own.startsWith(mount.root) ? own.slice(mount.root.length) : own
  return withoutOurs(path.join(mount.directory, below))
}

/** An agent started by hand from within an application must not nest deeper and deeper. */
const withoutOurs = (directory: string): string => directory.replace(/\/mirrorpair\/[^/]+$/, '')

/** proc_pid_mountinfo(5): `… ROOT MOUNTPOINT … - cgroup2 …`. */
export function cgroupMount(mountinfo: string): { root: string; directory: string } | null {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [, , , root, directory] = left.split(' ')
    if (right.startsWith('cgroup2 ') && root !== undefined && directory !== undefined) return { root, directory }
  }
  return null
}
