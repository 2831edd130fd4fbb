import { monotonicMs } from '../../clock'
import { identify, isAlive, type ProcessIdentity } from '../../processes'
import { type Cgroup, cgroupMembers } from '../cgroup'
import { killUntilGone, waitUntil } from '../killing'

export async function untilEmpty(cgroup: Cgroup | null, timeoutMs: number): Promise<void> {
  if (cgroup !== null) await waitUntil(() => cgroupMembers(cgroup).length === 0, monotonicMs() + timeoutMs)
}

/** Answers what is there all the same. */
export const killMembers = async (cgroup: Cgroup | null): Promise<number[]> => (cgroup === null ? [] : await killUntilGone(() => cgroupMembers(cgroup), cgroup))

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
