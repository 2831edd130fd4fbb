import { PassThrough } from 'node:stream'
import { runCui } from '../../commands/main'
import { Bench } from './harness'

const AT_MS = Date.UTC(2019, 8, 23, 15, 26, 4)

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const someHappened = (): void => {
  bench.a.happen('info', 'VIP IP-DB_Group raised', AT_MS, 'DB_Group')
  bench.b.happen('warning', 'link-0 is silent', AT_MS + 1_500)
  bench.a.happen('error', 'DB_Group: application POSTGRES has failed', AT_MS + 3_000, 'DB_Group')
}

test('the events of both nodes stand in the order of their times, as the guide prints them', async () => {
  someHappened()
  expect(await bench.cui(['log'])).toEqual({
    exitCode: 0,
    out: [
      '2019-09-23 15:26:04 | VIP IP-DB_Group raised [RMHW131]',
      '2019-09-23 15:26:05 | link-0 is silent [RMHW132]',
      '2019-09-23 15:26:07 | DB_Group: application POSTGRES has failed [RMHW131]',
      ''
    ].join('\n'),
    err: ''
  })
})

test('--last, --node, --job and --json choose among them', async () => {
  someHappened()
  expect((await bench.cui(['log', '--last', '1'])).out).toBe('2019-09-23 15:26:07 | DB_Group: application POSTGRES has failed [RMHW131]\n')
  expect((await bench.cui(['log', '--node', 'RMHW132'])).out).toBe('2019-09-23 15:26:05 | link-0 is silent [RMHW132]\n')
  const { events, problems } = JSON.parse((await bench.cui(['log', '--job', 'DB_Group', '--json'])).out)
  expect(problems).toEqual([])
  expect(events).toMatchObject([
    { node: 'RMHW131', time: '2019-09-23T15:26:04.000Z', level: 'info', job: 'DB_Group' },
    { node: 'RMHW131', time: '2019-09-23T15:26:07.000Z', level: 'error' }
  ])
})

test('the level and the times are asked of the nodes', async () => {
  const asked = jest.spyOn(bench.a as unknown as { eventsPage(query: URLSearchParams): unknown }, 'eventsPage')
  await bench.cui(['log', '--level', 'warning', '--since', '2019-09-23 15:26', '--until', '2019-09-24'])
  const query = asked.mock.calls[0]![0]
  expect(query.get('level')).toBe('warning')
  expect(Number(query.get('from'))).toBe(new Date('2019-09-23 15:26').getTime())
  expect(Number(query.get('to'))).toBe(new Date('2019-09-24 00:00').getTime())
})

test('so long ago is counted by the clock of the node, which may be hours from the one here', async () => {
  const asked = jest.spyOn(bench.b as unknown as { eventsPage(query: URLSearchParams): unknown }, 'eventsPage')
  bench.b.status.wallMs = Date.now() - 3 * 3_600_000
  await bench.cui(['log', '--since', '30m', '--until', '10m'])
  const query = asked.mock.calls[0]![0]
  expect(Number(query.get('from'))).toBe(bench.b.status.wallMs - 30 * 60_000)
  expect(Number(query.get('to'))).toBe(bench.b.status.wallMs - 10 * 60_000)
})

test('a node that does not answer is a problem; with none there is no log', async () => {
  someHappened()
  await bench.b.stop()
  const one = await bench.cui(['log'])
  expect(one.exitCode).toBe(1)
  expect(one.out).toContain('The events of a node are missing: 192.168.150.152:7330')
  await bench.a.stop()
  expect((await bench.cui(['log'])).exitCode).toBe(3)
})

test('two sessions that have ended are told as that, as every other command tells it', async () => {
  for (const agent of [bench.a, bench.b]) agent.token = 'another-one'
  expect(await bench.cui(['log'])).toMatchObject({ exitCode: 4, err: expect.stringContaining('login RMHW131') })
  await bench.b.stop()
  expect((await bench.cui(['log'])).exitCode).toBe(4)
})

test.each([
  [['log', '--level', 'loud'], '"loud" is no level'],
  [['log', '--last', '0'], '"0" is not a number of events'],
  [['log', '--since', 'yesterday'], '"yesterday" is no time'],
  [['log', '--follow', '--until', '1h'], 'cannot end --until'],
  [['run', 'RUNBOOK'], 'a runbook would stop here']
])('%j is refused', async (argv, why) => {
  const runbook = bench.file('follow.cui', 'log --follow\n')
  const ran = await bench.cui(argv.map((word) => (word === 'RUNBOOK' ? runbook : word)))
  expect(ran.exitCode).toBe(2)
  expect(ran.err).toContain(why)
})

test('--follow shows what happens when it happens, says when a node is away, and Ctrl-C ends it well', async () => {
  someHappened()
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  let interrupt = (): void => undefined
  const onInterrupt = (call: () => void) => {
    interrupt = call
    return () => undefined
  }
  const shown: string[] = []
  stdout.on('data', (text) => shown.push(...String(text).trimEnd().split('\n')))
  const ended = runCui(
    ['log', '--follow', '--last', '1'],
    { stdin, stdout, stderr, env: { MIRRORPAIR_HOME: bench.home }, onInterrupt, onEnd: () => () => undefined },
    '0.1.0'
  )
  await until(() => bench.a.isFollowed && bench.b.isFollowed)
  bench.b.happen('info', '대기 노드가 준비되었습니다', AT_MS + 9_000)
  await until(() => shown.length === 2 && bench.b.isFollowed)
  expect(shown).toEqual([
    '2019-09-23 15:26:07 | DB_Group: application POSTGRES has failed [RMHW131]',
    '2019-09-23 15:26:13 | 대기 노드가 준비되었습니다 [RMHW132]'
  ])
  await bench.b.stop()
  await until(() => stderr.readableLength > 0)
  expect(String(stderr.read())).toContain('192.168.150.152:7330')
  interrupt()
  expect(await ended).toBe(0)
})

async function until(met: () => boolean): Promise<void> {
  for (const began = performance.now(); !met(); ) {
    if (performance.now() - began > 20_000) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
