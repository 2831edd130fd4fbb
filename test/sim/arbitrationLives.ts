import { A, arbitrationConfig, B, otherOf, pairConfig, withSafety } from '../fakes/pairConfig'
import type { WorldOptions } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import { ArbitrationPromises } from './arbitrationPromises'
import { FAULTS, type Fault } from './faults'
import { simulate } from './simulate'

const SLOW_MS = 8_000
/** The address is away for so long, or a fence agent does what it should not. */
const FOR_MS = 25_000

const cutAll = (world: World): void => world.network.cut('service', 'link-0', 'link-1')

const loseGateway: Fault = (world, name, random, later) => {
  world.network.gatewayLost.add(name)
  later(random() * FOR_MS, () => world.network.gatewayLost.delete(name))
}

/** All cables of one machine at once: it hears nobody and reaches nothing. */
const isolate: Fault = (world, name, random, later) => {
  cutAll(world)
  world.network.gatewayLost.add(name)
  later(random() * FOR_MS, () => world.network.heal())
}

/** Whoever serves is the one that is cut off: the other one is to take over. */
const isolateOwner: Fault = (world, _name, random, later) => {
  const owner = world.serving()[0]
  if (owner) isolate(world, owner.name, random, later)
}

/** Neither reaches it, and each may think that it is the other one's fault. */
const loseAll: Fault = (world, _name, random, later) => {
  cutAll(world)
  for (const node of [A, B]) world.network.gatewayLost.add(node)
  later(random() * FOR_MS, () => world.network.gatewayLost.delete(random() < 0.5 ? A : B))
}

const cutAndReach: Fault = (world, _name, random, later) => {
  cutAll(world)
  later(random() * FOR_MS, () => world.network.heal())
}

/** It fails, with or without effect, or takes its time. */
const badFence: Fault = (world, name, random, later) => {
  const fails = random() < 0.6
  world.fences.set(name, { fails, switchesOff: !fails || random() < 0.3, afterMs: random() * SLOW_MS })
  later(random() * FOR_MS, () => world.fences.delete(name))
}

const badFenceAndKill: Fault = (world, name, random, later) => {
  badFence(world, name, random, later)
  world.kill(otherOf(name))
}

const OF_ARBITRATION: [name: string, fault: Fault][] = [
  ['lose the gateway of', loseGateway],
  ['lose the gateway of', loseGateway],
  ['isolate', isolate],
  ['isolate the owner, not', isolateOwner],
  ['isolate the owner, not', isolateOwner],
  ['lose all links and every gateway near', loseAll],
  ['cut all, and leave the gateway to', cutAndReach],
  ['spoil the fence agent of', badFence],
  ['spoil the fence agent, then kill the other node of', badFenceAndKill]
]

const ARBITRATION_FAULTS = [...FAULTS, ...OF_ARBITRATION, ...OF_ARBITRATION]

/** As `simulate`; a node asks whether it reaches an address, and in every other life a fence agent, before it takes over. Answers how often one did. */
export function simulateArbitrated(seed: number, line: ((text: string) => void) | null = null, planted: Pick<WorldOptions, 'step'> = {}): number {
  const safety = withSafety(seed % 4 < 2 ? 'off' : 'full')
  const { arbitration } = arbitrationConfig(seed % 2 === 0)
  const config = { ...pairConfig(), ...safety, ...(arbitration ? { arbitration } : {}) }
  const promises = new ArbitrationPromises()
  simulate(seed, line, ARBITRATION_FAULTS, {
    config,
    check: (_world, node, actions, event) => promises.check(node, actions, event),
    peace: (world) => world.fences.clear(),
    served: (world, node, what) => promises.served(world, node, what),
    ...planted
  })
  return promises.takeovers
}
