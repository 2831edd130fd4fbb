import type { CommandRequest } from '../../src/wire'
import { Bench } from './harness'
import { Terminal } from './terminal'
import { TAKE_TIME_MS } from './views'

/** A busy machine may take its time for a screen. */
jest.setTimeout(30_000)

let bench: Bench
beforeEach(async () => {
  bench = await new Bench().up()
  await bench.openBoth()
})
afterEach(() => bench.down())

const RULE = '-----------------------------------------------------------'
const sent = () => bench.a.heard.filter(({ line }) => line.startsWith('POST /v1/jobs/'))
const dataOf = (agent: Bench['a']) => {
  const data = agent.status.self.jobs['DB_Group']?.data
  if (!data) throw new Error('the fake node has no data')
  return data
}

test('each command on data says what it wants, to the owner', async () => {
  const lines = [
    'verify DB_Group start --no-wait',
    'verify DB_Group start --mode difference --no-wait',
    'verify DB_Group stop --no-wait',
    'transmit DB_Group pause --no-wait',
    'transmit DB_Group resume --no-wait --reason "the night of the update"',
    'bandwidth DB_Group 50MiB/s --no-wait',
    'bandwidth DB_Group 512KiB --no-wait',
    'bandwidth DB_Group off --no-wait',
    'safety DB_Group full --no-wait',
    'use DB_Group',
    'safety OFF --no-wait',
    'transmit pause --no-wait'
  ]
  const ran = await bench.cui([], lines.join('\n'))
  expect(ran).toMatchObject({ exitCode: 0, err: '' })
  expect(sent().map(({ line, body }) => [line.split('/').at(-1), body])).toEqual([
    ['verify', { action: 'start' }],
    ['verify', { action: 'start', mode: 'difference' }],
    ['verify', { action: 'stop' }],
    ['transmit', { action: 'pause' }],
    ['transmit', { action: 'resume', reason: 'the night of the update' }],
    ['bandwidth', { bytesPerSecond: 52_428_800 }],
    ['bandwidth', { bytesPerSecond: 524_288 }],
    ['bandwidth', { bytesPerSecond: null }],
    ['safety', { safety: 'full' }],
    ['safety', { safety: 'off' }],
    ['transmit', { action: 'pause' }]
  ])
})

test('what is typed wrong is told with the usage, before anything is asked of a node', async () => {
  bench.a.heard.length = 0
  const said = async (...argv: string[]) => {
    const { exitCode, err } = await bench.cui(argv)
    expect(exitCode).toBe(2)
    return err.split('\n')[0]
  }
  expect(await said('verify', 'DB_Group')).toBe('The action is missing of verify.')
  expect(await said('verify', 'DB_Group', 'stop', '--mode', 'full')).toBe('--mode belongs to verify JOB start.')
  expect(await said('verify', 'DB_Group', 'start', '--mode', 'quick')).toContain('Expected --mode=quick to be one of: full, difference')
  expect(await said('transmit', 'DB_Group', 'stop')).toBe('"stop" is not an action of transmit.')
  expect(await said('bandwidth', 'DB_Group', '50')).toBe('"50" is no limit: a size a second of 16KiB/s or more (KiB, MiB, GiB), or off.')
  expect(await said('bandwidth', 'DB_Group', '1KiB/s')).toContain('"1KiB/s" is no limit')
  expect(await said('safety', 'DB_Group', 'on')).toBe('"on" is not an action of safety.')
  expect(await said('selectsrc')).toBe('The node whose data is right is missing.')
  expect(bench.a.heard).toEqual([])
  expect(await said('selectsrc', 'DB_Group', 'RMHW999')).toBe('RMHW999 is not a node of seoul-db; its nodes are RMHW131 and RMHW132.')
  expect(sent()).toEqual([])
})

test('verify waits for its end and says what was found; one that was stopped is a failure', async () => {
  const data = dataOf(bench.a)
  bench.a.onCommand = () => {
    data.verify = { state: 'Verifying', mode: 'full', percent: 40, leftBytes: 1000, leftMs: 1000, differences: 0 }
    bench.a.report = { ...bench.a.report, startedAtMs: TAKE_TIME_MS }
    let looks = 0
    bench.a.onStatus = () => {
      looks += 1
      if (looks < 3) return
      data.verify = { ...data.verify, state: 'Idle', differences: 2 }
      bench.a.report = { ...bench.a.report, endedAtMs: TAKE_TIME_MS + 12_000, total: 2 }
    }
    return { dryRun: false, ticket: 'T-1' }
  }
  const ran = await bench.cui(['verify', 'DB_Group', 'start'])
  expect(ran).toMatchObject({ exitCode: 0, err: '' })
  expect(ran.out.split('\n').at(-2)).toBe('2 differences found in 12s: repaired; verify DB_Group report lists them')
  const again = JSON.parse((await bench.cui(['verify', 'DB_Group', 'stop', '--json'])).out)
  expect(again).toMatchObject({ command: 'verify', job: 'DB_Group', node: 'RMHW131', state: 'done' })

  bench.a.onCommand = () => {
    data.verify = { ...data.verify, state: 'Verifying' }
    bench.a.onStatus = () => {
      bench.a.onStatus = () => Object.assign(data.verify, { state: 'Stop' })
    }
    return { dryRun: false, ticket: 'T-1' }
  }
  const stopped = await bench.cui(['verify', 'DB_Group', 'start'])
  expect(stopped.exitCode).toBe(1)
  expect(stopped.err).toContain('The comparison of DB_Group did not end: it is in state Stop.')
})

test('a comparison that was cut short never says that the copies are equal', async () => {
  const data = dataOf(bench.a)
  bench.a.onCommand = () => {
    data.verify = { ...data.verify, state: 'Verifying' }
    bench.a.report = { ...bench.a.report, state: 'Stop', startedAtMs: TAKE_TIME_MS + 60_000, endedAtMs: TAKE_TIME_MS + 61_000, total: 0 }
    bench.a.onStatus = () => {
      bench.a.onStatus = () => Object.assign(data.verify, { state: 'Idle' })
    }
    return { dryRun: false, ticket: 'T-1' }
  }
  const short = await bench.cui(['verify', 'DB_Group', 'start'])
  expect(short.exitCode).toBe(1)
  expect(short.out).not.toContain('equal')
})

/** Names as the wire has them: a character for each byte. */
const wire = (name: string | number[]): string => Buffer.from(name as string).toString('latin1')

test('the report lists files with names of every kind, side by side ranges as one', async () => {
  const at = (path: string, what: 'content' | 'missing' | 'extra', offset = 0, length = 0) => ({ folder: 0, path, what, offset, length, atMs: TAKE_TIME_MS })
  bench.a.report = {
    mode: 'full',
    state: 'Idle',
    startedAtMs: TAKE_TIME_MS - 60_000,
    endedAtMs: TAKE_TIME_MS + 5_000,
    total: 7,
    differences: [
      at(wire('base/데이터.db'), 'content', 131_072, 65_536),
      at(wire('base/데이터.db'), 'content', 65_536, 65_536),
      at(wire('base/데이터.db'), 'content', 1_073_741_824, 65_536),
      at(wire([0x61, 0xff, 0xed, 0x95]), 'missing'),
      at(wire('\u202egnp.exe\n\u001b[2J'), 'extra'),
      at(wire('back\\slash'), 'extra'),
      at('', 'extra')
    ]
  }
  const { exitCode, out } = await bench.cui(['verify', 'DB_Group', 'report'])
  expect(exitCode).toBe(0)
  expect(out).toBe(`verify full of DB_Group from 2019-10-30 11:46:32 to 2019-10-30 11:47:37 (1m 5s): 7 differences found; repaired, both copies are equal.
${RULE}---------------
Time                 Difference  Range                        File
${RULE}---------------
2019-10-30 11:47:32  extra       whole                        /srv/DB_Group
2019-10-30 11:47:32  extra       whole                        /srv/DB_Group/\\xe2\\x80\\xaegnp.exe\\x0a\\x1b[2J
2019-10-30 11:47:32  missing     whole                        /srv/DB_Group/a\\xff\\xed\\x95
2019-10-30 11:47:32  extra       whole                        /srv/DB_Group/back\\\\slash
2019-10-30 11:47:32  content     65,536-196,607               /srv/DB_Group/base/데이터.db
2019-10-30 11:47:32  content     1,073,741,824-1,073,807,359  /srv/DB_Group/base/데이터.db
${RULE}---------------
`)
  const json = JSON.parse((await bench.cui(['verify', 'DB_Group', 'report', '--json'])).out)
  expect(json).toMatchObject({ job: 'DB_Group', node: 'RMHW131', mode: 'full', state: 'Idle', total: 7, listed: 7 })
  expect(json.differences[2]).toEqual({
    path: '/srv/DB_Group/a\\xff\\xed\\x95',
    pathBytes: Buffer.from([0x61, 0xff, 0xed, 0x95]).toString('base64'),
    folder: '/srv/DB_Group',
    kind: 'missing',
    offset: 0,
    length: 0,
    atMs: TAKE_TIME_MS
  })
})

test('a long report is fetched page by page; where nothing was compared it says so', async () => {
  const none = await bench.cui(['verify', 'DB_Group', 'report'])
  expect(none).toEqual({ exitCode: 0, out: 'No comparison of DB_Group has run since RMHW131 became its source.\n', err: '' })
  const differences = Array.from({ length: 450 }, (_, i) => ({ folder: 0, path: `f${i}`, what: 'content' as const, offset: 0, length: 65_536, atMs: 0 }))
  bench.a.report = { ...bench.a.report, startedAtMs: 0, endedAtMs: 1, total: 12_000, differences }
  const { out } = await bench.cui(['verify', 'DB_Group', 'report'])
  expect(out.match(/\/srv\/DB_Group\/f\d+/g)).toHaveLength(450)
  expect(out.split('\n').at(-2)).toBe('The list holds the first 450 of 12,000.')
})

test('table 3: mirror status is the catalogue view of both sides', async () => {
  for (const agent of [bench.a, bench.b])
    Object.assign(dataOf(agent).session, { safety: 'full', state: 'SYNCHRONIZED', safetySequence: 1, failoverLsn: 95_000_000_007 })
  const { exitCode, out } = await bench.cui(['mirror', 'DB_Group', 'status'])
  expect(exitCode).toBe(0)
  expect(out).toBe(`${RULE}
Job                           DB_Group                DB_Group
${RULE}
node                          RMHW131                 RMHW132
mirroring_role_desc           PRINCIPAL               MIRROR
mirroring_safety_level_desc   FULL                    FULL
mirroring_state_desc          SYNCHRONIZED            SYNCHRONIZED
mirroring_safety_sequence     1                       1
mirroring_role_sequence       3                       3
mirroring_partner_instance    RMHW132                 RMHW131
mirroring_witness_name        (none)                  (none)
mirroring_witness_state_desc  (none)                  (none)
mirroring_failover_lsn        95000000007             95000000007
observer                      RMHW131                 RMHW132
age                           0ms                     0ms
${RULE}
`)
  const { partners } = JSON.parse((await bench.cui(['mirror', 'DB_Group', 'status', '--json'])).out)
  expect(partners[1]).toMatchObject({ node: 'RMHW132', mirroring_role_desc: 'MIRROR', mirroring_witness_name: null, observer: 'RMHW132', old: false })

  await bench.b.stop()
  bench.a.status = { ...bench.a.status, peerAlive: 'lost', peer: bench.a.status.peer && { ...bench.a.status.peer, ageMs: 12_000 } }
  const alone = await bench.cui(['mirror', 'DB_Group', 'status'])
  expect(alone.exitCode).toBe(1)
  expect(alone.out).toContain('mirroring_role_desc           PRINCIPAL               MIRROR (12s ago)')
  expect(alone.out).toContain('observer                      RMHW131                 RMHW131\nage                           0ms                     12s')
})

test('the property view tells of an exposed session, and why', async () => {
  const data = dataOf(bench.a)
  Object.assign(data, { replication: 'Pause', dirtyBytes: null, bandwidthBytesPerSecond: 52_428_800, queuedBytes: 4096 })
  Object.assign(data.session, { safety: 'full', state: 'SUSPENDED', why: 'paused by administrator on RMHW131 with transmit pause', exposure: 'granted' })
  data.session.exposedSinceMs = TAKE_TIME_MS - 125_000
  dataOf(bench.b).redoQueueBytes = 1_048_576
  data.needToVerify = 'Yes'
  const job = bench.a.status.self.jobs['DB_Group']
  if (job) job.record.needToVerify = 'Manually'
  const { out } = await bench.cui(['jobstate', 'DB_Group'])
  expect(out).toContain('Need to Verify            Manually\n')
  expect(out.split('\n').slice(-15)).toEqual(
    [
      'Target Side               Idle',
      'Pagefile Used             0',
      'State                     online',
      'Safety                    FULL',
      'Mirroring State           SUSPENDED',
      'Reason                    paused by administrator on RMHW131 with transmit',
      '                          pause',
      'Exposed                   Yes, 2m 5s (since 2019-10-30 11:45:27)',
      'Role Sequence             3',
      'Safety Sequence           1',
      'Failover LSN              0',
      'Redo Queue                1,048,576',
      'Dirty Bytes               unknown (all may differ)',
      'Speed Limit               52,428,800 bytes/s',
      RULE,
      ''
    ].slice(1)
  )
  expect(out).toContain('Mode                      Sync')
})

test('wait tells equal from compared: synchronized with safety FULL is a state, verified needs a comparison', async () => {
  const waits = async (state: string) => (await bench.cui(['wait', 'DB_Group', state, '--timeout', '10ms'])).exitCode
  const data = dataOf(bench.a)
  expect(await waits('synchronized')).toBe(0)
  expect(await waits('verified')).toBe(6)
  Object.assign(data.verify, { differences: 0 })
  expect(await waits('verified')).toBe(0)
  data.session = { ...data.session, safety: 'full' }
  expect(await waits('synchronized')).toBe(6)
  data.session = { ...data.session, state: 'SYNCHRONIZED' }
  expect(await waits('synchronized')).toBe(0)
  data.session = { ...data.session, safety: 'off', state: 'SUSPENDED' }
  const { exitCode, err } = await bench.cui(['wait', 'DB_Group', 'synchronized', '--timeout', '10ms'])
  expect(exitCode).toBe(6)
  expect(err).toContain('last seen: online on RMHW131, SUSPENDED, mirror Idle, connection OK')
})

describe('selectsrc', () => {
  const warning = ['The data of DB_Group on RMHW132 is declared right: what RMHW131 holds and RMHW132 does not is LOST.']
  beforeEach(() => {
    bench.a.onCommand = (_job, _command, body: CommandRequest) => {
      if (body.dryRun) return { dryRun: true, steps: ['Hand over to RMHW132 (role sequence 4)'], danger: { warning, state: 'state-1' } }
      if (body.confirm !== 'state-1') return { refuse: bench.a.error('E_CONFIRM_STALE', 'Confirmed for a state that has changed since: nothing was done.', 5) }
      return { dryRun: false, ticket: 'T-1' }
    }
  })

  test('a script names the job again; without that it learns what may be lost', async () => {
    const refused = await bench.cui(['selectsrc', 'DB_Group', 'rmhw132', '--yes'])
    expect(refused.exitCode).toBe(5)
    expect(refused.out).toBe('')
    expect(refused.err).toBe(`${warning[0]} Nothing was changed.\nTry: selectsrc DB_Group RMHW132 --confirm DB_Group\n`)
    expect((await bench.cui(['selectsrc', 'DB_Group', 'RMHW132', '--confirm', 'Web'])).exitCode).toBe(2)
    const done = await bench.cui(['selectsrc', 'DB_Group', 'RMHW132', '--confirm', 'DB_Group'])
    expect(done.exitCode).toBe(0)
    expect(done.out.split('\n').slice(0, 2)).toEqual([warning[0], 'Send selectsrc Job command succeeded!'])
    expect(sent().at(-1)?.body).toEqual({ node: 'RMHW132', confirm: 'state-1' })
  })

  test('a dry run shows what may be lost and the steps', async () => {
    const { out } = await bench.cui(['selectsrc', 'DB_Group', 'RMHW132', '--dry-run'])
    expect(out).toBe(`${warning[0]}\nselectsrc DB_Group would do:\n  1. Hand over to RMHW132 (role sequence 4)\n`)
    expect(sent()).toHaveLength(1)
  })

  test('a person types the code; a wrong one changes nothing, and so does a right one when the state has changed meanwhile', async () => {
    const terminal = new Terminal(bench.home)
    await terminal.sees('cui>')
    const asked = async (): Promise<string> => {
      terminal.type('selectsrc DB_Group RMHW132\r')
      await terminal.sees('what RMHW131 holds and\nRMHW132 does not is LOST.')
      await terminal.sees('Input following string (')
      return /\(([A-Z]{4})\) to enforce!(?![\s\S]*enforce!)/.exec(terminal.screen)![1]!
    }
    await asked()
    terminal.type('nono\r')
    await terminal.sees('nothing was changed')
    expect(sent().every(({ body }) => body['dryRun'] === true)).toBe(true)

    terminal.type(`${(await asked()).toLowerCase()}\r`)
    await terminal.sees('Send selectsrc Job command succeeded!')
    await terminal.sees('\ncui>')

    const code = await asked()
    const answer = bench.a.onCommand
    bench.a.onCommand = (job, command, body) => answer(job, command, { ...body, confirm: `of another state, not ${body.confirm}` })
    terminal.type(`${code}\r`)
    await terminal.sees('Confirmed for a state that has changed since: nothing was done.')
    await terminal.sees('cui>')
    terminal.type('exit\r')
    expect(await terminal.exit).toBe(0)
  })
})

test('a mirror has ended when the target has done all of it, not when all of it is queued', async () => {
  const data = dataOf(bench.a)
  bench.a.onCommand = () => {
    Object.assign(data, { lsn: 100, appliedLsn: 90, queuedBytes: 0, speedBytesPerSecond: 1_048_576 })
    const looks = [
      // The job table that follows the command.
      () => undefined,
      () => (data.mirror = { state: 'Mirror', percent: 54, leftBytes: 44_045_066, leftMs: 900 }),
      () => Object.assign(data, { mirror: { ...data.mirror, state: 'Idle' }, queuedBytes: 20_971_520, lsn: 120 }),
      // The target has done what was before the walk, and is in the middle of it.
      () => Object.assign(data, { appliedLsn: 110, targetSide: 'Full Mirror', queuedBytes: 0, lsn: 130 }),
      () => Object.assign(data, { appliedLsn: 120, targetSide: 'Idle' })
    ]
    bench.a.onStatus = () => void looks.shift()?.()
    return { dryRun: false, ticket: 'T-1' }
  }
  const terminal = new Terminal(bench.home)
  await terminal.sees('cui>')
  terminal.type('mirror DB_Group start --yes\r')
  await terminal.shows('Mirror [####################] 100%  Left Bytes 0  Left Time 0s')
  expect(terminal.written()).toMatch(/99% {2}Left Bytes 20,971,520 {2}Left Time 20s[\s\S]*100%/)
  await terminal.sees('\ncui>')
  expect(data.appliedLsn).toBe(120)
  terminal.type('exit\r')
  expect(await terminal.exit).toBe(0)
})
