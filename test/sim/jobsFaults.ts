import type { Config, DataConfig, JobConfig, JobMode } from '../../src/model'
import { A, applicationConfig, B, DATA, JOB, jobConfig, otherOf } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import { DETACH_FAULTS } from './detachFaults'
import type { Fault } from './faults'
import { allBack, mostlyCalm, whenever } from './moments'
import { QUORUM_FAULTS } from './quorumFaults'
import { oneOf } from './random'

/** The first one has what all simulated pairs have. */
export const JOBS = [JOB, 'WEB', 'FILES']
const MODES: JobMode[] = ['high-availability', 'high-availability', 'guide', 'high-protection', 'high-performance']
const BRINGOUT_MS = 1_500
const BRINGIN_MS = 2_000
const APART_MS = 12_000
const SOON_MS = 2_000
const CALM_MS = 3_000
const CALM_PART = 0.8
const HASTE_PART = 0.2
const LOOKS_MAX = 400

/** As the file would have it: some modes are for data, and one needs a witness. */
const modesOf = ({ witness }: Pick<Config, 'witness'>, hasData: boolean): JobMode[] =>
  MODES.filter((mode) => (witness || mode !== 'high-availability') && (hasData || mode === 'high-availability' || mode === 'guide'))

export function someJob(name: string, config: Pick<Config, 'witness'>, random: () => number): JobConfig {
  const isServiceOnly = name === 'FILES' && random() < 0.5
  const mode = oneOf(modesOf(config, !isServiceOnly), random)
  const safety = mode === 'high-performance' ? 'off' : mode === 'guide' && random() < 0.5 ? 'off' : 'full'
  const data: DataConfig = { ...DATA, safety, folders: [{ path: `/srv/${name}`, exclude: [] }], port: DATA.port + JOBS.indexOf(name) }
  return jobConfig({
    name,
    mode,
    vips: [vip(name, 130 + JOBS.indexOf(name))],
    applications: [applicationConfig('POSTGRES'), applicationConfig('AGENT', ['POSTGRES'])],
    data: isServiceOnly ? null : data,
    ...(random() < 0.5 ? { firstOwner: B } : {})
  })
}

const vip = (job: string, host: number): JobConfig['vips'][number] => ({
  name: `IP-${job}`,
  address: `192.168.150.${host}`,
  prefix: 16,
  family: 4,
  nicGroup: null,
  nic: null
})

const withJob =
  (name: string, change: (job: JobConfig | undefined, config: Config) => JobConfig | null) =>
  (config: Config): Config => {
    const { [name]: job, ...others } = config.jobs
    const next = change(job, config)
    if (next === null && Object.keys(others).length === 0) return config
    return { ...config, jobs: next === null ? others : { ...others, [name]: next } }
  }

/** Whom a fault is about is drawn; what comes of it later is about the same one. */
const ofSomeJob =
  (fault: Fault): Fault =>
  (world, name, random, later) => {
    const job = oneOf(JOBS, random)
    world.jobs.aim(job, () => fault(world, name, random, (delayMs, run) => later(delayMs, () => world.jobs.aim(job, run))))
  }

const calmly = mostlyCalm(CALM_PART, (world, later, then) => {
  allBack(world)
  later(CALM_MS, then)
})

const has = (world: World, name: string): boolean => world.node(name).config.jobs[world.jobs.aimedAt] !== undefined

const removeJob = (world: World, name: string): void =>
  world.agreeOn(
    name,
    withJob(world.jobs.aimedAt, () => null)
  )

const makeJob = (world: World, name: string, random: () => number): void => {
  const job = world.jobs.aimedAt
  world.agreeOn(
    name,
    withJob(job, (known, config) => known ?? someJob(job, config, random))
  )
}

const isOut = (world: World): boolean =>
  Object.values(world.nodes).every(({ state }) => state?.jobs[world.jobs.aimedAt]?.record.desired === 'offline') && world.serving().length === 0

/** It is brought out, and it goes; or somebody tries before it is out. */
const remove: Fault = (world, name, random, later) => {
  world.confirmed(name, 'bringout')
  if (random() < HASTE_PART) return later(BRINGOUT_MS, () => removeJob(world, name))
  const out = (): void => later(random() * BRINGOUT_MS, () => removeJob(world, name))
  whenever(() => isOut(world), LOOKS_MAX, later, out)
}

const make: Fault = (world, name, random, later) => {
  makeJob(world, name, random)
  later(BRINGIN_MS, () => world.command(name, 'bringin'))
}

/** As somebody does who wants it to be called otherwise, or to begin anew: one after the other, or in one breath. */
const makeAnew: Fault = (world, name, random, later) => {
  const last = random() < 0.5 ? name : otherOf(name)
  remove(world, name, random, later)
  const gone = (): void => later(random() < 0.5 ? 0 : random() * SOON_MS, () => make(world, last, random, later))
  whenever(() => !has(world, last), 2 * LOOKS_MAX, later, gone)
}

const away: [what: string, (world: World, name: string, random: () => number) => void][] = [
  ['kill', (world, name) => world.kill(name)],
  ['end the engine of', (world, name) => world.crashEngine(name)],
  ['cut both near', (world) => world.network.cutBoth(A, B)],
  ['pause', (world, name, random) => world.pause(name, random() * APART_MS)],
  ['fail the disk of', (world, name) => void (world.node(name).diskFails = true)],
  ['shut down in order', (world, name) => world.leave(name)]
]

/** Something happens to one of the two before the change is through everywhere; then all is well again, or not. */
const andThen =
  (change: Fault): Fault =>
  (world, name, random, later) => {
    change(world, name, random, later)
    const [, then] = oneOf(away, random)
    const other = random() < 0.5 ? A : B
    later(BRINGOUT_MS + random() * SOON_MS, () => then(world, other, random))
    if (random() < 0.7) later(BRINGOUT_MS + SOON_MS + random() * APART_MS, () => allBack(world))
  }

/** Others are moved meanwhile. */
const whileOthersMove =
  (change: Fault): Fault =>
  (world, name, random, later) => {
    const { aimedAt } = world.jobs
    change(world, name, random, later)
    for (const other of JOBS.filter((each) => each !== aimedAt))
      later(BRINGOUT_MS + (random() - 0.5) * SOON_MS, () =>
        world.jobs.aim(other, () => world.command(oneOf([A, B], random), oneOf(['switch', 'bringout', 'bringin', 'detach'], random)))
      )
  }

const changeMode: Fault = (world, name, random) => {
  const job = world.jobs.aimedAt
  world.agreeOn(
    name,
    withJob(job, (known, config) => (known ? { ...known, mode: oneOf(modesOf(config, known.data !== null), random) } : null))
  )
}

const changeVip: Fault = (world, name, random) => {
  const job = world.jobs.aimedAt
  const host = 140 + Math.floor(random() * 100)
  world.agreeOn(
    name,
    withJob(job, (known) => (known ? { ...known, vips: [vip(job, host)] } : null))
  )
}

const changeRestart: Fault = (world, name) => {
  const job = world.jobs.aimedAt
  world.agreeOn(
    name,
    withJob(job, (known) => (known ? { ...known, restart: { max: 3, windowMs: 600_000 + world.nowMs } } : null))
  )
}

const HOURS_MS = 4 * 3_600_000

/** It was wrong, or is wrong from now on; nothing that is promised hangs on it. */
const stepWallClock: Fault = (world, name, random) => {
  world.node(name).wallOffMs = random() < 0.3 ? 0 : (2 * random() - 1) * HOURS_MS
}

const CHANGES: [string, Fault][] = [
  ['take a job out at', remove],
  ['make a job at', make],
  ['make a job at', make],
  ['make a job at', make],
  ['make a job anew at', makeAnew],
  ['make a job anew at', makeAnew],
  ['make a job anew, and then, at', andThen(makeAnew)],
  ['make a job anew, and then, at', andThen(makeAnew)],
  ['make a job, and then, at', andThen(make)],
  ['take a job out, and then, at', andThen(remove)],
  ['make a job anew while others are moved at', whileOthersMove(makeAnew)],
  ['make a job anew while others are moved at', andThen(whileOthersMove(makeAnew))],
  ['change the mode of a job at', changeMode],
  ['change the address of a job at', changeVip],
  ['change the restart limit of a job at', changeRestart]
]

const OF_OTHERS: [name: string, fault: Fault][] = [
  ...QUORUM_FAULTS,
  ...DETACH_FAULTS,
  ['step the wall clock of', stepWallClock],
  ['step the wall clock of', stepWallClock]
]
/** What a change has to get through, and little else: then most of them get through. */
const FEW = [
  'kill',
  'kill the engine of',
  'boot',
  'start all at',
  'heal',
  'switch at',
  'bringin at',
  'pause',
  'cut all',
  'restart the witness near',
  'step the wall clock of'
]

const ofSomeJobs = (faults: typeof OF_OTHERS): typeof OF_OTHERS => faults.map(([name, fault]) => [name, ofSomeJob(fault)])
const often = ofSomeJobs(Array.from({ length: 6 }, () => CHANGES).flat()).map(([name, fault]): [string, Fault] => [name, calmly(fault)])

export const JOBS_FAULTS = [...ofSomeJobs(OF_OTHERS), ...often]
export const JOBS_CHANGES = [...ofSomeJobs(OF_OTHERS.filter(([name]) => FEW.includes(name))), ...often]
