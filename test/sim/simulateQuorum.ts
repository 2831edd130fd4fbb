import { JOB_MODES, type JobMode } from '../../src/model'
import type { Action, Event } from '../../src/core'
import { A, etcdConfig, JOB, quorumConfig } from '../fakes/pairConfig'
import { transcriptLines } from '../fakes/transcript'
import type { FakeNode, WorldOptions } from '../fakes/fakeNode'
import { World } from '../fakes/world'
import { DETACH_FAULTS, endWork } from './detachFaults'
import type { Later } from './faults'
import { JobsPromises } from './jobsPromises'
import { PacePromises } from './pacePromises'
import { LATE_CHANGE_FAULTS } from './lateChanges'
import { MODE_FAULTS } from './modeFaults'
import { QUORUM_FAULTS } from './quorumFaults'
import { chances, comeToRest, FAULTS_MS, maybeFault, startsFail, STEP_MS } from './life'
import { randomFrom } from './random'

const DRIFT = 0.01
const BRINGIN_EVERY_MS = 3_000
const BRINGINS_MAX = 10
/** Every so many lives are in high protection: nobody takes over, and a mirror that is away stops the service. */
const PROTECTION_EVERY = 8
const ETCD_EVERY = 5

/** A bug that a test plants, to see that it is found. */
export interface Planted {
  options?: Partial<WorldOptions>
  /** What messages and disks are like, as long as there are faults and afterwards. */
  harsh?: (faulty: () => boolean) => Partial<WorldOptions>
  prepare?: (world: World) => void
  faults?: typeof QUORUM_FAULTS
  /** An etcd cluster is the third voter. */
  etcd?: boolean
  /** What it begins with, unless the seed says it. */
  mode?: JobMode
}

/** One life of a pair with its witness: three minutes of faults, then peace, then it must be whole. Throws what was broken; answers how often the job was detached. */
export function simulateQuorum(seed: number, line: ((text: string) => void) | null = null, planted: Planted = {}): number {
  const random = randomFrom(seed)
  let faulty = true
  const promises = new JobsPromises()
  const paced = new PacePromises()
  const rates = new Map<string, number>()
  const observe = (node: FakeNode, event: Event, actions: Action[]): void => {
    if (line) for (const text of transcriptLines(node.name, event, actions)) line(text)
    promises.check(world, node, event, actions)
    paced.check(node, event.atMs, actions)
  }
  const world: World = new World({
    config: (planted.etcd ? etcdConfig : quorumConfig)(planted.mode ?? (seed % PROTECTION_EVERY === 0 ? 'high-protection' : 'high-availability')),
    agrees: true,
    random,
    observe,
    delayMs: (what) => (what === 'message' ? 1 + random() ** 2 * (faulty ? 2_500 : 20) : 20 + random() * 400),
    ...chances(random, () => faulty),
    saved: (node, records) => promises.saved(world, node, records),
    witnessed: (ballot, job, since) => promises.witnessed(ballot, job, since),
    wiped: () => promises.witnessWiped(),
    served: (node, what, job) => promises.served(world, node, what, job),
    clockRate: (host) => rates.get(host) ?? rates.set(host, 1 + (2 * random() - 1) * DRIFT).get(host) ?? 1,
    ...planted.harsh?.(() => faulty),
    ...planted.options
  })
  const starts = startsFail(world, seed, random, () => faulty)
  planted.prepare?.(world)
  world.bootAll()
  bringIn(world)
  const later: Later = (delayMs, run) => world.after(delayMs, () => faulty && run())
  live(world, FAULTS_MS, () => maybeFault(world, planted.faults ?? QUORUM_FAULTS, random, later, line))
  faulty = false
  line?.('--- peace ---')
  world.network.heal()
  comeToRest(
    seed,
    (forMs) => {
      // Whoever was still on its way out is started too.
      world.bootAll()
      endWork(world)
      live(world, forMs, () => undefined)
    },
    () => promises.checkWhole(world, starts)
  )
  return promises.detached
}

/** It is refused as long as there is no quorum. */
function bringIn(world: World): void {
  const isOnline = (job: string): boolean => Object.values(world.nodes).some(({ state }) => state?.jobs[job]?.phase === 'online')
  const jobs = Object.keys(world.config.jobs)
  for (let tried = 0; tried < BRINGINS_MAX && !jobs.every(isOnline); tried++) {
    world.run(BRINGIN_EVERY_MS)
    for (const job of jobs) if (job === JOB || !isOnline(job)) world.jobs.aim(job, () => world.command(A, 'bringin'))
  }
}

function live(world: World, forMs: number, each: () => unknown): void {
  for (let passed = 0; passed < forMs; passed += STEP_MS) {
    each()
    world.run(STEP_MS)
    world.write()
  }
}

/** The same, and somebody works on it now and then. */
export const simulateQuorumWork = (seed: number, line: ((text: string) => void) | null = null): number =>
  simulateQuorum(seed, line, { faults: [...QUORUM_FAULTS, ...DETACH_FAULTS, ...DETACH_FAULTS], etcd: seed % 3 === 0 })

/** Mode, lease and drift are changed while the job is served. */
export const simulateModes = (seed: number, line: ((text: string) => void) | null = null, planted: Planted = {}): number =>
  simulateQuorum(seed, line, { faults: MODE_FAULTS, mode: JOB_MODES[seed % JOB_MODES.length] as JobMode, etcd: seed % ETCD_EVERY === 0, ...planted })

/** And at the worst moment somebody is cut off, or does not hear of it. */
export const simulateLateChanges = (seed: number, line: ((text: string) => void) | null = null): number =>
  simulateModes(seed, line, { faults: LATE_CHANGE_FAULTS, ...(seed % 2 === 0 ? { mode: 'high-availability' } : {}) })

/** The same with an etcd cluster in the witness's place. */
export const simulateEtcd = (seed: number, line: ((text: string) => void) | null = null): number => simulateQuorum(seed, line, { etcd: true })
