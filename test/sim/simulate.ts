import type { Action, Event } from '../../src/core'
import type { Config } from '../../src/model'
import { A, B, withSafety } from '../fakes/pairConfig'
import type { FakeNode, WorldOptions } from '../fakes/fakeNode'
import { World } from '../fakes/world'
import { DETACH_FAULTS, endWork } from './detachFaults'
import { DetachPromises } from './detachPromises'
import { FAULTS, type Later } from './faults'
import { transcriptLines } from '../fakes/transcript'
import { PacePromises } from './pacePromises'
import { Promises } from './promises'
import { chances, comeToRest, FAULTS_MS, maybeFault, startsFail, STEP_MS } from './life'
import { randomFrom } from './random'
import { RestartPromises } from './restartPromises'

/** What is other in a life than in that of the usual pair. */
export interface Otherwise {
  config: Config
  /** Throws what was broken. */
  check: (world: World, node: FakeNode, actions: Action[], event: Event) => void
  /** Faults have ended. */
  peace: (world: World) => void
  /** Something began that serves. */
  served?: (world: World, node: FakeNode, what: string) => void
  step?: WorldOptions['step']
}

/** One life of a pair: faults for three minutes, then peace, then it must be whole. Throws what was broken; answers how often the job was detached. */
export function simulate(
  seed: number,
  line: ((text: string) => void) | null = null,
  faults = FAULTS,
  otherwise: Otherwise | null = null,
  agrees = false
): number {
  const random = randomFrom(seed)
  let faulty = true
  const promises = new Promises()
  const detached = new DetachPromises()
  const restarted = new RestartPromises()
  const paced = new PacePromises()
  const observe = (node: FakeNode, event: Event, actions: Action[]): void => {
    if (line) for (const text of transcriptLines(node.name, event, actions)) line(text)
    promises.check(world, node, actions)
    detached.check(node, actions)
    restarted.check(node, event, actions)
    paced.check(node, event.atMs, actions)
    otherwise?.check(world, node, actions, event)
  }
  const world: World = new World({
    agrees,
    config: otherwise?.config ?? withSafety(seed % 2 === 0 ? 'off' : 'full'),
    random,
    observe,
    delayMs: (what) => (what === 'message' ? 1 + random() * (faulty ? 1_500 : 20) : 20 + random() * 400),
    ...chances(random, () => faulty),
    saved: (node, records) => {
      promises.saved(world, node, records)
      detached.saved(world, node, records)
      restarted.saved(node)
    },
    served: (node, what) => otherwise?.served?.(world, node, what),
    ...(otherwise?.step ? { step: otherwise.step } : {})
  })
  const starts = startsFail(world, seed, random, () => faulty)
  world.boot(A)
  world.boot(B)
  world.run(5_000)
  world.command(A, 'bringin')
  const later: Later = (delayMs, run) => world.after(delayMs, () => faulty && run())
  live(world, FAULTS_MS, promises, () => maybeFault(world, faults, random, later, line))
  faulty = false
  line?.('--- peace ---')
  world.network.heal()
  otherwise?.peace(world)
  comeToRest(
    seed,
    (forMs) => {
      // Whoever was still on its way out is started too.
      world.bootAll()
      endWork(world)
      live(world, forMs, promises, () => undefined)
    },
    () => promises.checkWhole(world, starts)
  )
  return detached.count
}

/** The same, and somebody works on it now and then. */
export const simulateWork = (seed: number, line: ((text: string) => void) | null = null): number =>
  simulate(seed, line, [...FAULTS, ...DETACH_FAULTS, ...DETACH_FAULTS], null, true)

function live(world: World, forMs: number, promises: Promises, each: () => unknown): void {
  for (let passed = 0; passed < forMs; passed += STEP_MS) {
    each()
    world.run(STEP_MS)
    world.write()
    promises.checkMoment(world)
  }
}
