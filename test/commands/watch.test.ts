import { Bench } from './harness'
import { Terminal } from './terminal'

/** A busy machine may take its time for a screen. */
jest.setTimeout(30_000)

let bench: Bench
let terminal: Terminal
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

async function watching(line = 'watch'): Promise<void> {
  terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type(`${line}\r`)
  await terminal.shows('q: end')
}

async function leave(): Promise<void> {
  terminal.type('q')
  await terminal.shows('\ncui>')
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
}

const dataOf = () => {
  const data = bench.a.status.self.jobs['DB_Group']?.data
  if (!data) throw new Error('the fake node has no data')
  return data
}

test('watch shows the whole pair on a terminal of 80 columns and 24 lines', async () => {
  await watching()
  expect(terminal.screen).toBe(`seoul-db                                          2019-10-30 11:47:32 [RMHW131]
RMHW131--->RMHW132 ok   RMHW132--->RMHW131 ok
licence   RMHW131 2019-11-05   RMHW132 2019-11-05
Job           State       Activite      TakeReason    TakeTime
DB_Group      online      RMHW131       manual        2019-10-30 11:47:32
-------------------------------------------------------------------------------
DB_Group         RMHW131                        Data            DB_Group
IP-DB_Group      192.168.150.130 / 255.255.0.0  Connection      OK
MSSQLSERVER      online                         Data Rule Set   DB_Group
SQLSERVERAGENT   online                         Link Group      OK
System resour... NA                             Speed (bytes/s) 0
State            online                         Link-0          OK
Safety           OFF                            Link-1          OK
Mirroring State  SYNCHRONIZING                  Mirror          Idle
Exposed          No                             Left Bytes      0
Role Sequence    3                              Left Time       0s
Safety Sequence  1                              Need to Verify  No
Failover LSN     0                              Replication     Idle
Redo Queue       0                              Sent Bytes      1,766,384
Dirty Bytes      0                              Queued Bytes    0
Speed Limit      off                            Mode            Async
                                                Target Side     Idle
                                                Pagefile Used   0
q: end   [s: status] h: heartbeat m: mirroring l: log`)
  expect(terminal.raw).toBe(true)
  await leave()
})

test('what changes is drawn in its place and nothing else is written; a comparison has its bar', async () => {
  await watching('watch DB_Group')
  terminal.written()
  dataOf().verify = { state: 'Verifying', mode: 'full', percent: 25.4, leftBytes: 44_045_066, leftMs: 65_000, differences: 0 }
  await terminal.shows('Verifying [######....')
  expect(terminal.screen).toContain('25%  Left Bytes 44,045,066  Left Time 1m 5s')
  expect(terminal.screen).toContain('Mirror          Verifying(25%)')
  // The rule that became the bar, and the three lines with Mirror, Left Bytes and Left Time.
  expect(terminal.written().match(/\u001b\[\d+;1H/g)).toEqual(['\u001b[6;1H', '\u001b[14;1H', '\u001b[15;1H', '\u001b[16;1H'])
  await leave()
})

test('a smaller terminal is drawn anew and scrolled; Ctrl-C ends it and brings back what stood there', async () => {
  await watching()
  terminal.resize(60, 12)
  await terminal.shows('(0 lines above, 27 below)')
  expect(terminal.screen.trimEnd().split('\n')).toHaveLength(12)
  terminal.type('\u001b[B')
  await terminal.shows('(1 lines above, 26 below)')
  terminal.type('\u001b[6~')
  await terminal.shows('(9 lines above, 18 below)')
  terminal.type('\u001b[F')
  await terminal.shows('Pagefile Used')
  terminal.type('\u0003')
  await terminal.shows('cui>watch\ncui>')
  expect(terminal.screen).toBe('Cui Server connected!\ncui>watch\ncui>')
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
})

test('a shell that is told to end gives the terminal back first', async () => {
  await watching()
  terminal.hangUp()
  expect(terminal.raw).toBe(false)
  expect(terminal.screen).toMatch(/^Cui Server connected!\ncui>watch\n/)
  await terminal.shows('cui>watch\ncui>')
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
})

test('many problems do not push the job off the screen: they stand in full below', async () => {
  const problems = Array.from({ length: 6 }, (_, i) => `the data of DB_Group is not connected to RMHW132 over link-${i}: connect EHOSTUNREACH 11.11.150.132`)
  bench.a.status = { ...bench.a.status, problems }
  await watching()
  const lines = terminal.screen.split('\n')
  expect(lines.slice(3, 8)).toEqual([
    '! the data of DB_Group is not connected to RMHW132 over link-0: connect EHOS...',
    '! the data of DB_Group is not connected to RMHW132 over link-1: connect EHOS...',
    '! the data of DB_Group is not connected to RMHW132 over link-2: connect EHOS...',
    '  and 3 more, in full below',
    'Job           State       Activite      TakeReason    TakeTime'
  ])
  terminal.type('\u001b[F')
  await terminal.shows('over link-5: connect\n  EHOSTUNREACH 11.11.150.132')
  await leave()
})

test('the arrows choose among several jobs', async () => {
  for (const agent of [bench.a, bench.b]) {
    const view = agent.status.self.jobs['DB_Group']
    if (view) agent.status.self.jobs = { DB_Group: view, 웹_그룹: { ...view, record: { ...view.record, job: '웹_그룹' }, state: 'offline' } }
  }
  await watching()
  expect(terminal.screen).toContain('DB_Group      online      RMHW131       manual        2019-10-30 11:47:32 <')
  terminal.type('\u001b[C')
  // Two wide characters, an underscore and two more take nine columns.
  await terminal.shows('웹_그룹       offline     RMHW131       manual        2019-10-30 11:47:32 <')
  expect(terminal.screen).toContain('Data            웹_그룹')
  await leave()
})

test('keys show the heartbeat links, the mirroring session and the log, which goes on by itself', async () => {
  bench.a.happen('info', 'DB_Group is online on RMHW131', 1_572_403_652_000)
  await watching()
  terminal.type('h')
  await terminal.shows('HBT                                               RMHW131     RMHW132')
  expect(terminal.screen).toContain('s: status [h: heartbeat] m: mirroring l: log')
  terminal.type('m')
  await terminal.shows('mirroring_role_desc')
  terminal.type('l')
  await terminal.shows('| DB_Group is online on RMHW131 [RMHW131]')
  const long = 'Application KV of DB_Group failed: its process was ended by SIGKILL, and it is started again'
  bench.a.happen('warning', long, 1_572_403_653_000)
  // A line that is too long goes on below itself: nothing of it is cut off.
  await terminal.shows('was ended\nby SIGKILL, and it is started again [RMHW131]')
  terminal.type('s')
  await terminal.shows('Pagefile Used')
  await leave()
})

test('a node that goes away is told of; the other one goes on, and its own word gets older', async () => {
  await watching()
  bench.a.status = { ...bench.a.status, peerAlive: 'lost', problems: ['RMHW131 hears RMHW132 on no heartbeat link'] }
  await bench.b.stop()
  await terminal.shows('! RMHW131 hears RMHW132 on no heartbeat link')
  await terminal.shows('! RMHW132 (192.168.150.152:7330): 192.168.150.152:7330 cannot be reached')
  await terminal.shows('RMHW131--->RMHW132 ok (1s ago)')
  await bench.a.stop()
  await terminal.shows('None of the open nodes answers.')
  await leave()
})

test('without a terminal, and with --json, it is one picture', async () => {
  const { exitCode, out } = await bench.cui(['watch', 'DB_Group'])
  expect(exitCode).toBe(0)
  expect(out).toContain('RMHW131--->RMHW132        ok')
  expect(out).toContain('Pagefile Used             0')
  expect(out).not.toContain('\u001b')
  const { job, jobs } = JSON.parse((await bench.cui(['watch', '--json'])).out)
  expect(jobs[0]).toMatchObject({ job: 'DB_Group', state: 'online' })
  expect(job).toMatchObject({ job: 'DB_Group', owner: 'RMHW131', data: { targetSide: 'Idle' } })
  expect((await bench.cui(['watch', 'NoSuchJob'])).exitCode).toBe(2)
})
