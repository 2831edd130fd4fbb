import { askShared } from '../../src/core/quorum/shared'
import { askWitness } from '../../src/core/quorum/witness'
import { DRIFT_OF_LEASE_MIN, KILL_GRACE_MS } from '../../src/model'
import { A, B } from '../fakes/pairConfig'
import { FakeStore } from '../fakes/store'
import { W } from '../fakes/witness'
import type { WorldOptions } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import type { Fault } from './faults'
import { same, stepping, withActions } from './plantedSteps'
import type { Planted } from './simulateQuorum'

/** The owner's clock is as slow as it may be beside that of whoever lets the other one serve, everything else is as quick as can be, and a kill is not. */
const AT_THE_EDGE: Partial<WorldOptions> = {
  clockRate: (host) => (host === W ? 1 + DRIFT_OF_LEASE_MIN : 1),
  killMs: () => KILL_GRACE_MS,
  delayMs: () => 1,
  diskMs: () => 0,
  loses: () => false
}

const CALM_MS = 6_000
const AWAY_MS = 8_000
/** An engine looks every so often from its start on: no two are to do so at the same moment. */
const LOOK_MS = 500

/** Nothing stops in order; what the engine had told before is all that there is. */
const ownerDies: Fault = (world, _name, random, later) => {
  later(CALM_MS + random() * AWAY_MS, () => {
    const owner = world.serving()[0]
    if (owner === undefined) return
    // Nobody sees by its address that it serves still.
    world.network.cutBoth(A, B)
    world.crashEngine(owner.name)
    later(AWAY_MS, () => world.network.heal())
    later(AWAY_MS + random() * LOOK_MS, () => world.startEngine(owner.name))
  })
}
const FAULTS: [string, Fault][] = [['the engine dies of whoever serves, not', ownerDies]]

/** The nodes cannot second each other, so it is all up to the third voter. */
const onlyTheThird = (world: World): void => {
  world.losesMessage = (kind) => kind === 'vote'
}

/** A voter lets the other one serve when the lease is over by its own clock. */
function noDrift(): Planted {
  return {
    etcd: false,
    faults: FAULTS,
    options: AT_THE_EDGE,
    prepare: (world) => {
      onlyTheThird(world)
      if (world.witness) world.witness.asks = (witness, message, atMs) => askWitness({ ...witness, times: { ...witness.times, driftMs: 0 } }, message, atMs)
    }
  }
}

/** It waits as if no clock were faster than another one. */
function noDriftInStore(): Planted {
  return {
    etcd: true,
    faults: FAULTS,
    options: { ...AT_THE_EDGE, clockRate: clocksOfNodes() },
    prepare: (world) => {
      onlyTheThird(world)
      if (world.witness instanceof FakeStore)
        world.witness.asksShared = (stored, seat, message, now) => askShared(stored, seat, message, { ...now, times: { ...now.times, driftMs: 0 } })
    }
  }
}

/** One of the two is slow. */
const clocksOfNodes = (): NonNullable<WorldOptions['clockRate']> => (host) => (host.endsWith('1') ? 1 : 1 + DRIFT_OF_LEASE_MIN)

const LATE_MS = 60

/** What kills looks a moment later than it should, and the engine does not stop in order. */
function guardALittleLate(): Planted {
  return {
    etcd: false,
    faults: FAULTS,
    options: {
      ...AT_THE_EDGE,
      ...stepping(same, (result) => withActions(result, (action) => (action.do === 'lease' ? { ...action, killAtMs: action.killAtMs + LATE_MS } : action)))
    },
    prepare: onlyTheThird
  }
}

/** In lives in which there is nothing to spare: bugs of a few milliseconds. */
export const PLANTED_WORST: [what: string, breaks: RegExp, plant: () => Planted][] = [
  ['a drift bound that a witness does not wait for', /^I1/, noDrift],
  ['a drift bound that nobody waits for with etcd', /^I1/, noDriftInStore],
  ['a guard that kills a little too late', /^I1/, guardALittleLate]
]

/** The same lives without a bug: clocks and kills at their bound for nothing but that. */
export const AT_THE_EDGE_ONLY: Planted[] = [
  { etcd: false, faults: FAULTS, options: AT_THE_EDGE, prepare: onlyTheThird },
  { etcd: true, faults: FAULTS, options: { ...AT_THE_EDGE, clockRate: clocksOfNodes() }, prepare: onlyTheThird }
]
