import type { TakeoverView } from '../../src/wire'
import { Bench } from './harness'
import { TAKE_TIME_MS } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const entry = (change: Partial<TakeoverView>): TakeoverView => ({
  job: 'DB_Group',
  node: 'RMHW131',
  part: 'gives',
  roleSequence: 3,
  from: 'RMHW131',
  to: 'RMHW132',
  command: null,
  account: null,
  reason: null,
  takeReason: 'manual',
  atMs: TAKE_TIME_MS,
  before: { roleSequence: 2, safety: 'full', safetySequence: 1, mirrorInSync: true, syncSequence: 4, needToVerify: 'No' },
  links: [{ name: 'link-0', up: false, ageMs: 15_000 }],
  peer: { ageMs: 200, phase: 'standby' },
  votes: [{ voter: 'witness', ageMs: 400, leasedTo: null, roleSequence: 2 }],
  checks: [{ check: 'recorded in sync', met: true, value: 'yes (4)', why: null, observer: 'RMHW131', ageMs: 0 }],
  timers: { heartbeatMs: 15_000, leaseMs: 10_000, driftMs: 250 },
  loss: null,
  end: null,
  ...change
})

const ended = (outcome: 'online' | 'failed', outageMs: number | null = null) => ({ atMs: TAKE_TIME_MS + 5_000, outcome, outageMs })

const given = entry({ command: 'switch', account: 'kim', reason: 'new disk', end: ended('online', 1_234) })
const failed = entry({ command: 'switch', account: 'kim', atMs: TAKE_TIME_MS - 60_000, end: ended('failed') })
const taken = entry({ node: 'RMHW132', part: 'takes', atMs: TAKE_TIME_MS + 900, end: ended('online') })
const bound = 'the last writes may be missing: RMHW132 was heard 12 s ago, then all had arrived'
const loss = { none: false, files: null, bytes: 0, changes: 0, seconds: 12, bound }
const forced = entry({
  part: 'takes',
  roleSequence: 14,
  from: 'RMHW132',
  to: 'RMHW131',
  takeReason: 'forced',
  command: 'forcetake',
  account: 'kim',
  atMs: TAKE_TIME_MS + 90_000,
  loss
})

test('what both nodes have kept is one row for each change; what failed is a row of its own', async () => {
  bench.a.history = { job: 'DB_Group', node: 'RMHW131', entries: [failed, given, forced], unheard: null }
  bench.b.history = { job: 'DB_Group', node: 'RMHW132', entries: [taken], unheard: null }
  const { exitCode, out } = await bench.cui(['history', 'DB_Group'])
  expect(exitCode).toBe(0)
  expect(out.split('\n').slice(1, 6)).toEqual([
    'Seq  Time                 From     To       How        Ended    Outage  Loss',
    expect.stringMatching(/^-+$/),
    '3    2019-10-30 11:46:32  RMHW131  RMHW132  switch     failed   -       none',
    '3    2019-10-30 11:47:32  RMHW131  RMHW132  switch     online   1.2s    none',
    '14   2019-10-30 11:49:02  RMHW132  RMHW131  forcetake  open     -       possible'
  ])
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  const { changes } = JSON.parse((await bench.cui(['history', 'DB_Group', '--json'])).out)
  expect(changes).toMatchObject([{ outcome: 'failed' }, { how: 'switch', account: 'kim', outageMs: 1_234, parts: [{}, {}] }, { how: 'forcetake', loss }])
})

test('one change in full: who and why, and what each node went by', async () => {
  bench.a.history = { job: 'DB_Group', node: 'RMHW131', entries: [given, taken, forced], unheard: null }
  const { out } = await bench.cui(['history', 'DB_Group', '3'])
  expect(out).toContain('Role sequence 3: switch from RMHW131 to RMHW132, typed by kim, reason: new disk\nEnded: online; outage at most 1.2s\n')
  expect(out).toContain('RMHW131 gave it at 2019-10-30 11:47:32; what it saw:\n')
  expect(out).toContain('  heartbeat link-0: error, heard 15s before\n')
  expect(out).toContain('  vote of witness: answered 1s before, holds role sequence 2, lets nobody serve\n')
  expect(out).toContain('  timers: heartbeat lost after 15s, lease 10s, drift 250ms\n')
  expect((await bench.cui(['history', 'DB_Group', '14'])).out).toContain(`Loss: ${bound}\n`)
  expect((await bench.cui(['history', 'DB_Group', '99'])).out).toBe('Nothing is kept of role sequence 99.\n')
  expect((await bench.cui(['history', 'DB_Group', 'yesterday'])).exitCode).toBe(2)
})

test('the part of a node that is away is said to be missing; in use, the job need not be named', async () => {
  await bench.b.stop()
  bench.a.history = { job: 'DB_Group', node: 'RMHW131', entries: [given], unheard: 'RMHW131 could not reach the agent of RMHW132.' }
  const { exitCode, out } = await bench.cui(['history', 'DB_Group'])
  expect(exitCode).toBe(1)
  expect(out).toContain('! RMHW131 could not reach the agent of RMHW132.\n')
  bench.a.history = { job: 'DB_Group', node: 'RMHW131', entries: [], unheard: null }
  expect((await bench.cui([], 'use DB_Group\nhistory\n')).out).toContain('No change of owner of DB_Group has been kept.\n')
})

test('what the comparison found when the old owner was back is the measure of the loss', async () => {
  const lostOne = entry({ part: 'takes', node: 'RMHW132', takeReason: 'failover', loss, end: ended('online', 3_000) })
  const rows = async (returned: TakeoverView['returned']): Promise<string[]> => {
    bench.b.history = { job: 'DB_Group', node: 'RMHW132', entries: [{ ...lostOne, ...(returned && { returned }) }], unheard: null }
    bench.a.history = { job: 'DB_Group', node: 'RMHW131', entries: [], unheard: null }
    const list = (await bench.cui(['history', 'DB_Group'])).out.split('\n')
    const lines = (await bench.cui(['history', 'DB_Group', '3'])).out.split('\n')
    return [list[3]?.slice(-25).trim() ?? '', ...lines.filter((line) => line.startsWith('Measured'))]
  }
  const atMs = TAKE_TIME_MS + 60_000
  expect((await rows(undefined))[0]).toMatch(/possible$/)
  expect((await rows({ atMs, compared: 'difference', differences: 0 }))[0]).toMatch(/none$/)
  const [word, line] = await rows({ atMs, compared: 'difference', differences: 3, files: 2, bytes: 65_536 })
  expect(word).toMatch(/at most in 2 files$/)
  expect(line).toMatch(/^Measured when RMHW131 was equal again, at .*: 3 places in 2 files, 65,536 bytes/)
  expect((await rows({ atMs, compared: null, differences: null }))[1]).toContain('nothing was compared')
})
