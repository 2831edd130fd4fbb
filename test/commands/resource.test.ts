import { Bench } from './harness'
import { TAKE_TIME_MS } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const heard = () => bench.ordersOf(['Stop application SQLSERVERAGENT', 'Stop application MSSQLSERVER'])

test.each(['online', 'offline', 'detach'] as const)('%s goes to the owner, with the name as its job writes it', async (action) => {
  const sent = heard()
  const { exitCode, out } = await bench.cui(['resource', 'DB_Group', 'mssqlserver', action])
  expect(out.split('\n')[0]).toBe('Send resource Job command succeeded!')
  expect(exitCode).toBe(0)
  expect(sent).toEqual([{ application: 'MSSQLSERVER', action }])
  expect(bench.a.heard.map(({ line }) => line)).toContain('POST /v1/jobs/DB_Group/resource')
})

test('a dry run prints what follows too; in a runbook the job in use need not be named', async () => {
  const sent = heard()
  const { out } = await bench.cui([], 'use DB_Group\nresource MSSQLSERVER offline --dry-run\n')
  expect(out).toContain('resource DB_Group would do:\n  1. Stop application SQLSERVERAGENT\n  2. Stop application MSSQLSERVER\n')
  expect(sent).toEqual([{ application: 'MSSQLSERVER', action: 'offline', dryRun: true }])
})

test.each([
  [['resource', 'DB_Group', 'NONE', 'offline'], 'DB_Group has no application "NONE"; it has: MSSQLSERVER, SQLSERVERAGENT.'],
  [['resource', 'DB_Group', 'MSSQLSERVER', 'restart'], '"restart" is not an action of resource.'],
  [['resource', 'DB_Group', 'MSSQLSERVER'], 'The action is missing of resource.']
])('%s is wrong usage, and nothing is sent', async (argv, what) => {
  const sent = heard()
  const { exitCode, err } = await bench.cui(argv)
  expect(exitCode).toBe(2)
  expect(err).toContain(what)
  expect(sent).toEqual([])
})

test('the property view and --json say the state of each, since when, and how near it is to its limit', async () => {
  for (const agent of [bench.a, bench.b])
    for (const view of [agent.status.self, agent.status.peer?.view])
      if (view?.jobs.DB_Group)
        view.jobs.DB_Group.applications = [
          { name: 'MSSQLSERVER', state: 'error', word: 'failed', sinceMs: TAKE_TIME_MS, by: null, restarts: 2, restartsMax: 3, why: 'exit code 1' },
          { name: 'SQLSERVERAGENT', state: 'online', word: 'detached', sinceMs: TAKE_TIME_MS, by: 'root', restarts: 0, restartsMax: 3, why: null }
        ]
  const { out } = await bench.cui(['jobstate', 'DB_Group'])
  expect(out).toMatch(/^MSSQLSERVER +failed \(2 of 3 restarts\)$/m)
  expect(out).toMatch(/^SQLSERVERAGENT +detached$/m)
  const json = JSON.parse((await bench.cui(['jobstate', 'DB_Group', '--json'])).out)
  expect(json.applications[1]).toMatchObject({ word: 'detached', sinceMs: TAKE_TIME_MS, by: 'root', restarts: 0, restartsMax: 3 })
})
