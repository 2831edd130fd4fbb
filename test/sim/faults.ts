import { A, B } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import { FORCE_FAULTS } from './forceFaults'

/** Only if the time of faults is not over by then. */
export type Later = (delayMs: number, run: () => void) => void
export type Fault = (world: World, name: string, random: () => number, later: Later) => void

const BRINGOUT_MS = 4_000
const HANDWORK_MS = 2_000
const SWITCH_MS = 5_000
const THINK_MS = 5_000

/** What is lost by it is read, and thought about. */
const selectSource: Fault = (world, name, random) => world.confirmed(name, 'selectsrc', { node: random() < 0.5 ? A : B }, random() * THINK_MS)

/** What may happen to a pair, and what people do to it. Drawn with equal chance: what should be frequent stands here twice. */
export const FAULTS: [name: string, fault: Fault][] = [
  ['kill', (world, name) => world.kill(name)],
  ['boot', (world, name) => world.boot(name)],
  ['boot', (world, name) => world.boot(name)],
  ['kill the engine of', (world, name) => world.crashEngine(name)],
  ['start the engine of', (world, name) => world.startEngine(name)],
  ['start the engine of', (world, name) => world.startEngine(name)],
  ['shut down', (world, name) => world.shutDown(name)],
  ['shut down in order', (world, name) => world.leave(name)],
  ['cut all', (world) => world.network.cut('service', 'link-0', 'link-1')],
  ['lose the heartbeats', (world) => world.network.loseHeartbeats()],
  ['pull the public cable of', (world, name) => world.network.loseNic(name)],
  ['pull one of two public cables of', (world, name) => world.network.loseNic(name, true)],
  ['cut the data links', (world) => world.network.cut('link-0', 'link-1')],
  ['heal', (world) => world.network.heal()],
  ['heal', (world) => world.network.heal()],
  ['switch at', (world, name) => void world.command(name, 'switch')],
  ['switch at', (world, name) => void world.command(name, 'switch')],
  ['switch, then cut all, at', switchAndCut],
  ['bringin at', (world, name) => void world.command(name, 'bringin')],
  ['bringin at', (world, name) => void world.command(name, 'bringin')],
  ['bringout at', (world, name, random) => world.confirmed(name, 'bringout', {}, random() * THINK_MS)],
  ['takeover at', (world, name) => void world.command(name, 'takeover')],
  ['forcetake at', (world, name, random) => world.confirmed(name, 'forcetake', {}, random() * THINK_MS)],
  ['bringout, work by hand, bringin at', maintain],
  ['work by hand on', (world, name) => world.workByHand(name)],
  ['clearerr at', (world, name) => void world.command(name, 'clearerr')],
  ['mirror start at', (world, name) => void world.command(name, 'mirror', { action: 'start' })],
  ['safety full at', (world, name) => void world.command(name, 'safety', { safety: 'full' })],
  ['safety off at', (world, name) => void world.command(name, 'safety', { safety: 'off' })],
  ['selectsrc at', selectSource],
  ['selectsrc at', selectSource],
  ['verify start at', (world, name) => void world.command(name, 'verify', { action: 'start' })],
  ['upgrade at', (world, name) => void world.command(name, 'upgrade', { node: name })],
  ...FORCE_FAULTS,
  ['POSTGRES dies on', (world, name) => world.applicationDies(name, 'POSTGRES')],
  ['the data program dies on', (world, name) => world.dataDies(name)]
]

function switchAndCut(world: World, name: string, random: () => number, later: Later): void {
  world.command(name, 'switch')
  later(random() * SWITCH_MS, () => world.network.cut('service', 'link-0', 'link-1'))
}

function maintain(world: World, name: string, _random: () => number, later: Later): void {
  world.confirmed(name, 'bringout')
  later(BRINGOUT_MS, () => world.workByHand(name))
  later(BRINGOUT_MS + HANDWORK_MS, () => world.command(name, 'bringin'))
}
