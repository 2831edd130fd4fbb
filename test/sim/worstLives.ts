import { DRIFT_OF_LEASE_MIN, KILL_GRACE_MS, type QuorumConfig } from '../../src/model'
import { etcdConfig, QUORUM, quorumConfig } from '../fakes/pairConfig'
import type { WorldOptions } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import type { Fault } from './faults'
import { whenCalm, whenever } from './moments'
import { isolate, QUORUM_FAULTS } from './quorumFaults'
import { randomFrom } from './random'
import { type Planted, simulateQuorum } from './simulateQuorum'

/**
 * The tightest that the configuration accepts: what the guard kills at nine tenths of a lease is gone, after the time that a kill may take and with the
 * slowest clock that is allowed, just when the fastest one lets the other node begin.
 */
export const TIGHT: QuorumConfig = { ...QUORUM, leaseMs: 2_500, driftMs: 50 }

/** Both at the bound: the fast one goes ahead of the slow one by that part. */
const FAST = Math.sqrt(1 + DRIFT_OF_LEASE_MIN)
const SLOW = 1 / FAST
const MESSAGE_MS = 900
const DISK_MS = 1_500
const [CALM_MESSAGE_MS, CALM_DISK_MS] = [20, 50]
/** Few enough for a lease of that length to be kept mostly. */
const LOST_PART = 0.03

const LOOKS_MAX = 600
const CALM_MS = 9_000
const SLEEP_MS = 9_000
const SLEEPS_MORE_MS = 8_000
const APART_MS = 8_000
const ETCD_EVERY = 3

/** Whoever serves sleeps until the other one has taken over, and believes when it wakes up that it leads. */
const oversleep: Fault = (world, _name, random, later) =>
  whenCalm(world, CALM_MS, later, (owner) => {
    world.pause(owner, SLEEP_MS + random() * SLEEPS_MORE_MS)
    world.network.heal()
  })

/** What it is about to write of a takeover, or of the loss of its mirror, does not get to the disk, or only just. */
const inTheMiddle =
  (end: (world: World, name: string) => void): Fault =>
  (world, name, _random, later) =>
    whenCalm(world, CALM_MS, later, (owner) => {
      isolate(world, owner)
      whenever(
        () => world.node(name).saving !== null,
        LOOKS_MAX,
        later,
        () => end(world, name)
      )
      later(APART_MS, () => world.network.heal())
    })

/** What it has just granted, or recorded, is not on its disk yet. */
const witnessInTheMiddle: Fault = (world, name, _random, later) =>
  whenCalm(world, CALM_MS, later, () => {
    world.kill(name)
    whenever(
      () => world.witness?.saving === true,
      LOOKS_MAX,
      later,
      () => {
        world.witness?.kill()
        world.witness?.boot()
      }
    )
  })

const THESE: [name: string, fault: Fault][] = [
  ['the owner oversleeps its lease, not', oversleep],
  ['isolate the owner, and cut the power in the middle of a disk write of', inTheMiddle((world, name) => world.kill(name))],
  ['isolate the owner, and end in the middle of a disk write the engine of', inTheMiddle((world, name) => world.crashEngine(name))],
  ['end the witness in the middle of a disk write when it hears of the death of', witnessInTheMiddle]
]

/** Each of them often enough to happen in many lives. */
const OFTEN = Array.from({ length: 5 }, () => THESE).flat()
export const WORST_FAULTS = [...QUORUM_FAULTS, ...OFTEN]

/** Of each host, for all of its life: as slow or as fast as allowed, seldom something in between. */
function clocks(seed: number): NonNullable<WorldOptions['clockRate']> {
  const random = randomFrom(seed)
  const rates = new Map<string, number>()
  const draw = (): number => {
    const place = random()
    return place < 0.4 ? SLOW : place < 0.8 ? FAST : SLOW + (FAST - SLOW) * random()
  }
  return (host) => rates.get(host) ?? rates.set(host, draw()).get(host) ?? 1
}

/** Tight times, clocks at their bound, kills as slow as they may be, deaths in the middle of disk writes, and owners that oversleep. */
export function simulateWorst(seed: number, line: ((text: string) => void) | null = null, planted: Planted = {}): number {
  const random = randomFrom(seed + 1)
  const etcd = planted.etcd ?? seed % ETCD_EVERY === 0
  const { options, ...others } = planted
  return simulateQuorum(seed, line, {
    etcd,
    faults: WORST_FAULTS,
    ...others,
    options: {
      config: { ...(etcd ? etcdConfig : quorumConfig)('high-availability'), quorum: TIGHT },
      ...options
    },
    harsh: (faulty) => ({
      clockRate: clocks(seed),
      killMs: () => random() * KILL_GRACE_MS,
      delayMs: (what) => (what === 'message' ? 1 + random() ** 2 * (faulty() ? MESSAGE_MS : CALM_MESSAGE_MS) : 20 + random() * 400),
      loses: () => faulty() && random() < LOST_PART,
      diskMs: () => (random() < 0.3 ? random() * (faulty() ? DISK_MS : CALM_DISK_MS) : 0)
    })
  })
}
