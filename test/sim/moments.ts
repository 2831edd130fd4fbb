import { A } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import type { Later } from './faults'

const LOOK_MS = 20

/** As soon as this is so; it is looked at so often at most. */
export function whenever(isSo: () => boolean, looksMax: number, later: Later, then: () => void): void {
  const look = (left: number): void => {
    if (isSo()) then()
    else if (left > 0) later(LOOK_MS, () => look(left - 1))
  }
  look(looksMax)
}

/** All is well for a while first, so that the other node could take over; then `run` with who serves. */
export function whenCalm(world: World, calmMs: number, later: Later, run: (owner: string) => void): void {
  world.network.heal()
  world.bootAll()
  later(calmMs / 2, () => world.command(A, 'bringin'))
  later(calmMs, () => {
    const owner = world.serving()[0]?.name
    if (owner !== undefined) run(owner)
  })
}
