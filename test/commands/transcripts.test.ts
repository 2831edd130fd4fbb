import { Bench } from './harness'

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
})
afterEach(() => bench.down())

const RULE = '-----------------------------------------------------------'

const LIST = `${RULE}
Node          IP:Port                   State
${RULE}
*RMHW131      192.168.150.151:7330      on line(admin)
RMHW132       192.168.150.152:7330      on line(admin)
${RULE}
`
const ALLSTATE = `${RULE}
host          licState
${RULE}
RMHW131       2019-11-05
RMHW132       2019-11-05
${RULE}

${RULE}
host                      hbtState
${RULE}
RMHW131--->RMHW132        ok
RMHW132--->RMHW131        ok
${RULE}

${RULE}
Job           State       Activite      TakeReason    TakeTime
${RULE}
DB_Group      online      RMHW131       manual        2019-10-30 11:47:32
${RULE}
`
const HBTSTATE = `${RULE}
HBT                                               RMHW131     RMHW132
${RULE}
192.168.150.151:3002 <-> 192.168.150.152:3002     ok          ok
22.22.150.131:3001 <-> 22.22.150.132:3001         ok          ok
11.11.150.131:3000 <-> 11.11.150.132:3000         ok          ok
${RULE}
`

test("list, allstate and hbtstate are the guide's, byte for byte", async () => {
  await bench.openBoth()
  expect(await bench.cui(['list'])).toEqual({ exitCode: 0, out: LIST, err: '' })
  expect(await bench.cui(['allstate'])).toEqual({ exitCode: 0, out: ALLSTATE, err: '' })
  expect(await bench.cui(['hbtstate'])).toEqual({ exitCode: 0, out: HBTSTATE, err: '' })
  expect((await bench.cui(['hotstate'])).out).toBe(HBTSTATE)
})

test('hbtstate tells of links and of nothing else', async () => {
  await bench.openBoth()
  const { status } = bench.a
  bench.a.status = { ...status, problems: ['DB_Group on RMHW131: it waits'] }
  expect(await bench.cui(['hbtstate'])).toEqual({ exitCode: 0, out: HBTSTATE, err: '' })

  bench.a.status = {
    ...status,
    self: { ...status.self, links: status.self.links.map((link) => ({ ...link, state: link.name === 'link-0' ? 'error' : 'ok' })) }
  }
  const broken = await bench.cui(['hbtstate'])
  expect(broken.exitCode).toBe(1)
  expect(broken.out).toContain('RMHW131 does not hear RMHW132 on link link-0 (22.22.150.131:3001 <-> 22.22.150.132:3001)')
  bench.a.status = status
})

test('one open node is enough: the other one is seen through it', async () => {
  await bench.cui(['open', '192.168.150.152', '--account', 'administrator', '--password-file', bench.passwordFile, '--trust-on-first-use'])
  expect((await bench.cui(['allstate'])).out).toBe(ALLSTATE)
  expect((await bench.cui(['hbtstate'])).out).toBe(HBTSTATE)
})

test('the words of open and bringin', async () => {
  const opened = await bench.cui([
    'open',
    '192.168.150.151',
    '--account',
    'administrator',
    '--password-file',
    bench.passwordFile,
    '--trust',
    bench.a.fingerprint
  ])
  expect(opened).toEqual({ exitCode: 0, out: 'Operate successful!\n[RMHW131]: result: Administrator, LicenseState: Valid\n', err: '' })
  const brought = await bench.cui(['bringin', 'DB_Group'])
  expect(brought.out.split('\n')[0]).toBe('Send bringin Job command succeeded!')
})

test("help begins with the guide's words in the guide's columns", async () => {
  const { out } = await bench.cui(['help'])
  expect(out.split('\n\n')[0]).toBe(
    `allstate      exit          list          switch
bringin       forcetake     login         transmit
bringout      hbtstate      mirror        use
detach        help          open          verify
encode        jobstate      selectsrc`
  )
})

test("the property view has the guide's lines in the guide's order", async () => {
  await bench.openBoth()
  const data = bench.a.status.self.jobs['DB_Group']?.data
  if (data)
    Object.assign(data, {
      mirror: { state: 'Mirror', percent: 54.6, leftBytes: 44_045_066, leftMs: 900 },
      replication: 'Replicating',
      queuedBytes: 1_710_956,
      targetSide: 'Full Mirror',
      pagefileBytes: null
    })
  const { out } = await bench.cui(['jobstate', 'DB_Group'])
  expect(out).toBe(`${RULE}
Property                  Value
${RULE}
DB_Group                  RMHW131
IP-DB_Group               192.168.150.130 / 255.255.0.0
MSSQLSERVER               online
SQLSERVERAGENT            online
System resource monitor   NA
Data                      DB_Group
Connection                OK
Data Rule Set             DB_Group
Link Group                OK
Speed (bytes/s)           0
Link-0                    OK
Link-1                    OK
Mirror                    Mirror(54%)
Left Bytes                44,045,066
Left Time                 1s
Need to Verify            No
Replication               Replicating
Sent Bytes                1,766,384
Queued Bytes              1,710,956
Mode                      Async
Target Side               Full Mirror
Pagefile Used             NA
State                     online
Safety                    OFF
Mirroring State           SYNCHRONIZING
Exposed                   No
Role Sequence             3
Safety Sequence           1
Failover LSN              0
Redo Queue                0
Dirty Bytes               0
Speed Limit               off
${RULE}
`)
})

test('names in Korean keep the columns in line, and nothing is wider than 80 columns', async () => {
  await bench.openBoth()
  for (const agent of [bench.a, bench.b]) {
    const view = agent.status.self.jobs['DB_Group']
    if (view) agent.status.self.jobs = { 데이터_그룹: { ...view, record: { ...view.record, job: '데이터_그룹' } }, DB_Group: view }
  }
  const { out } = await bench.cui(['jobstate'])
  const [korean, latin] = out.split('\n').slice(3, 5)
  // Five wide characters and an underscore take 11 columns: three blanks up to column 14.
  expect(korean).toBe('데이터_그룹   online      RMHW131       manual        2019-10-30 11:47:32')
  expect(latin).toBe('DB_Group      online      RMHW131       manual        2019-10-30 11:47:32')
  for (const command of ['list', 'allstate', 'hbtstate', 'jobstate', 'help']) {
    for (const line of (await bench.cui([command])).out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  }
})
