import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from '../../clock'
import { identify, isAlive, type ProcessIdentity, signalProcess } from '../../processes'
import { type Cgroup, cgroupMembers, killCgroup } from '../cgroup'

const POLL_MS = 20
/** After SIGKILL only a process that hangs in the kernel is still there. */
const KILL_WAIT_MS = 5_000

export async function untilEmpty(cgroup: Cgroup | null, timeoutMs: number): Promise<void> {
  if (cgroup === null) return
  const untilMs = monotonicMs() + timeoutMs
  while (cgroupMembers(cgroup).length > 0 && monotonicMs() < untilMs) await pause(POLL_MS)
}

/** Everything in it, at once; answers what is there all the same. */
export async function killMembers(cgroup: Cgroup | null): Promise<number[]> {
  if (cgroup === null) return []
  const untilMs = monotonicMs() + KILL_WAIT_MS
  for (let left = cgroupMembers(cgroup); ; left = cgroupMembers(cgroup)) {
    if (left.length === 0 || monotonicMs() > untilMs) return left
    if (!killCgroup(cgroup)) for (const pid of left) signalProcess(pid, 'SIGKILL')
    await pause(POLL_MS)
  }
}

/** A look at each costs some microseconds, ten times a second. The eldest, which the others hang on, are enough. */
const CROWD_MAX = 16

/** The processes of an application that its agent has started. One of them going away is a reason to ask the agent at once. */
export class Crowd {
  private known: ProcessIdentity[]

  constructor(cgroup: Cgroup | null) {
    const members = cgroup === null ? [] : cgroupMembers(cgroup).flatMap((pid) => identify(pid) ?? [])
    this.known = members.sort((one, other) => one.startTicks - other.startTicks).slice(0, CROWD_MAX)
  }

  /** Has one of them gone since the last question? */
  hasShrunk(): boolean {
    const left = this.known.filter(isAlive)
    const shrunk = left.length < this.known.length
    this.known = left
    return shrunk
  }
}
