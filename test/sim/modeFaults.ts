import { type Config, JOB_MODES, type JobMode } from '../../src/model'
import { A, B, JOB } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import type { Fault } from './faults'
import { calmDown, mostlyCalm } from './moments'
import { QUORUM_FAULTS } from './quorumFaults'
import { oneOf } from './random'

const LEASES_MS = [3_000, 6_000, 12_000]
/** Well above what the clocks of a simulated life differ by in a lease. */
const DRIFT_PART = 30
/** In the middle of a change: it takes a few messages and disk writes. */
const SOON_MS = 3_000

const withMode =
  (mode: JobMode) =>
  (config: Config): Config => {
    const { [JOB]: job, ...others } = config.jobs
    return job ? { ...config, jobs: { ...others, [JOB]: { ...job, mode } } } : config
  }

const withLease =
  (leaseMs: number) =>
  (config: Config): Config =>
    config.quorum ? { ...config, quorum: { ...config.quorum, leaseMs, driftMs: Math.ceil(leaseMs / DRIFT_PART) } } : config

const CALM_PART = 0.7
const CALM_MS = 7_000
const calmly = mostlyCalm(CALM_PART, (world, later, then) => calmDown(world, CALM_MS, later, then))

const changeMode: Fault = (world, name, random) => world.agreeOn(name, withMode(oneOf(JOB_MODES, random)))
const changeTimes: Fault = (world, name, random) => world.agreeOn(name, withLease(oneOf(LEASES_MS, random)))

/** And not to those that there are. */
export const changeToOtherTimes: Fault = (world, name, random) =>
  world.agreeOn(name, (config) =>
    withLease(
      oneOf(
        LEASES_MS.filter((leaseMs) => leaseMs !== config.quorum?.leaseMs),
        random
      )
    )(config)
  )

const changeBoth: Fault = (world, name, random) =>
  world.agreeOn(name, (config) => withLease(oneOf(LEASES_MS, random))(withMode(oneOf(JOB_MODES, random))(config)))

/** And something happens to one of the two before it is through everywhere. */
const andThen =
  (then: (world: World, name: string) => void): Fault =>
  (world, name, random, later) => {
    changeMode(world, name, random, later)
    const other = random() < 0.5 ? A : B
    later(random() * SOON_MS, () => then(world, other))
  }

const ALL: [name: string, fault: Fault][] = [
  ['change the mode at', changeMode],
  ['change the mode at', changeMode],
  ['change the times of the quorum at', changeTimes],
  ['change mode and times at', changeBoth],
  ['change the mode, then kill one, at', andThen((world, name) => world.kill(name))],
  ['change the mode, then end an engine, at', andThen((world, name) => world.crashEngine(name))],
  ['change the mode, then fail a disk, at', andThen((world, name) => void (world.node(name).diskFails = true))],
  ['change the mode, then cut both, at', andThen((world) => world.network.cutBoth(A, B))],
  ['change the mode, then pause one, at', andThen((world, name) => world.pause(name, SOON_MS))]
]

const CHANGES = ALL.map(([name, change]): [string, Fault] => [name, calmly(change)])

/** Every other one is a change. */
export const MODE_FAULTS = [...QUORUM_FAULTS, ...Array.from({ length: Math.round(QUORUM_FAULTS.length / CHANGES.length) }, () => CHANGES).flat()]
