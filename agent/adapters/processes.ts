import fs from 'node:fs'

/**
 * A process of this boot, told apart from a later one with the same number by its start time (field 22 of /proc/PID/stat,
 * clock ticks since the boot) and by the boot.
 */
export interface ProcessIdentity {
  pid: number
  startTicks: number
  bootId: string
}

/** Of the mask of 64 signals. */
const SIGNALS_READ_DIGITS = 4
const SIGKILL_BIT = 1 << 8

export interface Stat {
  /** What the kernel calls it. */
  name: string
  state: string
  parent: number
  session: number
  /** Of processor time, its own and the kernel's for it. */
  ticks: number
  threads: number
  /** Tells it from a later one with the same number. */
  startTicks: number
}

export function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** null: it is gone, or only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid)
  return stat === null || isDead(stat) ? null : { pid, startTicks: stat.startTicks, bootId: bootId() }
}

/** Only looks at /proc/PID/stat: cheap enough for ten times a second. The boot is compared once, when a note is read. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid)
  return stat !== null && !isDead(stat) && stat.startTicks === identity.startTicks
}

/** Still in the process table, if only to be reaped: a lock file with its number still looks like that of a living process. */
export function isListed(identity: ProcessIdentity): boolean {
  return readStat(identity.pid)?.startTicks === identity.startTicks
}

export function isOfThisBoot(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId()
}

/** A session's processes and all that descend from them: what is killed where there is no cgroup. */
export function sessionMembers(session: number): number[] {
  const stats = new Map<number, Stat>()
  for (const pid of allPids()) {
    const stat = readStat(pid)
    if (stat !== null && !isDead(stat)) stats.set(pid, stat)
  }
  const members = new Set([...stats].filter(([, stat]) => stat.session === session).map(([pid]) => pid))
  for (let before = -1; before !== members.size; ) {
    before = members.size
    for (const [pid, stat] of stats) if (members.has(stat.parent)) members.add(pid)
  }
  return [...members]
}

/** SIGKILL waits for this thread to come back from the kernel. Not known: no. */
export function isBeingKilled(thread: number): boolean {
  if (thread <= 0) return false
  try {
    const pending = /^SigPnd:\s*([0-9a-f]+)$/m.exec(fs.readFileSync(`/proc/${thread}/status`, 'latin1'))?.[1] ?? '0'
    return (Number.parseInt(pending.slice(-SIGNALS_READ_DIGITS), 16) & SIGKILL_BIT) !== 0
  } catch {
    return false
  }
}

/** False when it is gone already. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

export const allPids = (): number[] => fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))

export const isDead = (stat: Stat): boolean => stat.state === 'Z' || stat.state === 'X'

/** proc_pid_stat(5); the name in parentheses may hold spaces and parentheses: fields are counted from the last one. */
export function readStat(pid: number): Stat | null {
  let text: string
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const number = (field: number): number => Number(fields[field])
  return {
    name,
    state: fields[0] ?? 'X',
    parent: number(1),
    session: number(3),
    ticks: number(11) + number(12),
    threads: number(17),
    startTicks: number(19)
  }
}
