import { type Config, type JobMode, SAFETY_OF_MODE } from '../../../src/model'
import { A, B, DATA, JOB, jobConfig, quorumConfig } from '../../fakes/pairConfig'
import { World } from '../../fakes/world'

/** Longer than any takeover or partner timeout of the simulated pair. */
const SETTLES_MS = 30_000

function configOf(mode: JobMode, withWitness: boolean): Config {
  const { witness, ...others } = quorumConfig(mode)
  const jobs = { [JOB]: jobConfig({ mode, data: { ...DATA, safety: SAFETY_OF_MODE[mode] ?? 'off' } }) }
  return { ...others, jobs, ...(withWitness && witness ? { witness } : {}) }
}

/** Online on A, everything written there is on B too. */
function serving(mode: JobMode, withWitness: boolean): World {
  const world = new World({ config: configOf(mode, withWitness) })
  world.bootAll()
  world.run(10_000)
  world.command(A, 'bringin')
  world.run(15_000)
  world.write()
  world.run(5_000)
  expect(world.serving().map(({ name }) => name)).toEqual([A])
  return world
}

/** Who serves, as what the owner's data calls the session, and whether the mirror is recorded to be in sync. */
function picture(world: World): { serves: string; state: string | null; mirrorInSync: boolean; exposed: boolean } {
  const [server, ...others] = world.serving().map(({ name }) => name)
  expect(others).toEqual([])
  const { record, data } = world.node(server ?? (world.node(A).up ? A : B)).state!.jobs[JOB]!
  const exposed = server !== undefined && world.node(server).machine.data.exposure === 'granted' && !world.node(server).machine.data.connected
  return { serves: server ?? 'nobody', state: data?.session.state ?? null, mirrorInSync: record.mirrorInSync, exposed }
}

type Loss = 'nothing' | 'mirror' | 'principal' | 'witness' | 'mirror and witness' | 'links between the partners'

function lose(world: World, what: Loss): void {
  if (what.includes('mirror')) world.kill(B)
  if (what === 'principal') world.kill(A)
  if (what.includes('witness')) world.witness?.kill()
  if (what.includes('links')) world.network.cutBoth(A, B)
  world.run(SETTLES_MS)
  world.write()
  world.run(1_000)
}

const SYNCED = { state: 'SYNCHRONIZED', mirrorInSync: true, exposed: false }
const OFF = { state: 'SYNCHRONIZING', mirrorInSync: true, exposed: false }
const ALONE = { state: 'DISCONNECTED', mirrorInSync: false, exposed: true }
const STOPPED = { serves: 'nobody', state: null, exposed: false }

/** Product §6's table, row by row, and what each loss leads to. */
const rows: [mode: JobMode, witness: boolean, loss: Loss, after: object][] = [
  ['high-availability', true, 'nothing', { serves: A, ...SYNCED }],
  ['high-availability', true, 'mirror', { serves: A, ...ALONE }],
  ['high-availability', true, 'principal', { serves: B, ...ALONE }],
  ['high-availability', true, 'witness', { serves: A, ...SYNCED }],
  ['high-availability', true, 'mirror and witness', STOPPED],
  ['high-protection', false, 'nothing', { serves: A, ...SYNCED }],
  ['high-protection', false, 'mirror', STOPPED],
  ['high-protection', false, 'principal', { serves: 'nobody', state: 'DISCONNECTED', exposed: false }],
  ['high-protection', false, 'links between the partners', STOPPED],
  ['high-protection', true, 'witness', { serves: A, ...SYNCED }],
  ['high-protection', true, 'mirror', STOPPED],
  ['high-protection', true, 'principal', { serves: 'nobody', state: 'DISCONNECTED', exposed: false }],
  ['high-performance', false, 'nothing', { serves: A, ...OFF }],
  ['high-performance', false, 'mirror', { serves: A, state: 'DISCONNECTED', exposed: true }],
  ['high-performance', false, 'principal', { serves: 'nobody', state: 'DISCONNECTED', exposed: false }],
  ['high-performance', true, 'witness', { serves: A, ...OFF }],
  ['high-performance', true, 'principal', { serves: 'nobody', state: 'DISCONNECTED', exposed: false }],
  ['guide', false, 'nothing', { serves: A, ...OFF }],
  ['guide', false, 'mirror', { serves: A, state: 'DISCONNECTED', exposed: true }],
  ['guide', false, 'principal', { serves: B, state: 'DISCONNECTED', exposed: true }],
  ['guide', true, 'witness', { serves: A, ...OFF }],
  ['guide', true, 'principal', { serves: B, state: 'DISCONNECTED', exposed: true }]
]

test.each(rows)('%s (witness: %s): %s is lost', (mode, witness, loss, after) => {
  const world = serving(mode, witness)
  lose(world, loss)
  expect(picture(world)).toMatchObject(after)
})

test('high availability: only the links between the partners are lost, and exactly one of them serves, exposed, by the leave of the witness', () => {
  const world = serving('high-availability', true)
  lose(world, 'links between the partners')
  expect(world.serving()).toHaveLength(1)
  expect(picture(world)).toMatchObject({ mirrorInSync: false, exposed: true })
})

test.each<[mode: JobMode, loss: Loss]>([
  ['high-availability', 'mirror and witness'],
  ['high-protection', 'mirror']
])('%s: an owner that has stopped without %s serves again when they are back', (mode, loss) => {
  const world = serving(mode, mode === 'high-availability')
  lose(world, loss)
  world.bootAll()
  world.run(SETTLES_MS)
  expect(picture(world)).toMatchObject({ serves: A, ...SYNCED })
})
