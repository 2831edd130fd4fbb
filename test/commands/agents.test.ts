import { Completer } from '../../commands/complete/completer'
import type { Context } from '../../commands/context'
import { COMMANDS } from '../../commands/index'
import { Store } from '../../commands/kit/store'
import type { AgentDescription } from '../../src/model'
import { versionOf, viewOf } from './configView'
import { Bench } from './harness'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  bench.a.agents = { 'ocf:heartbeat:pgsql': PGSQL, 'ocf:heartbeat:IPaddr2': { ...PGSQL, agent: 'ocf:heartbeat:IPaddr2' } }
  bench.b.agents = { 'ocf:heartbeat:pgsql': PGSQL }
})
afterEach(() => bench.down())

const parameter = { unique: false, deprecated: false, required: false, byDefault: null, choices: [], type: 'string', summary: '', description: '' }
const PGSQL: AgentDescription = {
  agent: 'ocf:heartbeat:pgsql',
  version: '1.0',
  summary: 'Manages a PostgreSQL database instance',
  description: 'Resource script for PostgreSQL.\nIt manages a PostgreSQL as an HA resource.',
  parameters: [
    { ...parameter, name: 'pgport', type: 'integer', byDefault: '5432', description: 'Port where PostgreSQL is listening' },
    { ...parameter, name: 'pgdata', required: true, description: 'Path to the data directory.' }
  ],
  actions: [
    { name: 'start', timeoutMs: 120_000, intervalMs: null },
    { name: 'monitor', timeoutMs: 30_000, intervalMs: 7_000 }
  ]
}

const FILE = `cluster: seoul-db
nodes: { RMHW131: { address: 192.168.150.151 }, RMHW132: { address: 192.168.150.152 } }
links: [ { name: link-0, heartbeat: 3001, data: true, RMHW131: 22.22.150.131, RMHW132: 22.22.150.132 } ]
jobs:
  DB_Group:
    applications:
      - name: POSTGRES
        agent: ocf:heartbeat:pgsql
        parameters:
          pgdata: /srv/db
          pgport: 5432
`

test('the agents of the nodes, and who lacks one', async () => {
  const { exitCode, out } = await bench.cui(['agents', 'list'])
  expect(exitCode).toBe(0)
  expect(out).toMatch(/^ocf:heartbeat:pgsql +RMHW131 RMHW132$/m)
  expect(out).toMatch(/^ocf:heartbeat:IPaddr2 +RMHW131$/m)
  expect(JSON.parse((await bench.cui(['agents', 'list', 'PGS', '--json'])).out)).toMatchObject({
    agents: [{ agent: 'ocf:heartbeat:pgsql', nodes: ['RMHW131', 'RMHW132'] }],
    unheard: null
  })
  expect((await bench.cui(['agents', 'list', 'oracle'])).out).toBe('No resource agent has "oracle" in its name.\n')
})

test('one agent: what it is for, its advice, and its parameters with the required ones first', async () => {
  const { exitCode, out } = await bench.cui(['agents', 'describe', 'ocf:heartbeat:pgsql'])
  expect(exitCode).toBe(0)
  expect(out).toContain('ocf:heartbeat:pgsql (version 1.0): Manages a PostgreSQL database instance\n')
  expect(out).toContain('It advises as timeouts: start 2m 0s, monitor 30s every 7s.\n')
  expect(out).toMatch(/pgdata \(string, required\)\n +Path to the data directory\.\n +pgport \(integer, default 5432\)\n/)
  expect(JSON.parse((await bench.cui(['agents', 'describe', 'ocf:heartbeat:pgsql', '--json'])).out)).toMatchObject({ agent: PGSQL, differs: [] })
})

test('nodes that differ, a node that lacks it, none that has it', async () => {
  bench.b.agents = { 'ocf:heartbeat:pgsql': { ...PGSQL, version: '2.0' } }
  const other = await bench.cui(['agents', 'describe', 'ocf:heartbeat:pgsql'])
  expect([other.exitCode, other.out]).toEqual([1, expect.stringContaining('! RMHW132 has another version of it than RMHW131\n')])
  const lacking = await bench.cui(['agents', 'describe', 'ocf:heartbeat:IPaddr2'])
  expect([lacking.exitCode, lacking.out]).toEqual([1, expect.stringContaining('! RMHW132 has no resource agent ocf:heartbeat:IPaddr2.\n')])
  const none = await bench.cui(['agents', 'describe', 'ocf:heartbeat:none'])
  expect([none.exitCode, none.err]).toEqual([1, expect.stringContaining('RMHW131 has no resource agent ocf:heartbeat:none.')])
  expect((await bench.cui(['agents', 'describe'])).exitCode).toBe(2)
  expect((await bench.cui(['agents', 'frobnicate'])).exitCode).toBe(2)
})

test('config check asks the open nodes: what is wrong has its place in the file, once for both', async () => {
  const check = async (text: string) => await bench.cui(['config', 'check', bench.file('new.yaml', text)])
  expect((await check(FILE)).exitCode).toBe(0)
  const unknown = await check(FILE.replace('pgdata', 'pgdat'))
  expect(unknown.exitCode).toBe(1)
  expect(unknown.out).toMatch(
    /new\.yaml:10:11: Application POSTGRES of DB_Group on RMHW131 and RMHW132: ocf:heartbeat:pgsql has no parameter pgdat\.\n {2}Try: Did you mean pgdata\?/
  )
  expect(unknown.out).toMatch(/new\.yaml:7:9: .* needs the parameter pgdata\./)
  expect((await check(FILE.replace('5432', 'five'))).out).toMatch(
    /new\.yaml:11:11: .*pgport of ocf:heartbeat:pgsql is "five"\.\n {2}Try: Write a whole number\./
  )
  const missing = await check(FILE.replace(':pgsql', ':IPaddr2'))
  expect(missing.out).toContain('new.yaml:7:9: Application POSTGRES of DB_Group on RMHW132: there is no agent ocf:heartbeat:IPaddr2.')
})

test('config check with no node open says what it has not looked at', async () => {
  const other = await new Bench().up()
  const { exitCode, out } = await other.cui(['config', 'check', other.file('new.yaml', FILE)])
  await other.down()
  expect([exitCode, out]).toEqual([
    0,
    expect.stringContaining('! No node is open: whether ocf:heartbeat:pgsql is there, and has these parameters, was not looked at.')
  ])
})

test('Tab offers the names of the agents', async () => {
  const context = { store: new Store({ MIRRORPAIR_HOME: bench.home }), commands: COMMANDS } as unknown as Context
  expect(await new Completer(context).complete('agents describe ocf:heartbeat:p')).toEqual([['ocf:heartbeat:pgsql '], 'ocf:heartbeat:p'])
})

test('Tab offers the parameters of an agent where one is set: of the one on the line, and of the one that the job has', async () => {
  const context = { store: new Store({ MIRRORPAIR_HOME: bench.home }), commands: COMMANDS } as unknown as Context
  const completer = new Completer(context)
  const offered = async (line: string): Promise<string[]> => (await completer.complete(line))[0]
  const set = 'applications.DB.parameters.'
  const create = 'job create Web --agent DB='
  expect(await offered(`${create}ocf:heartbeat:p`)).toEqual(['DB=ocf:heartbeat:pgsql '])
  expect(await offered(`${create}ocf:heartbeat:pgsql --set ${set}`)).toEqual([`${set}pgport=`, `${set}pgdata=`])
  // A value follows at once: no space.
  expect(await offered(`${create}ocf:heartbeat:pgsql --set ${set}pgd`)).toEqual([`${set}pgdata=`])
  expect(await offered(`${create}ocf:heartbeat:pgsql --set ${set}pgport=`)).toEqual([`${set}pgport=5432 `])
  expect(await offered(`${create}ocf:heartbeat:none --set ${set}`)).toEqual([])
  bench.takesChanges(viewOf(versionOf(7, FILE)), () => ({ differences: [], warnings: [] }))
  const has = 'applications.POSTGRES.parameters.'
  expect(await offered(`job modify DB_Group --unset ${has}pgp`)).toEqual([`${has}pgport `])
  expect(await offered(`job modify DB_Group --set ${set}`)).toEqual([])
})
