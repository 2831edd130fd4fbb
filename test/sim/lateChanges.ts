import { otherOf } from '../fakes/pairConfig'
import { W } from '../fakes/witness'
import type { World } from '../fakes/world'
import type { Fault, Later } from './faults'
import { changeToOtherTimes, MODE_FAULTS } from './modeFaults'
import { whenCalm, whenever } from './moments'
import { isolate } from './quorumFaults'

/** How soon it is seen that a node goes by a new version, and how long one is waited for. */
const LOOKS_MAX = 300
const CALM_MS = 8_000
const APART_MS = 15_000
/** Longer than the longest lease that there is: what was granted before the change is over. */
const OUTLIVED_MS = 16_000

const versionOf = (world: World, name: string): number => world.node(name).agreeing?.kept.agreed.version ?? 0

/** As soon as this node goes by another version than now. */
function whenChanged(world: World, name: string, later: Later, then: () => void): void {
  const before = versionOf(world, name)
  whenever(() => versionOf(world, name) !== before, LOOKS_MAX, later, then)
}

/** One at a time: until when. */
const busyUntilMs = new WeakMap<World, number>()

/** Both nodes are there and hear each other, or nothing is changed; then `run` with who serves. */
function whenFree(world: World, later: Later, run: (owner: string) => void): void {
  if (world.nowMs < (busyUntilMs.get(world) ?? 0)) return
  busyUntilMs.set(world, world.nowMs + CALM_MS + OUTLIVED_MS + APART_MS)
  whenCalm(world, CALM_MS, later, run)
}

/** What the owner was granted, it was granted by the times of before; and nobody renews it. */
const changeAndIsolate: Fault = (world, _name, random, later) =>
  whenFree(world, later, (owner) => {
    whenChanged(world, owner, later, () => {
      isolate(world, owner)
      later(APART_MS, () => world.network.heal())
      busyUntilMs.set(world, world.nowMs + APART_MS)
    })
    changeToOtherTimes(world, owner, random, later)
  })

/**
 * The owner hears neither the witness nor that a change, which it has promised, was decided; the other node goes by it long enough for all that was
 * granted before to be over. Then the owner is alone.
 */
const leaveBehind: Fault = (world, _name, random, later) =>
  whenFree(world, later, (owner) => {
    world.network.cutBoth(owner, W)
    whenChanged(world, otherOf(owner), later, () => {
      const { losesMessage } = world
      const untilMs = world.nowMs + OUTLIVED_MS + APART_MS
      world.losesMessage = (kind) => losesMessage(kind) || (kind === 'config' && world.nowMs < untilMs)
      later(OUTLIVED_MS, () => isolate(world, owner))
      later(OUTLIVED_MS + APART_MS, () => world.network.heal())
    })
    changeToOtherTimes(world, otherOf(owner), random, later)
  })

export const LATE_CHANGES: [name: string, fault: Fault][] = [
  ['change the times, and isolate the owner that goes by them, not', changeAndIsolate],
  ['change the times, and leave the owner behind, not', leaveBehind]
]

/** Often enough for each of them to happen in a life, and among all the others. */
const OFTEN = Array.from({ length: 12 }, () => LATE_CHANGES).flat()
export const LATE_CHANGE_FAULTS = [...MODE_FAULTS, ...OFTEN]
