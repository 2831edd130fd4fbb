import { A, B, otherOf } from '../fakes/pairConfig'
import { W } from '../fakes/witness'
import type { World } from '../fakes/world'
import type { Fault } from './faults'

/** Somebody tries a while before he forces anything; and reads what may be lost. */
const PATIENCE_MS = 8_000
const READS_MS = 4_000

const force = (world: World, name: string, random: () => number): void => world.confirmed(name, 'forcetake', {}, random() * READS_MS)

/** Both die, and one comes back alone. */
const bothDie: Fault = (world, name, random, later) => {
  for (const each of [A, B]) world.kill(each)
  world.boot(name)
  later(PATIENCE_MS + random() * PATIENCE_MS, () => force(world, name, random))
}

/** It hears nobody; the others may go on very well. */
const isolated: Fault = (world, name, random, later) => {
  world.network.cut('service', 'link-0', 'link-1')
  if (world.witness) world.network.cutBoth(name, W)
  later(PATIENCE_MS + random() * PATIENCE_MS, () => force(world, name, random))
}

/** The other one dies, and the witness with it: nobody is left who could second anything. */
const survivor: Fault = (world, name, random, later) => {
  world.kill(otherOf(name))
  world.witness?.kill()
  later(PATIENCE_MS + random() * PATIENCE_MS, () => force(world, name, random))
}

export const FORCE_FAULTS: [name: string, fault: Fault][] = [
  ['both die, one boots and is forced:', bothDie],
  ['isolate, and force', isolated],
  ['only one survives, and is forced:', survivor]
]
