import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createHistoryPort } from '../../../agent/adapters/takeovers'
import { TAKEOVERS_MAX, type TakeoverView } from '../../../src/wire'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'takeovers-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

const entry = (roleSequence: number, change: Partial<TakeoverView> = {}): TakeoverView => ({
  job: 'DB_Group',
  node: 'RMHW132',
  part: 'takes',
  roleSequence,
  from: 'RMHW131',
  to: 'RMHW132',
  command: null,
  account: null,
  reason: null,
  takeReason: 'failover',
  atMs: 1_000 * roleSequence,
  before: { roleSequence: roleSequence - 1, safety: 'off', safetySequence: 1, mirrorInSync: true, syncSequence: 1, needToVerify: 'No' },
  links: [{ name: 'link-0', up: false, ageMs: 15_000 }],
  peer: null,
  votes: [],
  checks: [],
  timers: { heartbeatMs: 15_000, leaseMs: null, driftMs: null },
  loss: null,
  end: null,
  ...change
})

const port = () => createHistoryPort({ stateDirectory: folder })

test('what is kept survives a restart; the end takes the place of the beginning, in the order in which both were told', async () => {
  const end = { atMs: 5_000, outcome: 'online' as const, outageMs: 1_500 }
  const first = port()
  await Promise.all([first.write(entry(2)), first.write(entry(2, { end })), first.write(entry(3))])
  expect(await port().read('DB_Group')).toEqual([entry(2, { end }), entry(3)])
  expect(await port().read('Other')).toEqual([])
})

test('no more than so many of a job are kept, the newest', async () => {
  const history = port()
  for (let i = 1; i <= TAKEOVERS_MAX + 5; i++) await history.write(entry(i))
  const kept = await history.read('DB_Group')
  expect(kept).toHaveLength(TAKEOVERS_MAX)
  expect(kept[0]?.roleSequence).toBe(6)
})

test('a file that nobody can read is set aside, and new ones are kept', async () => {
  fs.writeFileSync(path.join(folder, 'takeovers.json'), '{"formatVersion":1,"jobs":{"DB_Gr')
  const history = port()
  await history.write(entry(4))
  expect(await port().read('DB_Group')).toEqual([entry(4)])
  expect(fs.readdirSync(folder).sort()).toEqual(['takeovers.json', 'takeovers.json.damaged'])
})

test('what cannot be written is said, and does not stand in the way of the next', async () => {
  const history = port()
  fs.mkdirSync(path.join(folder, 'takeovers.json.new'))
  await expect(history.write(entry(2))).rejects.toThrow()
  fs.rmdirSync(path.join(folder, 'takeovers.json.new'))
  await history.write(entry(3))
  expect((await port().read('DB_Group')).map(({ roleSequence }) => roleSequence)).toContain(3)
})
