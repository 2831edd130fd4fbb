import type { Action, Event } from '../../src/core'
import { A, B, withSafety } from '../fakes/pairConfig'
import { World, type FakeNode } from '../fakes/world'
import { FAULTS, type Later } from './faults'
import { transcriptLines } from '../fakes/transcript'
import { Promises } from './promises'
import { randomFrom } from './random'

const FAULTS_MS = 180_000
const FAULT_EVERY_MS = 6_000
const QUIET_MS = 120_000
const STEP_MS = 500

/** One life of a pair: faults for three minutes, then peace, then it must be whole. Throws what was broken. */
export function simulate(seed: number, line: ((text: string) => void) | null = null): void {
  const random = randomFrom(seed)
  let faulty = true
  const promises = new Promises()
  const observe = (node: FakeNode, event: Event, actions: Action[]): void => {
    if (line) for (const text of transcriptLines(node.name, event, actions)) line(text)
    promises.check(world, node, actions)
  }
  const world: World = new World({
    config: withSafety(seed % 2 === 0 ? 'off' : 'full'),
    random,
    observe,
    delayMs: (what) => (what === 'message' ? 1 + random() * (faulty ? 1_500 : 20) : 20 + random() * 400),
    loses: () => faulty && random() < 0.1,
    repeats: () => faulty && random() < 0.1,
    diskMs: () => (random() < 0.2 ? random() * (faulty ? 2_000 : 50) : 0),
    finishes: () => random() < 0.5,
    saved: (node, records) => promises.saved(node, records)
  })
  const starts = seed % 3 === 0
  world.fails = (_node, order) => (faulty && starts && (order.do === 'start' || order.do === 'source') && random() < 0.15 ? 'it would not' : null)
  world.boot(A)
  world.boot(B)
  world.run(5_000)
  world.command(A, 'bringin')
  const later: Later = (delayMs, run) => world.after(delayMs, () => faulty && run())
  live(world, FAULTS_MS, promises, () => random() < STEP_MS / FAULT_EVERY_MS && fault(world, random, later, line))
  faulty = false
  line?.('--- peace ---')
  world.heal()
  for (const name of [A, B]) {
    world.boot(name)
    world.startEngine(name)
  }
  live(world, QUIET_MS, promises, () => undefined)
  promises.checkWhole(world, starts)
}

function live(world: World, forMs: number, promises: Promises, each: () => unknown): void {
  for (let passed = 0; passed < forMs; passed += STEP_MS) {
    each()
    world.run(STEP_MS)
    world.write()
    promises.checkMoment(world)
  }
}

function fault(world: World, random: () => number, later: Later, line: ((text: string) => void) | null): void {
  const chosen = FAULTS[Math.floor(random() * FAULTS.length)]
  const name = random() < 0.5 ? A : B
  line?.(`*** ${Math.round(world.nowMs)} ${chosen?.[0]} ${name}`)
  chosen?.[1](world, name, random, later)
}
