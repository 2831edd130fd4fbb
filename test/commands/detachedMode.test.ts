import { JOB_MODES } from '../../src/model'
import type { SimView } from '../../src/wire/sim'
import { linesOf, ONLINE, type Result } from './simulation'

jest.setTimeout(60_000)

const SERVES = ['192.168.150.130']
const DETACH = 'detach DB_Group --keep-data'
const servingOf = (view: Result | undefined) => (view as unknown as SimView).machines.map(({ vips }) => vips)
const mode = (name: string) => `mode DB_Group ${name}`

/** Out of the mode that the pair has (high availability), through the others, and back. */
const WAY = [...JOB_MODES.filter((name) => name !== 'high-availability'), 'high-availability'].map(mode)

test.each(['--keep-data', '--stop-data'])(
  'a job that is detached %s goes through every mode: served on, still detached, and as good as ever afterwards',
  async (data) => {
    const { error, results } = await linesOf([
      ...ONLINE,
      `detach DB_Group ${data}`,
      ...WAY.flatMap((line) => [line, 'sim', 'jobstate DB_Group']),
      'bringin DB_Group',
      'wait DB_Group synchronized',
      'sim advance 30s',
      'ready DB_Group failover',
      'sim kill RMHW131',
      'sim advance 40s',
      'sim'
    ])
    expect(error).toBeNull()
    const changes = results.slice(ONLINE.length + 1, ONLINE.length + 1 + 3 * WAY.length)
    for (const [i, line] of WAY.entries()) {
      const [changed, there, said] = changes.slice(3 * i)
      expect(changed).toMatchObject({ command: line, followed: true, waitedMs: expect.any(Number) })
      expect(servingOf(there)).toEqual([SERVES, []])
      expect(said).toMatchObject({ mode: line.split(' ').at(-1), record: { detached: { stopData: data === '--stop-data' }, roleSequence: 1 } })
    }
    expect(servingOf(results.at(-1))).toEqual([[], SERVES])
  }
)

test('detached, and in a mode with quorum since: an engine that starts again goes on with what it finds, and without a quorum it stops all the same', async () => {
  const { error, results } = await linesOf([
    mode('guide'),
    ...ONLINE,
    DETACH,
    mode('high-availability'),
    'sim crash RMHW131',
    'sim advance 3s',
    'sim start RMHW131',
    'sim advance 20s',
    'sim',
    'sim kill RMHW132',
    'sim kill witness',
    'sim advance 30s',
    'sim'
  ])
  expect(error).toBeNull()
  expect(servingOf(results.at(-5))).toEqual([SERVES, []])
  expect(servingOf(results.at(-1))).toEqual([[], []])
})

test('detached, and in a mode without quorum since: it is served on with nobody else there', async () => {
  const { error, results } = await linesOf([...ONLINE, DETACH, mode('guide'), 'sim kill RMHW132', 'sim kill witness', 'sim advance 30s', 'sim'])
  expect(error).toBeNull()
  expect(servingOf(results.at(-1))).toEqual([SERVES, []])
})

test('detached, and its owner is lost after the mode has changed: nobody takes it over before somebody watches it again, then the rules of the new mode do', async () => {
  const { error, results } = await linesOf([
    mode('guide'),
    ...ONLINE,
    DETACH,
    mode('high-availability'),
    'sim kill RMHW131',
    'sim advance 30s',
    'sim',
    'bringin DB_Group --node RMHW132',
    'sim advance 30s',
    'sim',
    'sim start RMHW131',
    'sim advance 1m',
    'ready DB_Group failover'
  ])
  expect(error).toBeNull()
  expect(servingOf(results.at(-7))).toEqual([[], []])
  expect(servingOf(results.at(-4))).toEqual([[], SERVES])
})
