import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { monotonicMs } from '../../agent/adapters/clock'
import { standStill } from '../../agent/adapters/standStill'
import { DrillBook } from '../../agent/drill/book'
import { Leading } from '../../agent/drill/leading'
import { PROBE_NAME, removeProbe, writeProbe } from '../../agent/drill/probe'
import { Stillness } from '../../agent/drill/stillness'
import { DRILLS_MAX, type DrillEntry } from '../../src/wire'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drill-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

test('the probe says what stood there before, and leaves nothing behind', async () => {
  expect(await writeProbe(folder, 1)).toEqual({ before: null })
  expect(await writeProbe(folder, 2)).toEqual({ before: 1 })
  expect(fs.readdirSync(folder)).toEqual([PROBE_NAME])
  expect(await removeProbe(folder)).toEqual({ before: 2 })
  expect(fs.readdirSync(folder)).toEqual([])
})

test('whoever owns the folder cannot make the probe write elsewhere', async () => {
  const elsewhere = path.join(folder, 'elsewhere')
  fs.writeFileSync(elsewhere, 'mine')
  for (const name of [PROBE_NAME, `${PROBE_NAME}.new`]) fs.symlinkSync(elsewhere, path.join(folder, name))
  expect(await writeProbe(folder, 7)).toEqual({ before: null })
  expect(fs.readFileSync(elsewhere, 'utf8')).toBe('mine')
  expect(fs.lstatSync(path.join(folder, PROBE_NAME)).isFile()).toBe(true)
})

test('a folder that cannot be written is told', async () => {
  expect(await writeProbe(path.join(folder, 'none'), 1)).toEqual({ why: expect.stringContaining('none') })
})

const entry = (atMs: number): DrillEntry => ({
  job: 'DB_Group',
  kind: 'switch',
  what: null,
  account: 'root',
  reason: null,
  atMs,
  from: 'RMHW131',
  to: 'RMHW132',
  outageMs: 1,
  probedVip: true,
  writes: 1,
  lost: 0,
  waitMs: 1,
  still: null,
  syncMs: 1,
  targets: { outageMs: null, lost: 0, syncMs: null, waitMs: null },
  missed: []
})

test('the newest drills of a job are kept, over a restart, and a damaged file is no reason to keep none', async () => {
  const file = path.join(folder, 'drills.json')
  const book = new DrillBook(file)
  await Promise.all(Array.from({ length: DRILLS_MAX + 5 }, (_, i) => book.add(entry(i))))
  const kept = await new DrillBook(file).read('DB_Group')
  expect(kept).toHaveLength(DRILLS_MAX)
  expect(kept.at(-1)?.atMs).toBe(DRILLS_MAX + 4)
  expect(await book.read('WEB')).toEqual([])
  fs.writeFileSync(file, '{')
  await book.add(entry(9))
  expect(await book.read('DB_Group')).toEqual([entry(9)])
})

test('a thread that stands still goes on by the clock alone, and never later than the limit', async () => {
  const began = monotonicMs()
  const lasted = standStill(began + 120)
  expect(lasted).toBeGreaterThanOrEqual(119)
  expect(monotonicMs() - began).toBeLessThan(5_000)
  expect(standStill(began)).toBeLessThan(50)
})

test('one drill at a time; one that was left behind does not stand in the way for ever', () => {
  let nowMs = 0
  const leading = new Leading(() => nowMs)
  expect(leading.begin('one', 'DB_Group')).toBeNull()
  expect(leading.begin('other', 'WEB')).toBe('DB_Group')
  nowMs += 29_000
  expect(leading.begin('one', 'DB_Group')).toBeNull()
  nowMs += 29_000
  expect(leading.begin('other', 'WEB')).toBe('DB_Group')
  leading.end('other')
  expect(leading.begin('other', 'WEB')).toBe('DB_Group')
  leading.end('one')
  expect(leading.begin('other', 'WEB')).toBeNull()
  nowMs += 30_000
  expect(leading.begin('third', 'DB_Group')).toBeNull()
})

test('what has come in the way since it was asked is looked at in the very moment, and a drill that did nothing says so', async () => {
  const said: string[] = []
  const later: (() => void)[] = []
  const after = (_ms: number, call: () => void) => {
    later.push(call)
    return () => undefined
  }
  const whys: string[][] = [['it is the active node of WEB too']]
  const stood: number[] = []
  const stillness = new Stillness({
    node: 'RMHW132',
    clock: { nowMs: () => 0, bootId: () => 'this-boot', wallMs: () => 0, after },
    log: { event: (_level, text) => void said.push(text) },
    whyNot: () => whys.shift() ?? [],
    standStill: async (forMs) => {
      stood.push(forMs)
      return []
    }
  })
  for (const outcome of [{ whyNot: ['it is the active node of WEB too'] }, { whyNot: [] }]) {
    stillness.begin('DB_Group', 2_000)
    expect(stillness.isNow).toBe(true)
    later.pop()?.()
    await Promise.resolve()
    await Promise.resolve()
    expect(stillness.isNow).toBe(false)
    expect(stillness.last).toMatchObject({ job: 'DB_Group', forMs: 2_000, ...outcome })
  }
  expect(stood).toEqual([2_000])
  expect(said).toContain('Drill: RMHW132 goes on after 0 ms; it is the active node of WEB too')
})
