import type { Action } from '../../src/core'
import { JOB, monitorConfig, withSafety } from '../fakes/pairConfig'
import type { FakeNode } from '../fakes/fakeNode'
import { WALL_MS, type World } from '../fakes/world'
import { FAULTS, type Fault } from './faults'
import { simulate } from './simulate'

/** A machine is busy, idle again, or cannot be read. */
const load =
  (cpu: number | null): Fault =>
  (world, name) =>
    void world.cpu.set(name, cpu)

export const MONITOR_FAULTS: [name: string, fault: Fault][] = [
  ['busy processors on', load(90)],
  ['busy processors on', load(90)],
  ['busy processors on', load(90)],
  ['idle processors on', load(5)],
  ['idle processors on', load(5)],
  ['unreadable usage on', load(null)]
]

/** Else a node is seldom busy for three looks while the other one is ready to take what it has. */
const OFTEN = Array.from({ length: 5 }, () => MONITOR_FAULTS).flat()

/** What an HA switch of a monitor must never do; the rest is promised of every move of a job. */
class MonitorPromises {
  moves = 0

  check(world: World, node: FakeNode, actions: Action[]): void {
    const moved = actions.some((action) => action.do === 'monitorNote' && action.entry.what === 'switch')
    if (!moved || node.state === null) return
    this.moves += 1
    const { record } = node.state.jobs[JOB] as (typeof node.state.jobs)[string]
    const pauseMs = node.config.monitors?.[node.name]?.switchPauseMs ?? 0
    const stayedMs = WALL_MS + world.nowMs - record.takeTimeMs
    if (record.takeReason === 'failover' && stayedMs < pauseMs)
      throw new Error(`the monitor of ${node.name} moved a job that had come by itself ${stayedMs} ms before`)
    if (record.owner !== node.name || record.desired !== 'online') throw new Error(`the monitor of ${node.name} moved a job that is not served there`)
    if (record.detached) throw new Error(`the monitor of ${node.name} moved a job that is detached`)
    if (node.state.peer?.view.monitor?.state === 'Error') throw new Error(`the monitor of ${node.name} moved a job to a node whose own monitor is in error`)
    if (node.state.peerAlive !== 'up') throw new Error(`the monitor of ${node.name} moved a job to a node that is not heard`)
  }
}

/** As `simulate`, and both nodes watch their processors, which are busy now and then; answers how often a job was moved for it. */
export function simulateMonitored(seed: number, line: ((text: string) => void) | null = null): number {
  const promises = new MonitorPromises()
  const config = monitorConfig(withSafety(seed % 2 === 0 ? 'off' : 'full'))
  simulate(seed, line, [...FAULTS, ...OFTEN], {
    config,
    check: (world, node, actions) => promises.check(world, node, actions),
    peace: (world) => world.cpu.clear()
  })
  return promises.moves
}
