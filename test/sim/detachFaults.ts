import type { World } from '../fakes/world'
import { JOB } from '../fakes/pairConfig'
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
  ['bringin at', (world, name) => void world.command(name, 'bringin')],
  ['bringin at', (world, name) => void world.command(name, 'bringin')]
]

/** Nobody works on it any more. */
export function endWork(world: World): void {
  for (const { name, state } of Object.values(world.nodes)) {
    const record = state?.jobs[JOB]?.record
    if (record?.detached) world.command(name, 'bringin')
    const [application] = Object.keys(record?.resources ?? {})
    if (application !== undefined) world.command(name, 'resource', { application, action: 'online' })
  }
}
