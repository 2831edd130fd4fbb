import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from '../clock'
import { readNote } from '../files'
import { type ProcessIdentity, identify, isAlive, isOfThisBoot, sessionMembers, signalProcess } from '../processes'
import { type Cgroup, cgroupMembers, killCgroup } from './cgroup'
import type { Launched } from './launch'
import { launchedSchema } from './note'

const POLL_MS = 20
/** After SIGKILL only a process that hangs in the kernel is still there. */
const KILL_WAIT_MS = 5_000

export async function waitUntil(met: () => boolean, untilMs: number): Promise<void> {
  while (!met() && monotonicMs() < untilMs) await pause(POLL_MS)
}

/** Everything of it, at once, and until nothing is left; answers what is there all the same. */
export async function killUntilGone(members: () => number[], cgroup: Cgroup | null): Promise<number[]> {
  const untilMs = monotonicMs() + KILL_WAIT_MS
  for (let left = members(); ; left = members()) {
    if (left.length === 0 || monotonicMs() >= untilMs) return left
    if (cgroup !== null) killCgroup(cgroup)
    // Also what is not in it any more.
    for (const pid of left) signalProcess(pid, 'SIGKILL')
    await pause(POLL_MS)
  }
}

/** What was started last, as its note says. A note of an earlier boot says nothing about the processes of this one. */
export function notedLaunch(noteFile: string): Launched | null {
  const note = launchedSchema.safeParse(readNote(noteFile))
  return note.success && isOfThisBoot(note.data.identity) ? note.data : null
}

/** Without a cgroup: its session, while that is known to be its own. */
export function sessionOf(identity: ProcessIdentity): number[] {
  const later = identify(identity.pid)
  // The number belongs to somebody else by now: then a session of that number is not ours either.
  return later !== null && !isAlive(identity) ? [] : sessionMembers(identity.pid)
}

/** Who is in its cgroup; and in its session, where there is no cgroup or it has left that: `su` goes to one of the account where systemd makes a session of it. */
export function launchedMembers({ identity, cgroup }: Launched): number[] {
  if (cgroup === null) return sessionOf(identity)
  const inside = cgroupMembers(cgroup)
  return inside.includes(identity.pid) || !isAlive(identity) ? inside : [...new Set([...inside, ...sessionOf(identity)])]
}

/** The processes of what was started last. */
export function notedMembers(noteFile: string): number[] {
  const launched = notedLaunch(noteFile)
  return launched === null ? [] : launchedMembers(launched)
}

/** At once and without waiting. */
export function killNoted(noteFile: string): void {
  const launched = notedLaunch(noteFile)
  if (launched === null) return
  const members = launchedMembers(launched)
  if (launched.cgroup !== null) killCgroup(launched.cgroup)
  for (const pid of members) signalProcess(pid, 'SIGKILL')
}
