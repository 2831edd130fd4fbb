import { type ChildProcess, spawn } from 'node:child_process'
import type { Places } from '../../ports'
import { cgroupMembers, type Cgroup, joiningCgroup, killTree, makeCgroup, removeEmptied } from '../applications/cgroup'
import { collectOutput, lastLines } from '../boundedLog'
import { keptEnvironment, programPath } from '../environment'
import { plainReason } from '../failure'
import { redact } from '../redact'

export interface AlarmCall {
  event: string
  cause: string
  values: string[]
  command: string
  timeoutMs: number
}

const OUTPUT_LINES = 5
/** More at once would be a storm, which nobody reads. */
export const ALARMS_AT_ONCE_MAX = 8

/**
 * Runs the administrator's command for an alarm, in a cgroup of its own: when its time is over everything that it has started is ended. The answer is why it
 * failed; null: it did not.
 */
export class Alarms {
  private running = 0
  private count = 0

  constructor(private readonly places: Pick<Places, 'node'>) {}

  async run(call: AlarmCall): Promise<string | null> {
    if (this.running >= ALARMS_AT_ONCE_MAX) return `${ALARMS_AT_ONCE_MAX} commands for alarms run already`
    this.running += 1
    this.count += 1
    const cgroup = makeCgroup(`${this.places.node}.@alarm-${process.pid}-${this.count}`)
    try {
      return await this.started(call, cgroup)
    } finally {
      this.running -= 1
      // What was killed at the timeout is still in it until it is reaped.
      if (cgroup !== null) void removeEmptied(cgroup)
    }
  }

  private started({ event, cause, values, command, timeoutMs }: AlarmCall, cgroup: Cgroup | null): Promise<string | null> {
    const facts = { MIRRORPAIR_NODE: this.places.node, MIRRORPAIR_EVENT: event, MIRRORPAIR_CAUSE: cause, MIRRORPAIR_VALUES: values.join('\n') }
    const args = joiningCgroup(cgroup, ['/bin/sh', '-c', command])
    const child = spawn('/bin/sh', args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...keptEnvironment(), PATH: programPath(), HOME: process.env.HOME ?? '/', ...facts }
    })
    return outcomeOf(child, cgroup, timeoutMs)
  }
}

const LEFT_POLL_MS = 100

/** It has ended when nothing of it is left, or when its time is over. */
function outcomeOf(child: ChildProcess, cgroup: Cgroup | null, timeoutMs: number): Promise<string | null> {
  const output = collectOutput(child)
  return new Promise((resolve) => {
    let why: string | null | undefined
    const finish = (text: string | null): void => {
      clearTimeout(timer)
      clearInterval(poll)
      killTree(child.pid, cgroup)
      child.stdout?.destroy()
      child.stderr?.destroy()
      const said = redact(lastLines(output(), OUTPUT_LINES))
      resolve(text === null || said === '' ? text : `${text}: ${said}`)
    }
    const timer = setTimeout(() => finish(why ?? `it did not end within ${timeoutMs} ms`), timeoutMs)
    const poll = setInterval(() => why !== undefined && isEmpty(cgroup) && finish(why), LEFT_POLL_MS)
    child.once('error', (error) => finish(plainReason(error)))
    child.once('exit', (code, signal) => {
      why = code === 0 ? null : signal === null ? `exit code ${code}` : `ended by ${signal}`
    })
  })
}

const isEmpty = (cgroup: Cgroup | null): boolean => cgroup === null || cgroupMembers(cgroup).length === 0
