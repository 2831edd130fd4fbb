import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { cuiSim, linesOf, ONLINE, PAIR_FILE } from './simulation'
import type { DrillEntry } from '../../src/wire'

type Drilled = DrillEntry & { met: boolean }

test('a switch is rehearsed: outage, lost writes and time until in sync are measured, and kept by both nodes', async () => {
  const { exitCode, error, results } = await linesOf([
    ...ONLINE,
    'drill DB_Group switch --target outage=10s,loss=0,sync=30s --yes --reason exercise',
    'sim kill RMHW131',
    'drill DB_Group history'
  ])
  expect(error).toBeNull()
  expect(exitCode).toBe(0)
  const drilled = results[2] as unknown as Drilled
  expect(drilled).toMatchObject({ kind: 'switch', from: 'RMHW131', to: 'RMHW132', lost: 0, met: true, missed: [], probedVip: true, reason: 'exercise' })
  // What the simulated machines take to stop, to mount and to start.
  expect(drilled.outageMs).toBeGreaterThan(2_000)
  expect(drilled.outageMs).toBeLessThan(6_000)
  expect(drilled.writes).toBeGreaterThan(10)
  expect(drilled.syncMs).toBeGreaterThan(2_000)
  const kept = (results[4] as { entries: DrillEntry[] }).entries
  expect(kept).toHaveLength(1)
  expect(kept[0]?.outageMs).toBe(drilled.outageMs)
})

test('a target that is missed is exit code 1, and is said', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drill-'))
  const file = path.join(folder, 'strict.yaml')
  fs.writeFileSync(file, fs.readFileSync(PAIR_FILE, 'utf8').replace('    vips:', '    drill: { outage: 500ms, loss: 0, sync: 60s }\n    vips:'))
  const runbook = path.join(folder, 'drill.runbook')
  fs.writeFileSync(runbook, [...ONLINE, 'drill DB_Group switch --yes'].join('\n'))
  const { out } = await cuiSim(['run', runbook], [], file)
  expect(out).toMatch(/! missed: outage \d+s, at most 1s/)
  const { exitCode, error } = await linesOf([...ONLINE, 'drill DB_Group switch --yes'], file)
  expect(exitCode).toBe(1)
  expect(error).toMatchObject({ code: 'E_LINE_FAILED', message: expect.stringMatching(/^The drill missed: outage \d+s, at most 1s\./) })
  const alone = await cuiSim(['drill', 'DB_Group', 'switch', '--yes'], [], file)
  expect(alone.exitCode).toBe(5)
  fs.rmSync(folder, { recursive: true })
})

test('an application is killed: its death is noticed, it is started again, and the job stays', async () => {
  const { exitCode, error, results } = await linesOf([...ONLINE, 'drill DB_Group kill-app AGENT --target outage=20s,loss=0 --yes', 'sim'])
  expect(error).toBeNull()
  expect(exitCode).toBe(0)
  const drilled = results[2] as unknown as Drilled
  expect(drilled).toMatchObject({ kind: 'kill-app', what: 'AGENT', from: 'RMHW131', to: 'RMHW131', lost: 0 })
  expect(drilled.outageMs).toBeGreaterThan(500)
  expect((results[3] as { machines: { applications: string[] }[] }).machines[0]?.applications).toContain('DB_Group/AGENT')
})

test('a heartbeat link is cut for a while: both call it broken, the service feels nothing, and it comes back by itself', async () => {
  const { exitCode, error, results } = await linesOf([...ONLINE, 'drill DB_Group cut-link link-0 --target outage=1s --yes', 'hbtstate', 'log --last 20'])
  expect(error).toBeNull()
  expect(exitCode).toBe(0)
  expect(results[2]).toMatchObject({ kind: 'cut-link', what: 'link-0', outageMs: 0, lost: 0, met: true })
  expect(JSON.stringify(results[4])).toMatch(/link link-0 .* is broken/)
})

test('a dry run says what would be done, and does none of it', async () => {
  const { results } = await linesOf([...ONLINE, 'sim', 'drill DB_Group kill-app --dry-run', 'sim', 'drill DB_Group history'])
  expect((results[3] as { steps: string[] }).steps.join('\n')).toContain('Kill every process of POSTGRES on RMHW131')
  expect({ ...results[4], atMs: 0, wallMs: 0 }).toEqual({ ...results[2], atMs: 0, wallMs: 0 })
  expect(results[5]).toMatchObject({ entries: [] })
})

test('what the real thing would not survive is refused: not in sync, in jeopardy, not asked', async () => {
  expect(await linesOf(['bringin DB_Group', 'sim kill RMHW132', 'sim advance 30s', 'drill DB_Group switch --yes'])).toMatchObject({
    exitCode: 5,
    error: { code: 'E_NOT_READY' }
  })
  expect(await linesOf([...ONLINE, 'sim cut link-0', 'sim cut link-1', 'sim advance 10s', 'drill DB_Group kill-app --yes'])).toMatchObject({ exitCode: 5 })
  expect(await linesOf([...ONLINE, 'detach DB_Group --keep-data --yes', 'drill DB_Group kill-app --yes'])).toMatchObject({ exitCode: 5 })
  expect(await linesOf([...ONLINE, 'drill DB_Group switch'])).toMatchObject({ exitCode: 2, error: { code: 'E_NO_TERMINAL' } })
  expect(await linesOf([...ONLINE, 'drill DB_Group kill-app NONE --yes'])).toMatchObject({ exitCode: 2, error: { code: 'E_NO_SUCH_PART' } })
  expect(await linesOf([...ONLINE, 'drill DB_Group switch --target speed=1 --yes'])).toMatchObject({ exitCode: 2, error: { code: 'E_USAGE' } })
})

const FREEZE = 'drill DB_Group freeze-peer --yes'

test('the standby hangs for a while: the service feels nothing, the owner notices, and both are in sync again by themselves', async () => {
  const { exitCode, error, results } = await linesOf([
    ...ONLINE,
    `${FREEZE} --target outage=1s,loss=0,sync=60s,wait=20s`,
    'allstate',
    'drill DB_Group history',
    'log --last 40'
  ])
  expect(error).toBeNull()
  expect(exitCode).toBe(0)
  const drilled = results[2] as unknown as Drilled
  expect(drilled).toMatchObject({ kind: 'freeze-peer', what: 'RMHW132', from: 'RMHW131', to: 'RMHW131', outageMs: 0, lost: 0, met: true, missed: [] })
  const { still, waitMs, syncMs } = drilled
  // Longer than it takes to be noticed, unless it is said.
  expect(still?.forMs).toBeGreaterThan(10_000)
  expect(still?.noticedMs).toBeGreaterThan(0)
  expect(still?.noticedMs).toBeLessThan(still?.forMs ?? 0)
  // Safety FULL: a commit waits until it is recorded that the mirror is out of date.
  expect(waitMs).toBeGreaterThan(5_000)
  expect(syncMs).toBeGreaterThan(still?.forMs ?? Infinity)
  expect((results[4] as { entries: DrillEntry[] }).entries).toEqual([expect.objectContaining({ kind: 'freeze-peer', still })])
  expect(JSON.stringify(results[5])).toMatch(/Drill: RMHW132 goes on after \d+ ms/)
})

test('a hang that is shorter than everybody waits for is felt by nobody', async () => {
  const { error, results } = await linesOf([...ONLINE, `${FREEZE} --for 1s`])
  expect(results[2]).toMatchObject({ still: { forMs: 1_000 }, outageMs: 0, lost: 0, met: true })
  expect(error).toBeNull()
  const missed = await linesOf([...ONLINE, `${FREEZE} --for 1s --target wait=1ms`])
  expect(missed).toMatchObject({ exitCode: 1, error: { message: expect.stringContaining('a write waited') } })
})

test('only a standby hangs on purpose: the active node, an odd time, a dry run, and a pair that is not whole', async () => {
  const refused = async (lines: string[], code: string, exitCode: number, message: RegExp): Promise<void> =>
    expect(await linesOf([...ONLINE, ...lines])).toMatchObject({ exitCode, error: { code, message: expect.stringMatching(message) } })
  await refused(['drill DB_Group freeze-peer RMHW131 --yes'], 'E_DRILL_STILL', 5, /it is the active node of DB_Group: what it serves would go on/)
  await refused(['drill DB_Group freeze-peer RMHW133 --yes'], 'E_USAGE', 2, /RMHW133 is not a node/)
  await refused([`${FREEZE} --for 2m`], 'E_USAGE', 2, /--for 2m: 1s to 1m/)
  await refused(['drill DB_Group switch --for 2s --yes'], 'E_USAGE', 2, /--for is for freeze-peer/)
  await refused(['drill DB_Group freeze-peer'], 'E_NO_TERMINAL', 2, /./)
  await refused(['sim cut link-0', 'sim cut link-1', 'sim advance 10s', FREEZE], 'E_NOT_READY', 5, /jeopardy/)
  await refused(['sim kill witness', 'sim advance 30s', FREEZE], 'E_NOT_READY', 5, /witness/)
  await refused(['sim kill RMHW132', 'sim advance 30s', FREEZE], 'E_NOT_READY', 5, /not in sync/)
  await refused(['detach DB_Group --keep-data --yes', FREEZE], 'E_DRILL_STILL', 5, /DB_Group is detached/)
  await refused(['mode DB_Group high-protection --yes', 'sim advance 5s', FREEZE], 'E_DRILL_STILL', 5, /high-protection: RMHW131 would have no quorum/)
  const { results } = await linesOf([...ONLINE, 'sim', 'drill DB_Group freeze-peer --dry-run', 'sim', 'drill DB_Group history'])
  expect((results[3] as { steps: string[] }).steps[1]).toMatch(/^RMHW132 stands still for \d+s, as if it hung/)
  expect({ ...results[4], atMs: 0, wallMs: 0 }).toEqual({ ...results[2], atMs: 0, wallMs: 0 })
  expect(results[5]).toMatchObject({ entries: [] })
})
