import { A, B } from '../fakes/pairConfig'
import type { WorldOptions } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import type { FAULTS, Later } from './faults'

export const FAULTS_MS = 180_000
const QUIET_MS = 120_000
export const STEP_MS = 500
const FAULT_EVERY_MS = 6_000
/** A life that is whole at each look of so long needs no more peace; some go on to the end all the same, so that nothing that comes later is missed. */
const WHOLE_MS = 20_000
const LOOK_EVERY_MS = 5_000
const TO_THE_END_EVERY = 8

/** What goes wrong with messages, disks and orders without anybody's doing, in each life. */
export const chances = (random: () => number, faulty: () => boolean): Pick<WorldOptions, 'loses' | 'repeats' | 'diskMs' | 'finishes'> => ({
  loses: () => faulty() && random() < 0.1,
  repeats: () => faulty() && random() < 0.1,
  diskMs: () => (random() < 0.2 ? random() * (faulty() ? 2_000 : 50) : 0),
  finishes: () => random() < 0.5
})

/** In a third of the lives what is started fails now and then. */
export function startsFail(world: World, seed: number, random: () => number, faulty: () => boolean): boolean {
  const starts = seed % 3 === 0
  world.fails = (_node, order) => (faulty() && starts && (order.do === 'start' || order.do === 'source') && random() < 0.15 ? 'it would not' : null)
  return starts
}

/** In each step one of these, or none. */
export function maybeFault(world: World, faults: typeof FAULTS, random: () => number, later: Later, line: ((text: string) => void) | null): void {
  if (random() >= STEP_MS / FAULT_EVERY_MS) return
  const chosen = faults[Math.floor(random() * faults.length)]
  const name = random() < 0.5 ? A : B
  line?.(`*** ${Math.round(world.nowMs)} ${chosen?.[0]} ${name}`)
  chosen?.[1](world, name, random, later)
}

/** Faults have ended: in bounded time it must be whole, and stay so. `pass` lets time go by; `check` throws what is not whole. */
export function comeToRest(seed: number, pass: (forMs: number) => void, check: () => void): void {
  let wholeMs = 0
  for (let passedMs = 0; passedMs < QUIET_MS; passedMs += LOOK_EVERY_MS) {
    pass(LOOK_EVERY_MS)
    wholeMs = isWhole(check) ? wholeMs + LOOK_EVERY_MS : 0
    if (wholeMs > WHOLE_MS && seed % TO_THE_END_EVERY !== 0) return
  }
  check()
}

function isWhole(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
