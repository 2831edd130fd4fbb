import type { ConfigRequest, MonitorView } from '../../src/wire'
import { linesOnlyIn, versionOf, viewOf } from './configView'
import { Bench } from './harness'
import { Terminal } from './terminal'

const TEXT = `cluster: seoul-db
nodes:
  RMHW131: { address: 192.168.150.151 }
  RMHW132: { address: 192.168.150.152 }
links:
  - { name: link-0, heartbeat: 3001, RMHW131: 22.22.150.131, RMHW132: 22.22.150.132 }
jobs:
  DB_Group: {}
monitors:
  RMHW131:
    events:
      # The auditors want it.
      - name: cpu-high
        conditions: [ cpu >= 70% ]
        average: 10m
        responses: [ more 3 switch all, equal 1 alarm ]
      - { name: disk, conditions: [ disk /srv >= 90% NA, process postgres count < 1 ], responses: [ equal 3 switch DB_Group ], export: { size: 2MiB } }
`
const VIEW = viewOf(versionOf(7, TEXT))
const OK: MonitorView = {
  state: 'OK',
  events: [
    { name: 'cpu-high', state: 'OK', sinceMs: null, cause: null, met: 0, kept: [] },
    { name: 'disk', state: 'OK', sinceMs: null, cause: null, met: 0, kept: [] }
  ]
}
const CAUSE = 'Disk Rate /srv 95% >= 90%, postgres Count 0 < 1, 3 times in a row'
const WHY = 'the system resource monitor of RMHW132 is in error too (disk)'
const ERROR: MonitorView = {
  state: 'Error',
  events: [OK.events[0]!, { name: 'disk', state: 'Error', sinceMs: 1_569_252_366_000, cause: CAUSE, met: 5, kept: [{ job: 'DB_Group', why: WHY }] }]
}

jest.setTimeout(20_000)

let bench: Bench
let sent: ConfigRequest[] = []
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
  sent = bench.takesChanges(VIEW)
  says(OK)
})
afterEach(() => bench.down())

function says(monitor: MonitorView): void {
  bench.a.status.self.monitor = monitor
  if (bench.b.status.peer) bench.b.status.peer.view.monitor = monitor
}

test("list: the guide's table Condition, and its list Event Response", async () => {
  expect(await bench.cui(['monitor', 'list'])).toEqual({
    exitCode: 0,
    err: '',
    out: `RMHW131   System resource monitor OK   looks every 10s
------------------------------------------------------------
Event       State  Process   Resource item   Compare  Value  NA
------------------------------------------------------------
cpu-high    OK     All Host  CPU Rate        >=       70%
disk        OK     All Host  Disk Rate /srv  >=       90%    NA
                   postgres  Count           <        1
------------------------------------------------------------
cpu-high: More than 3 times, All Solutions perform HA Switch
cpu-high: Equal 1 times, perform Alarm
cpu-high: the average value within 10m
disk: Equal 3 times, DB_Group perform HA Switch
disk: export of the whole server's resource usage every 1m, 2MiB, csv
RMHW132 watches nothing: monitor add RMHW132 EVENT begins it.
`
  })
})

test('list of a node in error: the cause, what it would have moved, exit code 1; as JSON the same', async () => {
  says(ERROR)
  const { exitCode, out } = await bench.cui(['monitor', 'list', 'rmhw131'])
  expect(exitCode).toBe(1)
  expect(out).toContain('RMHW131   System resource monitor Error')
  expect(out).toContain(`! disk: ${CAUSE}\n! disk: DB_Group stays: ${WHY}\n`)
  expect(out).not.toContain('RMHW132   ')
  const { nodes } = JSON.parse((await bench.cui(['monitor', 'list', 'RMHW131', '--json'])).out)
  expect(nodes).toEqual([
    expect.objectContaining({
      node: 'RMHW131',
      state: 'Error',
      intervalMs: 10_000,
      events: [
        expect.objectContaining({ name: 'cpu-high', state: 'OK' }),
        expect.objectContaining({ name: 'disk', state: 'Error', cause: CAUSE, kept: [{ job: 'DB_Group', why: WHY }] })
      ]
    })
  ])
})

test('the property view says OK, Error with the names of the events, NA where nothing is watched', async () => {
  const line = async () => /^System resource monitor +(.*)$/m.exec((await bench.cui(['jobstate', 'DB_Group'])).out)?.[1]
  expect(await line()).toBe('OK')
  says(ERROR)
  expect(await line()).toBe('Error (disk)')
  delete bench.a.status.self.monitor
  expect(await line()).toBe('NA')
})

test.each([
  [
    'add RMHW132 cpu --condition cpu>=70% --condition |process postgres memory > 4GiB NA| --response |equal 3 switch DB_Group| --average 10m --export-size 1MiB --alarm-command /etc/mirrorpair/alarm',
    [
      '  RMHW132:',
      '      - name: cpu',
      '        conditions:',
      '          - cpu >= 70%',
      '          - process postgres memory > 4GiB NA',
      '        responses:',
      '          - equal 3 switch DB_Group',
      '        export:',
      '          size: 1MiB',
      '    alarmCommand: /etc/mirrorpair/alarm'
    ],
    []
  ],
  ['modify RMHW131 cpu-high --average off', [], ['        average: 10m']],
  ['modify RMHW131 cpu-high --condition |cpu > 80%|', ['        conditions:', '          - cpu > 80%'], ['        conditions: [ cpu >= 70% ]']],
  ['modify RMHW131 --interval 5s', ['    interval: 5s'], []],
  [
    'remove RMHW131 cpu-high',
    [],
    ['      - name: cpu-high', '        conditions: [ cpu >= 70% ]', '        average: 10m', '        responses: [ more 3 switch all, equal 1 alarm ]']
  ]
])('monitor %s: the text with its comments, and nothing else of it changes', async (line, fresh, gone) => {
  const words = line.split('|').flatMap((part, i) => (i % 2 === 1 ? [part] : part.split(' ').filter(Boolean)))
  expect(await bench.cui(['monitor', ...words, '--yes'])).toMatchObject({ exitCode: 0, err: '' })
  expect(sent[0]).toMatchObject({ base: 'hash 7', dryRun: false, reason: `monitor ${words.slice(0, words[2]?.startsWith('--') ? 2 : 3).join(' ')}` })
  expect(linesOnlyIn(sent[0]!.text, TEXT)).toEqual(expect.arrayContaining(fresh))
  expect(linesOnlyIn(TEXT, sent[0]!.text)).toEqual(gone)
})

test('remove of the whole monitor leaves no empty section', async () => {
  await bench.cui(['monitor', 'remove', 'RMHW131', '--yes'])
  expect(bench.a.heard.filter(({ line }) => line === 'GET /v1/config')).toHaveLength(1)
  expect(sent[0]?.text).not.toContain('monitors')
})

test('a dry run is sent as one', async () => {
  const { out } = await bench.cui(['monitor', 'remove', 'RMHW131', 'disk', '--dry-run', '--json'])
  expect(JSON.parse(out)).toMatchObject({ command: 'monitor remove RMHW131 disk', dryRun: true, version: 7 })
  expect(sent[0]?.dryRun).toBe(true)
})

test.each([
  ['add', 'The name of the node is missing'],
  ['add RMHW131', 'The name of the event is missing'],
  ['add RMHW131 x --condition |cpu >= 70%|', '--response is missing'],
  ['add RMHW131 x --response |equal 3 alarm|', '--condition is missing'],
  ['add RMHW131 x --condition |cpu is high| --response |equal 3 alarm|', '"cpu is high" is no condition: cpu alone is expected'],
  ['add RMHW131 x --condition |cpu > 1| --response |at once|', '"at once" is no response: equal or more'],
  ['add RMHW133 x --condition |cpu > 1| --response |equal 1 alarm|', 'The configuration has no node RMHW133.'],
  ['modify RMHW131 disc --average off', 'The configuration has no event of RMHW131 disc.'],
  ['modify RMHW131 disk', 'Nothing to change was named'],
  ['modify RMHW131', 'Nothing to change was named'],
  ['modify RMHW131 --average 10m', 'The name of the event is missing'],
  ['modify RMHW131 disk --no-export --export-size 1MiB', 'exclude each other'],
  ['remove RMHW132', 'The configuration has no monitor of RMHW132.'],
  ['test RMHW131 --condition |memory > 1GiB|', 'a percentage from 0% to 100%'],
  ['watch', '"watch" is not an action of monitor']
])('monitor %s is refused, and nothing is sent', async (line, said) => {
  const words = line.split('|').flatMap((part, i) => (i % 2 === 1 ? [part] : part.split(' ').filter(Boolean)))
  const { exitCode, err } = await bench.cui(['monitor', ...words, '--yes'])
  expect(exitCode).toBe(2)
  expect(err).toContain(said)
  expect(sent).toEqual([])
})

test('test: what is seen now, and whether it is met; nothing is done about it', async () => {
  const readings = [
    { condition: 'disk /srv >= 90% NA', value: '95.2%', met: true, collectingMs: null },
    { condition: 'process postgres count < 1', value: '12', met: false, collectingMs: null }
  ]
  const collecting = { condition: 'cpu >= 70%', value: '88%', met: false, collectingMs: 65_000 }
  bench.a.onMonitorTest = () => ({
    events: [
      { name: 'cpu-high', met: false, readings: [collecting] },
      { name: 'disk', met: false, readings }
    ]
  })
  const { exitCode, out } = await bench.cui(['monitor', 'test', 'RMHW131'])
  expect(exitCode).toBe(0)
  expect(out.split('\n').slice(1)).toEqual(
    `------------------------------------------------------------
Event       Condition                   Now          Condition is  Event is
------------------------------------------------------------
cpu-high    cpu >= 70%                  88% (1m 5s)  not met       not met
disk        disk /srv >= 90% NA         95.2%        met           not met
            process postgres count < 1  12           not met
------------------------------------------------------------
`
      .split('\n')
      .map((line) => (line.startsWith('---') ? expect.stringMatching(/^-+$/) : line))
  )
  expect(bench.a.heard.find(({ line }) => line === 'POST /v1/monitor/test')?.body).toEqual({ node: 'RMHW131' })
  await bench.cui(['monitor', 'test', '--condition', 'cpu>1', '--json'])
  expect(bench.b.heard.find(({ line }) => line === 'POST /v1/monitor/test')?.body).toEqual({ node: 'RMHW132', conditions: ['cpu > 1%'] })
})

test('history: of both nodes by time, or of one event', async () => {
  bench.a.monitorHistory = [
    { atMs: Date.UTC(2019, 8, 23, 6, 0, 30), event: 'disk', what: 'error', text: `System resource monitor: disk: ${CAUSE}`, values: { 'disk /srv': '95%' } },
    { atMs: Date.UTC(2019, 8, 23, 6, 0, 30), event: 'disk', what: 'switch', text: 'HA Switch: disk: DB_Group goes to RMHW132', values: {} }
  ]
  bench.b.monitorHistory = [{ atMs: Date.UTC(2019, 8, 23, 5), event: 'cpu', what: 'alarm', text: 'Alarm: cpu: CPU Rate 90% >= 70%, once', values: {} }]
  const { out } = await bench.cui(['monitor', 'history'])
  expect(out.split('\n').slice(3, 6)).toEqual([
    '2019-09-23 05:00:00  RMHW132  cpu        alarm   Alarm: cpu: CPU Rate 90% >= 70%, once',
    `2019-09-23 06:00:30  RMHW131  disk       error   System resource monitor: disk: ${CAUSE}`,
    '2019-09-23 06:00:30  RMHW131  disk       switch  HA Switch: disk: DB_Group goes to RMHW132'
  ])
  const { entries } = JSON.parse((await bench.cui(['monitor', 'history', 'RMHW131', 'disk', '--json'])).out)
  expect(entries).toHaveLength(2)
})

test('at a terminal it asks for what was not typed, and again for what is wrong; No changes nothing', async () => {
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('monitor add RMHW132 busy\r')
  await terminal.sees('Condition 1 (such as')
  terminal.type('cpu much\r')
  await terminal.sees('is no condition')
  await terminal.sees('Condition 1')
  terminal.type('cpu >= 70\r')
  await terminal.sees('Condition 2')
  terminal.type('\r')
  await terminal.sees('average of')
  terminal.type('10m\r')
  await terminal.sees('Event Response 1')
  terminal.type('equal 3 switch all\r')
  await terminal.sees('Event Response 2')
  terminal.type('\r')
  await terminal.sees('Export whole server')
  terminal.type('1MiB 1m\r')
  await terminal.sees('(Yes/No)')
  terminal.type('No\r')
  await terminal.sees('cui>')
  expect(sent).toEqual([])
  terminal.type('exit\r')
  await terminal.exit
})

test('why and ready show whether an HA switch of the monitor would move the job', async () => {
  const decision = (question: 'serve' | 'switch' | 'monitor', yes: boolean) => ({
    question,
    node: 'RMHW131',
    yes,
    checks: [{ check: 'monitor of RMHW132', met: yes, value: yes ? 'OK' : 'Error', why: yes ? null : WHY, observer: 'RMHW132', ageMs: 400 }]
  })
  const answer = (yes: boolean) => ({
    job: 'DB_Group',
    node: 'RMHW131' as const,
    owner: 'RMHW131',
    decisions: [decision('serve', true), decision('switch', true), decision('monitor', yes)],
    unheard: null
  })
  bench.a.why = answer(false)
  const { out } = await bench.cui(['why', 'DB_Group'])
  expect(out).toContain('Would an HA switch of the system resource monitor of RMHW131 move DB_Group now? No.')
  expect(out).toContain(`! ${WHY}`)
  expect(await bench.cui(['ready', 'DB_Group', 'monitor'])).toMatchObject({ exitCode: 5, err: expect.stringContaining(WHY) })
  bench.a.why = answer(true)
  expect(await bench.cui(['ready', 'DB_Group', 'monitor'])).toMatchObject({ exitCode: 0, out: expect.stringContaining('would move it') })
})
