import { A, B, otherOf } from '../fakes/pairConfig'
import { W } from '../fakes/witness'
import type { World } from '../fakes/world'
import { FAULTS, type Fault, type Later } from './faults'

const PAUSE_MS = 20_000
const WITNESS_AWAY_MS = 15_000
const ALONE_MS = 5_000
const ISOLATED_MS = 15_000
const RESTART_EACH_MS = 4_000

/** The guide's faults that say nothing about the witness, and these. */
const OF_THE_PAIR = FAULTS.filter(([name]) => !['lose the heartbeats', 'shut down', 'upgrade at'].includes(name))

const HOSTS = [A, B, W]

function twoOf(random: () => number): [string, string] {
  const first = Math.floor(random() * HOSTS.length)
  const second = (first + 1 + Math.floor(random() * (HOSTS.length - 1))) % HOSTS.length
  return [HOSTS[first] ?? A, HOSTS[second] ?? B]
}

const OF_THE_QUORUM: [name: string, fault: Fault][] = [
  ['pause', (world, name, random) => world.pause(name, random() * PAUSE_MS)],
  ['pause', (world, name, random) => world.pause(name, random() * PAUSE_MS)],
  ['pause', (world, name, random) => world.pause(name, random() * PAUSE_MS)],
  ['fail the disk of', (world, name) => failDisk(world, name)],
  ['pause the witness near', (world, _name, random) => world.witness?.pause(random() * PAUSE_MS)],
  ['cut two hosts near', (world, _name, random) => world.network.cutBoth(...twoOf(random))],
  ['cut two hosts near', (world, _name, random) => world.network.cutBoth(...twoOf(random))],
  ['cut one way near', (world, _name, random) => world.network.cutOneWay(...twoOf(random))],
  ['cut one way near', (world, _name, random) => world.network.cutOneWay(...twoOf(random))],
  ['isolate', (world, name) => isolate(world, name)],
  ['isolate the owner for a while, not', (world, _name, _random, later) => isolateOwner(world, later)],
  ['isolate the witness near', (world) => isolate(world, W)],
  ['restart the witness near', (world, _name, random, later) => witnessAway(world, random, later, false)],
  ['restart the witness near', (world, _name, random, later) => witnessAway(world, random, later, false)],
  ['wipe the witness near', (world, _name, random, later) => witnessAway(world, random, later, true)],
  ['cut from the peer, then from the witness,', (world, name, random, later) => loseBoth(world, name, random, later, false)],
  ['cut from the peer, then from the witness, which restarts,', (world, name, random, later) => loseBoth(world, name, random, later, true)],
  ['replace the witness near', (world) => replaceWitness(world)],
  ['restart all agents one after the other, from', (world, name, random, later) => rollingRestart(world, name, random, later)],
  ['change the configuration at', (world, name) => world.agreeOn(name, (config) => ({ ...config }))],
  ['heal', (world) => world.network.heal()],
  ['heal', (world) => world.network.heal()],
  ['heal', (world) => world.network.heal()],
  ['start all at', (world) => world.bootAll()],
  ['start all at', (world) => world.bootAll()]
]

export const QUORUM_FAULTS = [...OF_THE_PAIR, ...OF_THE_QUORUM]

/** Some of them only, to come sooner to where they matter. */
export const faultsNamed = (...names: string[]): typeof QUORUM_FAULTS =>
  names.map((name) => {
    const found = QUORUM_FAULTS.find(([each]) => each === name)
    if (!found) throw new Error(`no fault is called ${name}`)
    return found
  })

/** From everybody. */
export function isolate(world: World, host: string): void {
  for (const other of HOSTS) if (other !== host) world.network.cutBoth(host, other)
}

const failDisk = (world: World, name: string): void => {
  world.node(name).diskFails = true
}

/** Whoever serves now: long enough for the other one to take over. */
function isolateOwner(world: World, later: Later): void {
  const owner = world.serving()[0]
  if (!owner) return
  world.network.heal()
  isolate(world, owner.name)
  later(ISOLATED_MS, () => world.network.heal())
}

/** What the owner may do depends on the witness alone when it loses that one too. */
function loseBoth(world: World, name: string, random: () => number, later: Later, restarts: boolean): void {
  world.network.cutBoth(name, otherOf(name))
  later(ALONE_MS + random() * ALONE_MS, () => {
    world.network.cutBoth(name, W)
    if (!restarts) return
    world.witness?.kill()
    world.witness?.boot()
  })
}

function replaceWitness(world: World): void {
  world.witness?.wipe()
  world.witness?.boot()
}

function rollingRestart(world: World, name: string, random: () => number, later: Later): void {
  const restart = (each: string): void => {
    world.crashEngine(each)
    world.startEngine(each)
  }
  world.witness?.kill()
  world.witness?.boot()
  later(random() * RESTART_EACH_MS, () => restart(name))
  later((1 + random()) * RESTART_EACH_MS, () => restart(otherOf(name)))
}

function witnessAway(world: World, random: () => number, later: Later, wiped: boolean): void {
  if (wiped) world.witness?.wipe()
  else world.witness?.kill()
  later(random() * WITNESS_AWAY_MS, () => world.witness?.boot())
}
