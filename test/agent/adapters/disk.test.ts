import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { createDiskPort } from '../../../agent/adapters'
import { formatOf, KEPT_FORMAT_MAX, type KeptState } from '../../../src/wire/keptState'
import type { ReportError } from '../../../src/report/report'
import { makePlaces, removePlaces } from './surroundings'

const state = (roleSequence: number): KeptState => ({
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

  /** As another version wrote it. */
  const write = (kept: unknown): void => {
    const sha256 = createHash('sha256')
      .update(JSON.stringify([1, kept]))
      .digest('hex')
    fs.writeFileSync(file, JSON.stringify({ generation: 1, sha256, state: kept }))
  }

  test('what the first version wrote is read, and what it did not know is filled up; a newer format is refused', async () => {
    const before = fs.readFileSync(file, 'utf8')
    const { safety: _s, safetySequence: _q, mirrorInSync: _m, syncSequence: _y, selectedSequence: _l, ...first } = state(3).records.DB_Group!
    write({ formatVersion: 1, node: 'RMHW131', records: { DB_Group: first } })
    const filled = { safety: 'off', safetySequence: 0, mirrorInSync: false, syncSequence: 0, selectedSequence: 0 }
    expect((await createDiskPort(places).load())?.records.DB_Group).toEqual({ ...first, ...filled })
    write({ ...state(3), formatVersion: KEPT_FORMAT_MAX + 1 })
    expect(await code(createDiskPort(places).load())).toBe('E_STATE_NEWER')
    fs.writeFileSync(file, before)
  })

  test('the newer format is written only when there is something that the older one would lose', async () => {
    const before = fs.readFileSync(file, 'utf8')
    const record = state(3).records.DB_Group!
    expect(formatOf({ DB_Group: record })).toBe(1)
    expect(formatOf({ DB_Group: { ...record, claim: null, released: false } })).toBe(1)
    for (const promise of [{ claim: { roleSequence: 4 } }, { released: true }]) expect(formatOf({ DB_Group: { ...record, ...promise } })).toBe(2)
    write({ ...state(3), formatVersion: 2, records: { DB_Group: { ...record, claim: { roleSequence: 4 } } } })
    expect((await createDiskPort(places).load())?.records.DB_Group?.claim).toEqual({ roleSequence: 4 })
    fs.writeFileSync(file, before)
  })

  test('how often a job was restarted comes back as it was, and asks for no newer format; it is for the core to say whether it can be true', async () => {
    const before = fs.readFileSync(file, 'utf8')
    for (const restarts of [{ bootId: 'this-boot', done: [{ atMs: 7.25, applications: ['DB'] }] }, 'none']) {
      const records = { DB_Group: { ...state(3).records.DB_Group!, restarts } }
      expect(formatOf(records)).toBe(1)
      write({ ...state(3), records })
      expect((await createDiskPort(places).load())?.records).toEqual(records)
    }
    fs.writeFileSync(file, before)
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
