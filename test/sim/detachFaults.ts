import type { World } from '../fakes/world'
import type { Config, JobRecord } from '../../src/model'
import type { Fault } from './faults'
import { oneOf } from './random'

const WORK_MS = 20_000
const FOR_MS = 15_000

/** Somebody works on it for a while; more goes wrong meanwhile. */
const work: Fault = (world, name, random, later) => {
  world.command(name, 'detach', { stopData: random() < 0.5 })
  later(random() * WORK_MS, () => world.applicationDies(name, 'POSTGRES'))
  later(random() * 2 * WORK_MS, () => world.command(name, 'bringin'))
}

/** One folder more, or one less; perhaps put back before it was ever used. */
const folders: Fault = (world, name, random, later) => {
  world.command(name, 'detach', { stopData: true })
  for (const share of [0.3, 0.6]) if (random() < 0.7) later(share * WORK_MS, () => world.agreeOn(name, otherFolders(random() < 0.5, world.jobs.aimedAt)))
  later((0.5 + random()) * WORK_MS, () => world.command(name, 'bringin'))
}

/** Below what each of them has of its own. */
const MORE = '/srv/more'

const otherFolders =
  (more: boolean, name: string) =>
  (config: Config): Config => {
    const job = config.jobs[name]
    const old = job?.data
    if (!job || !old) return config
    const before = old.folders.filter(({ path }) => path !== MORE)
    const data = { ...old, folders: more ? [{ path: MORE, exclude: [] }, ...before] : before }
    return { ...config, jobs: { ...config.jobs, [name]: { ...job, data } } }
  }

const APPLICATIONS = ['POSTGRES', 'AGENT']
const ACTIONS = ['online', 'offline', 'detach'] as const

/** One application, by hand. */
const resource: Fault = (world, name, random) => {
  world.command(name, 'resource', { application: oneOf(APPLICATIONS, random), action: oneOf(ACTIONS, random) })
}

export const DETACH_FAULTS: [name: string, fault: Fault][] = [
  ['one application at', resource],
  ['one application at', resource],
  ['detach, work, bringin at', work],
  ['detach, work, bringin at', work],
  ['detach for a time at', (world, name, random) => void world.command(name, 'detach', { stopData: random() < 0.5, forMs: FOR_MS })],
  ['detach at', (world, name) => void world.command(name, 'detach')],
  ['detach with its data at', (world, name) => void world.command(name, 'detach', { stopData: true })],
  ['detach with its data, change the folders, bringin at', folders],
  ['detach with its data, change the folders, bringin at', folders],
  ['bringin at', (world, name) => void world.command(name, 'bringin')],
  ['bringin at', (world, name) => void world.command(name, 'bringin')]
]

/** Nobody works on it any more. */
export function endWork(world: World): void {
  for (const { name, state } of Object.values(world.nodes))
    for (const [job, { record }] of Object.entries(state?.jobs ?? {})) world.jobs.aim(job, () => endWorkOn(world, name, record))
}

function endWorkOn(world: World, name: string, { detached, resources }: JobRecord): void {
  if (detached) world.command(name, 'bringin')
  const [application] = Object.keys(resources ?? {})
  if (application !== undefined) world.command(name, 'resource', { application, action: 'online' })
}
