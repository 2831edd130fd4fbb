import fs from 'node:fs'
import path from 'node:path'
import { createDiskPort } from '../../../agent/adapters'
import type { PersistedState } from '../../../agent/ports'
import type { ReportError } from '../../../src/report/report'
import { makePlaces, removePlaces } from './surroundings'

const state = (roleSequence: number): PersistedState => ({
  formatVersion: 1,
  node: 'RMHW131',
  records: {
    DB_Group: {
      job: 'DB_Group',
      roleSequence,
      owner: 'RMHW131',
      desired: 'online',
      takeReason: 'manual',
      takeTimeMs: 1_572_403_652_000,
      handover: null,
      errorFlag: null,
      needToVerify: 'No',
      copyComplete: true,
      safety: 'off',
      safetySequence: 1,
      mirrorInSync: true,
      syncSequence: 1,
      selectedSequence: 0,
      history: [{ roleSequence, owner: 'RMHW131' }]
    }
  }
})

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: ReportError) => error.report.code
  )

describe('the state of the engine on disk', () => {
  const places = makePlaces()
  const file = path.join(places.stateDirectory, 'engine.json')
  afterAll(() => removePlaces(places))

  test('never saved: null; saved: the same comes back in the next engine, with the one before beside it', async () => {
    expect(await createDiskPort(places).load()).toBeNull()
    const disk = createDiskPort(places)
    await Promise.all([disk.save(state(1)), disk.save(state(2)), disk.save(state(3))])
    expect(await createDiskPort(places).load()).toEqual(state(3))
    expect(fs.readFileSync(path.join(places.stateDirectory, 'engine.previous.json'), 'utf8')).toContain('"roleSequence": 2')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  })

  test('generations go on over a restart', async () => {
    const disk = createDiskPort(places)
    await disk.load()
    await disk.save(state(4))
    expect(JSON.parse(fs.readFileSync(file, 'utf8')).generation).toBe(4)
  })

  test.each<[string, (text: string) => string | null]>([
    ['one figure changed', (text) => text.replace('"roleSequence": 4', '"roleSequence": 5')],
    ['cut off', (text) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['gone, while the previous one is there', () => null]
  ])('damaged (%s): refused, and the previous one is not used in its place', async (_name, damage) => {
    const whole = fs.readFileSync(file, 'utf8')
    const text = damage(whole)
    if (text === null) fs.rmSync(file)
    else fs.writeFileSync(file, text)
    expect(await code(createDiskPort(places).load())).toBe('E_STATE_DAMAGED')
    fs.writeFileSync(file, whole)
    expect(await createDiskPort(places).load()).toEqual(state(4))
  })

  test('the state of another node (a cloned machine) is refused', async () => {
    expect(await code(createDiskPort({ ...places, node: 'RMHW132' }).load())).toBe('E_STATE_FOREIGN')
  })

  test('a save that fails says so, and a later one works', async () => {
    const blocked = path.join(places.stateDirectory, 'engine.json.new')
    const disk = createDiskPort(places)
    await disk.load()
    fs.mkdirSync(blocked)
    expect(await code(disk.save(state(5)))).toBe('E_STATE_NOT_SAVED')
    fs.rmdirSync(blocked)
    await disk.save(state(6))
    expect(await createDiskPort(places).load()).toEqual(state(6))
  })
})
