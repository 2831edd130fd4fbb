import { A } from '../fakes/pairConfig'
import type { World } from '../fakes/world'
import type { Fault, Later } from './faults'

const LOOK_MS = 20

/** As soon as this is so; it is looked at so often at most. */
export function whenever(isSo: () => boolean, looksMax: number, later: Later, then: () => void): void {
  const look = (left: number): void => {
    if (isSo()) then()
    else if (left > 0) later(LOOK_MS, () => look(left - 1))
  }
  look(looksMax)
}

/** Whoever was cut off or down is there again. */
export function allBack(world: World): void {
  world.network.heal()
  world.bootAll()
}

/** All is well for a while first, and the job is brought in. */
export function calmDown(world: World, calmMs: number, later: Later, then: () => void): void {
  allBack(world)
  later(calmMs / 2, () => world.command(A, 'bringin'))
  later(calmMs, then)
}

/** So that the other node could take over; then `run` with who serves. */
export function whenCalm(world: World, calmMs: number, later: Later, run: (owner: string) => void): void {
  calmDown(world, calmMs, later, () => {
    const owner = world.serving()[0]?.name
    if (owner !== undefined) run(owner)
  })
}

/** Both nodes have to be there, or nothing is changed: mostly, in this part of the cases, somebody has seen to that first. */
export const mostlyCalm =
  (part: number, calm: (world: World, later: Later, then: () => void) => void) =>
  (change: Fault): Fault =>
  (world, name, random, later) => {
    if (random() > part) return change(world, name, random, later)
    calm(world, later, () => change(world, name, random, later))
  }
