import { Bench } from './harness'
import { Terminal } from './terminal'
import { TAKE_TIME_MS } from './views'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const word = { sinceMs: TAKE_TIME_MS, by: 'root', reason: 'patch 15.4', untilMs: TAKE_TIME_MS + 7_200_000, stopData: true }

const heard = () => bench.ordersOf(['Record that DB_Group is detached on both nodes'])

/** Both nodes know the word; the wall clock of each is an hour on. */
function detach(change: Partial<typeof word> = {}): void {
  for (const agent of [bench.a, bench.b]) {
    const { self, peer } = agent.status
    for (const view of [self, peer?.view]) Object.assign(view?.jobs.DB_Group?.record ?? {}, { detached: { ...word, ...change }, detachSequence: 1 })
    agent.status = { ...agent.status, wallMs: TAKE_TIME_MS + 3_600_000, problems: ['DB_Group is detached for 1.0 h, 1.0 h left (by root: patch 15.4)'] }
  }
}

test.each([
  [['--keep-data'], { stopData: false }],
  [['--stop-data', '--for', '2h'], { stopData: true, forMs: 7_200_000 }],
  [['--for', '30d', '--reason', 'patch'], { forMs: 2_592_000_000, reason: 'patch' }]
])('%s', async (flags, body) => {
  const sent = heard()
  const { exitCode, out } = await bench.cui(['detach', 'DB_Group', ...flags])
  expect(out.split('\n')[0]).toBe('Send detach Job command succeeded!')
  expect(exitCode).toBe(0)
  expect(sent).toEqual([body])
})

test.each([
  [['detach', 'DB_Group', '--stop-data', '--keep-data']],
  [['detach', 'DB_Group', '--for', 'long']],
  [['detach', 'DB_Group', '--for', '31d']],
  [['detach', 'DB_Group', '--for', '5s']],
  [['detach']]
])('%s is wrong usage, and nothing is sent', async (argv) => {
  const sent = heard()
  expect((await bench.cui(argv)).exitCode).toBe(2)
  expect(sent).toEqual([])
})

// The agent would refuse 5s as a request that it cannot read.
test('a time that is too short or too long is told with its bounds, and how detach is called', async () => {
  const said = '"5s" is not a duration between 10s and 30d.\nTry: detach JOB [--stop-data|--keep-data] [--for 2h]'
  expect((await bench.cui(['detach', 'DB_Group', '--keep-data', '--for', '5s'])).err).toContain(said)
})

test('a dry run prints the steps, in a runbook too; --json has stable keys', async () => {
  const sent = heard()
  expect((await bench.cui(['detach', 'DB_Group', '--dry-run'])).out).toBe('detach DB_Group would do:\n  1. Record that DB_Group is detached on both nodes\n')
  expect((await bench.cui([], 'use DB_Group\ndetach --keep-data --for 1h --dry-run\n')).exitCode).toBe(0)
  expect(sent).toEqual([{ dryRun: true }, { dryRun: true, stopData: false, forMs: 3_600_000 }])
  const json = JSON.parse((await bench.cui(['detach', 'DB_Group', '--json'])).out)
  expect(json).toMatchObject({ command: 'detach', job: 'DB_Group', state: 'done' })
})

test('every view shows who, since when, why and for how long still', async () => {
  detach()
  const all = await bench.cui(['allstate'])
  expect(all.exitCode).toBe(1)
  expect(all.out).toMatch(/^DB_Group +detached +RMHW131/m)
  expect(all.out).toContain('! DB_Group is detached for 1.0 h, 1.0 h left (by root: patch 15.4)')
  const one = (await bench.cui(['jobstate', 'DB_Group'])).out
  expect(one).toMatch(/^State +online$/m)
  expect(one).toMatch(/^Detached +with its data, since 2019-10-30 11:47:32 by root$/m)
  expect(one).toMatch(/^Watched Again +1h 0m left, until 2019-10-30 13:47:32$/m)
  expect(one).toMatch(/^Detach Reason +patch 15.4$/m)
  const json = JSON.parse((await bench.cui(['jobstate', '--json'])).out)
  expect(json.jobs[0]).toMatchObject({ state: 'online', detached: word })
})

test("with its data stopped the property view is the guide's; else it is as ever", async () => {
  detach()
  const stopped = (await bench.cui(['jobstate', 'DB_Group'])).out
  for (const name of ['Connection', 'Mirror', 'Replication', 'Target Side']) expect(stopped).toMatch(new RegExp(`^${name} +Stop$`, 'm'))
  detach({ stopData: false })
  const kept = (await bench.cui(['jobstate', 'DB_Group'])).out
  for (const [name, value] of Object.entries({ Connection: 'OK', Mirror: 'Idle', Replication: 'Idle', 'Target Side': 'Idle' }))
    expect(kept).toMatch(new RegExp(`^${name} +${value}$`, 'm'))
})

test.each([
  ['yes', { stopData: true }],
  ['no', { stopData: false }]
])('at a terminal it asks whether replication stops: %s', async (answer, body) => {
  const sent = heard()
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('detach DB_Group\r')
  await terminal.sees('Stop the replication of DB_Group too?')
  await terminal.sees('(Yes/No)')
  terminal.type(`${answer}\r`)
  await terminal.sees('Do you really want to detach it? (Yes/No)')
  expect(sent).toEqual([])
  terminal.type('yes\r')
  await terminal.sees('Send detach Job command succeeded!')
  expect(sent).toEqual([body])
  terminal.type('exit\r')
  await terminal.exit
})

test('help has usage and example', async () => {
  const { out } = await bench.cui(['help', 'detach'])
  expect(out).toContain('detach JOB [--stop-data|--keep-data]')
  expect(out).toContain('--for 2h')
})
