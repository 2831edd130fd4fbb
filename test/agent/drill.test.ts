import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DrillBook } from '../../agent/drill/book'
import { PROBE_NAME, removeProbe, writeProbe } from '../../agent/drill/probe'
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
  syncMs: 1,
  targets: { outageMs: null, lost: 0, syncMs: null },
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
