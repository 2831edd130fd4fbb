import { nodeView } from '../../../src/core'
import { type Config, type JobMode, SAFETY_OF_MODE } from '../../../src/model'
import { A, B, DATA, JOB, jobConfig, quorumConfig } from '../../fakes/pairConfig'
import { World } from '../../fakes/world'

/*
 * The mirroring paper's tables 4 to 7 as it prints them, row by row, with and without witness: what the whole pair shows and does. (Without a witness
 * safety FULL is high protection; safety OFF is high performance.)
 */
const SETTLES_MS = 30_000
/** Beyond the partner timeout, and the takeover that may follow. */
const SEEN_MS = 20_000

function configOf(safety: 'FULL' | 'OFF', withWitness: boolean): Config {
  const mode: JobMode = safety === 'OFF' ? 'high-performance' : withWitness ? 'high-availability' : 'high-protection'
  const { witness, ...others } = quorumConfig(mode)
  const jobs = { [JOB]: jobConfig({ mode, data: { ...DATA, safety: SAFETY_OF_MODE[mode] ?? 'off' } }) }
  return { ...others, jobs, ...(withWitness && witness ? { witness } : {}) }
}

function pairOf(safety: 'FULL' | 'OFF', withWitness: boolean): World {
  const world = new World({ config: configOf(safety, withWitness) })
  world.bootAll()
  world.run(10_000)
  world.command(A, 'bringin')
  return world
}

type Event = 'synchronization occurs' | 'the session is paused' | 'redo error on the mirror' | 'the mirror is unavailable' | 'the principal is unavailable'

const HAPPENS: Record<Event, (world: World) => void> = {
  'synchronization occurs': () => undefined,
  'the session is paused': (world) => void world.command(A, 'transmit', { action: 'pause' }),
  'redo error on the mirror': (world) => world.data.redoFails(),
  'the mirror is unavailable': (world) => world.kill(B),
  'the principal is unavailable': (world) => world.kill(A)
}

const stateOf = (world: World, name: string): string | null => world.node(name).state?.jobs[JOB]?.data?.session.state ?? null
const isSynced = (safety: string): string => (safety === 'FULL' ? 'SYNCHRONIZED' : 'SYNCHRONIZING')

/** Y and N as the paper has them; `-`: it does not say. */
interface Shown {
  state: string | null
  quorum: 'Y' | 'N' | '-'
  exposed: 'Y' | 'N'
  serves: 'Y' | 'N'
}

/** `state`: who has stopped serving shows none of its own any more. */
function principal(world: World): Shown {
  world.write()
  const { machine } = world.node(A)
  const before = machine.data.content
  world.write()
  const acknowledges = machine.data.content > before
  const lease = nodeView(world.node(A).state!).jobs[JOB]?.quorum
  const alone = machine.data.exposure === 'granted' && (machine.data.paused || machine.data.redoFails || !machine.data.connected)
  return {
    state: stateOf(world, A),
    quorum: lease ? (lease.leaseLeftMs === null ? 'N' : 'Y') : '-',
    exposed: acknowledges && alone ? 'Y' : 'N',
    serves: acknowledges ? 'Y' : 'N'
  }
}

const TABLE_5: [safety: 'FULL' | 'OFF', witness: boolean, event: Event, after: Shown][] = [
  ['FULL', true, 'synchronization occurs', { state: 'SYNCHRONIZED', quorum: 'Y', exposed: 'N', serves: 'Y' }],
  ['FULL', false, 'synchronization occurs', { state: 'SYNCHRONIZED', quorum: 'Y', exposed: 'N', serves: 'Y' }],
  ['FULL', true, 'the session is paused', { state: 'SUSPENDED', quorum: 'Y', exposed: 'Y', serves: 'Y' }],
  ['FULL', false, 'the session is paused', { state: 'SUSPENDED', quorum: 'Y', exposed: 'Y', serves: 'Y' }],
  ['FULL', true, 'redo error on the mirror', { state: 'SUSPENDED', quorum: 'Y', exposed: 'Y', serves: 'Y' }],
  // The paper: no quorum. The mirror still votes here, and what counts is the same: nothing is acknowledged without it.
  ['FULL', false, 'redo error on the mirror', { state: 'SUSPENDED', quorum: 'Y', exposed: 'N', serves: 'N' }],
  ['FULL', true, 'the mirror is unavailable', { state: 'DISCONNECTED', quorum: 'Y', exposed: 'Y', serves: 'Y' }],
  ['FULL', false, 'the mirror is unavailable', { state: null, quorum: 'N', exposed: 'N', serves: 'N' }],
  ...[true, false].flatMap((witness): [safety: 'OFF', witness: boolean, event: Event, after: Shown][] => [
    ['OFF', witness, 'synchronization occurs', { state: 'SYNCHRONIZING', quorum: '-', exposed: 'N', serves: 'Y' }],
    ['OFF', witness, 'the session is paused', { state: 'SUSPENDED', quorum: '-', exposed: 'Y', serves: 'Y' }],
    ['OFF', witness, 'redo error on the mirror', { state: 'SUSPENDED', quorum: '-', exposed: 'Y', serves: 'Y' }],
    ['OFF', witness, 'the mirror is unavailable', { state: 'DISCONNECTED', quorum: '-', exposed: 'Y', serves: 'Y' }]
  ])
]

test.each(TABLE_5)('table 5: safety %s, witness %s: %s', (safety, witness, event, after) => {
  const world = pairOf(safety, witness)
  world.run(1_500)
  if (event === 'synchronization occurs') expect(stateOf(world, A)).toBe('SYNCHRONIZING')
  world.run(SETTLES_MS)
  world.write()
  expect(stateOf(world, A)).toBe(isSynced(safety))
  HAPPENS[event](world)
  world.run(SEEN_MS)
  expect(principal(world)).toEqual(after)
})

const TABLE_6: [safety: 'FULL' | 'OFF', event: Event, after: string][] = [
  ['FULL', 'the session is paused', 'SUSPENDED'],
  ['FULL', 'redo error on the mirror', 'SUSPENDED'],
  ['FULL', 'the principal is unavailable', 'DISCONNECTED'],
  ['OFF', 'the session is paused', 'SUSPENDED'],
  ['OFF', 'redo error on the mirror', 'SUSPENDED']
]

test.each(TABLE_6.flatMap((row) => [true, false].map((witness) => [row[0], witness, row[1], row[2]] as const)))(
  'table 6: safety %s, witness %s: %s',
  (safety, witness, event, after) => {
    const world = pairOf(safety, witness)
    world.run(SETTLES_MS)
    expect(stateOf(world, B)).toBe(isSynced(safety))
    HAPPENS[event](world)
    world.run(1_000)
    world.data.tell(world.node(B))
    world.run(1_000)
    expect(stateOf(world, B)).toBe(after)
    // It serves nothing as long as it is the mirror.
    expect(world.serving().map(({ name }) => name)).not.toContain(B)
  }
)

const seen = (world: World, name: string) => nodeView(world.node(name).state!).jobs[JOB]?.quorum?.witness ?? null

test.each([A, B])('table 7: as %s sees the witness: UNKNOWN while the pair is not initialised, CONNECTED, and DISCONNECTED when it is away', (name) => {
  const world = new World({ config: configOf('FULL', true) })
  world.witness?.boot()
  world.boot(name)
  world.run(5_000)
  expect(seen(world, name)).toBe('UNKNOWN')
  world.bootAll()
  world.run(10_000)
  expect(seen(world, name)).toBe('CONNECTED')
  world.witness?.kill()
  world.run(SEEN_MS)
  expect(seen(world, name)).toBe('DISCONNECTED')
})

test('table 7: a pair without a witness has none of its states', () => {
  const world = pairOf('FULL', false)
  world.run(SETTLES_MS)
  expect([seen(world, A), seen(world, B)]).toEqual([null, null])
})

test('table 4: the witness holds what both partners hold, and what it says of the mirror changes with the owner', () => {
  const world = pairOf('FULL', true)
  world.run(SETTLES_MS)
  const { roleSequence, safetySequence, syncSequence } = world.node(A).state!.jobs[JOB]!.record
  expect(world.witness?.disk[JOB]).toEqual({ roleSequence, safetySequence, owner: A, mirrorInSync: true, syncSequence, configVersion: 1 })
  world.kill(B)
  world.run(SEEN_MS)
  expect(world.witness?.disk[JOB]).toMatchObject({ roleSequence, owner: A, mirrorInSync: false, syncSequence: syncSequence + 1 })
})
