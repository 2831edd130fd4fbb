import type { Config, MonitorConfig, MonitorEventConfig } from '../../../src/model'
import { explain, nodeView, statusAnswer } from '../../../src/core'
import type { MonitorView, NodeView } from '../../../src/wire'
import { A, B, JOB, jobConfig, pairConfig } from '../../fakes/pairConfig'
import { type Desk, owner, peerView, standby } from '../desk'

const EVENT: MonitorEventConfig = { name: 'cpu', conditions: ['cpu >= 70%'], averageMs: null, responses: ['equal 3 switch all'], export: null }

function monitored(change: Partial<MonitorEventConfig> = {}, more: Partial<MonitorConfig> = {}, config: Config = pairConfig()): Config {
  const monitor: MonitorConfig = {
    intervalMs: 10_000,
    switchPauseMs: 600_000,
    alarmCommand: null,
    alarmTimeoutMs: 30_000,
    events: [{ ...EVENT, ...change }],
    ...more
  }
  return { ...config, monitors: { [A]: monitor, [B]: monitor } }
}

const EVERY_MS = 10_000

/** The other node goes on saying what it said last. */
function look(desk: Desk, cpu: number | null): Desk {
  desk.atMs += EVERY_MS
  desk.peerSays(desk.state.peer!.view)
  desk.tell({ kind: 'usageSampled', values: { cpu } })
  return desk
}
const looks = (desk: Desk, ...values: (number | null)[]): Desk => values.reduce((each, value) => look(each, value), desk)

/** Online, with a peer that said just now that it stands by and has all. */
const active = (config: Config = monitored(), said: Partial<NodeView> = {}): Desk => owner(config).peerSays({ ...peerView(B, {}, { config }), ...said })
const inError: MonitorView = { state: 'Error', events: [{ name: 'disk', state: 'Error', sinceMs: 1, cause: 'Disk Rate / 99% >= 90%, once', met: 9, kept: [] }] }

test('a condition that is met three times in a row moves the job, and leaves no error flag', () => {
  const desk = looks(active(), 90, 91)
  expect(desk.job.plan).toBeNull()
  const logs: string[] = []
  desk.tell({ kind: 'usageSampled', values: { cpu: 92 } })
  logs.push(...desk.logs)
  expect(desk.job).toMatchObject({ phase: 'switching', pendingFlag: null, plan: { kind: 'switch', cause: 'automatic' } })
  expect(logs).toContain('error: HA Switch: cpu: CPU Rate 92% >= 70%, 3 times in a row: DB_Group goes to RMHW132')
  desk.endAll()
  const offered = desk.actions.find((action) => action.do === 'sendHandover')
  expect(offered).toMatchObject({ start: true, record: { takeReason: 'failover', errorFlag: null } })
})

test('what is kept of it says that it moved by itself, and why', () => {
  const desk = looks(active(), 90, 91)
  desk.tell({ kind: 'usageSampled', values: { cpu: 92 } })
  expect(desk.actions).toContainEqual(
    expect.objectContaining({
      do: 'history',
      entry: expect.objectContaining({ takeReason: 'failover', reason: 'system resource monitor: cpu: CPU Rate 92% >= 70%, 3 times in a row' })
    })
  )
})

test('it moves once: a job that did not start there is not sent again while the event lasts', () => {
  const desk = looks(active(), 90, 91, 92)
  desk.endAll()
  const { ticket = '' } = desk.job.record.handover ?? {}
  const error = { code: 'E_HANDOVER_REFUSED', message: 'it is busy', tryThis: '', exitCode: 5 }
  desk.tell({ kind: 'handoverAnswered', job: JOB, roleSequence: 2, ticket, asked: 'offer', answer: { is: 'refusal', error } })
  desk.endAll()
  desk.dataSays({ role: 'source', connected: true })
  looks(desk, 93, 94, 95, 96)
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
})

test.each<[why: string, prepare: () => Desk, check: string]>([
  [
    "the other node's monitor is in error too",
    () => active(monitored(), { monitor: inError }),
    'the system resource monitor of RMHW132 is in error too (disk)'
  ],
  ['the other node keeps an error flag', () => active().peerSays(peerView(B, { errorFlag: 'x' }, { config: monitored() })), 'keeps an error flag'],
  ['the copy there is not complete', () => active().peerSays(peerView(B, { copyComplete: false }, { config: monitored() })), 'is not complete'],
  ['the copy there is not in sync', () => active().peerSays(peerView(B, { mirrorInSync: false }, { config: monitored() })), 'is not in sync'],
  ['the data is not connected', () => active().dataSays({ role: 'source', connected: false }), 'is not connected'],
  ['the mode knows no automatic failover', () => active(monitored({}, {}, pairConfig(jobConfig({ mode: 'high-performance' })))), 'knows no automatic failover']
])('the job stays when %s, which is said once', (_why, prepare, check) => {
  const desk = prepare()
  const said: string[] = []
  const tell = desk.tell.bind(desk)
  desk.tell = (happening, passedMs) => {
    const actions = tell(happening, passedMs)
    said.push(...desk.logs.filter((text) => text.includes('stays on')))
    return actions
  }
  looks(desk, 90, 91, 92, 93, 94, 95)
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
  expect(said).toHaveLength(1)
  expect(said[0]).toContain(check)
  expect(explain(desk.state, desk.job).find(({ question }) => question === 'monitor')).toMatchObject({ yes: false })
  const { problems } = statusAnswer(desk.state, { atMs: desk.atMs, wallMs: desk.state.wallMs, utcOffsetMinutes: 0, heartbeat: null })
  expect(problems.join('\n')).toContain(check)
  expect(problems).toContain('the system resource monitor of RMHW131 is in error: cpu: CPU Rate 92% >= 70%, 3 times in a row')
})

test('a job that is detached stays, which is said once', () => {
  const desk = active()
  desk.command('detach')
  const { detached = null, detachSequence = 0 } = desk.job.record
  desk.peerSays(peerView(B, { detached, detachSequence }, { config: monitored() }))
  const said: string[] = []
  for (const cpu of [90, 91, 92, 93]) {
    look(desk, cpu)
    said.push(...desk.logs.filter((text) => text.includes('stays on')))
  }
  expect(said).toEqual([expect.stringContaining('DB_Group stays on RMHW131: it is detached (by root)')])
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
})

test('it goes as soon as nothing is in its way, as long as the event lasts', () => {
  const desk = looks(active(monitored(), { monitor: inError }), 90, 91, 92)
  expect(desk.job.plan).toBeNull()
  desk.peerSays(peerView(B, {}, { config: monitored() }))
  expect(desk.job.plan?.kind).toBe('switch')
})

test('it does not go any more when the event has ended', () => {
  const desk = looks(active(monitored(), { monitor: inError }), 90, 91, 92, 10, 10, 10)
  expect(nodeView(desk.state).monitor).toMatchObject({ state: 'OK' })
  desk.peerSays(peerView(B, {}, { config: monitored() }))
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
})

test('a job that has come by itself stays for a while: two overloaded nodes do not hand it to and fro', () => {
  const desk = standby({}, monitored())
  desk.hear({ peerAlive: false }).end('probe').endAll()
  desk.hear().peerSays(peerView(A, { owner: B, roleSequence: 2 }, { config: monitored() }))
  desk.dataSays({ role: 'source', connected: true })
  const ready = (): void =>
    void desk.peerSays(peerView(A, { owner: B, roleSequence: 2, mirrorInSync: true, syncSequence: desk.job.record.syncSequence }, { config: monitored() }))
  ready()
  looks(desk, 90, 91, 92)
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
  const { checks } = explain(desk.state, desk.job).find(({ question }) => question === 'monitor')!
  expect(checks.find(({ check }) => check === 'has stayed')).toMatchObject({
    met: false,
    why: 'DB_Group has come to RMHW132 by itself, and stays for 10 min at least'
  })
})

test('only the job that is named; a job that is offline stays offline', () => {
  expect(looks(active(monitored({ responses: ['equal 1 switch Other'] }, {}, pairConfig(jobConfig()))), 90).job.plan).toBeNull()
  const off = active()
  off.command('bringout')
  off.endAll()
  expect(looks(off, 90, 91, 92).job).toMatchObject({ phase: 'offline', plan: null })
})

test('a standby moves nothing, also when it becomes the owner later: the job came although the node was like this', () => {
  const desk = looks(standby({}, monitored()), 90, 91, 92)
  expect(nodeView(desk.state).monitor).toMatchObject({ state: 'Error' })
  expect(desk.job.plan).toBeNull()
})

test('what cannot be read counts as met where NA is set, and only there', () => {
  expect(looks(active(), null, null, null).job.plan).toBeNull()
  expect(looks(active(monitored({ conditions: ['cpu >= 70% NA'] })), null, null, null).job.plan?.kind).toBe('switch')
})

test('the average of two minutes: a peak moves nothing, two minutes of load do', () => {
  const desk = active(monitored({ averageMs: 120_000, responses: ['equal 1 switch all'] }))
  const low = Array.from({ length: 13 }, () => 10)
  expect(looks(desk, ...low, 100, 100).job.plan).toBeNull()
  expect(looks(desk, ...Array.from({ length: 12 }, () => 100)).job.plan?.kind).toBe('switch')
})

test('an alarm runs the command once, and a warning is in the event log', () => {
  const desk = looks(active(monitored({ responses: ['equal 1 warning', 'equal 2 alarm'] }, { alarmCommand: '/etc/mirrorpair/alarm' })), 90)
  const all: string[] = []
  for (const cpu of [91, 92, 93]) {
    desk.tell({ kind: 'usageSampled', values: { cpu } })
    all.push(...desk.actions.flatMap((action) => (action.do === 'alarm' ? [`${action.command} ${action.cause}`] : [])))
  }
  expect(all).toEqual(['/etc/mirrorpair/alarm CPU Rate 91% >= 70%, 2 times in a row'])
})

test('the usage of the server is exported when it begins, and at its interval while it lasts', () => {
  const desk = active(monitored({ responses: ['equal 1 warning'], export: { intervalMs: 30_000, sizeBytes: 1 << 20, format: 'csv' } }))
  const counts = [10, 90, 90, 90, 90, 10, 10].map((cpu) => {
    desk.tell({ kind: 'usageSampled', values: { cpu } }, 10_000)
    return desk.actions.filter((action) => action.do === 'exportUsage').length
  })
  expect(counts).toEqual([0, 1, 0, 0, 1, 0, 0])
})

describe('another configuration is agreed on', () => {
  const change = (desk: Desk, config: Config): Desk => {
    desk.tell({ kind: 'configChanged', config, configHash: 'other', version: 2 })
    return desk
  }

  test('an event that is as it was goes on with its count, another one begins anew', () => {
    const desk = looks(active(), 90, 91)
    change(desk, monitored({}, { intervalMs: 20_000 }))
    expect(desk.state.monitor.events['cpu']).toMatchObject({ met: 2 })
    change(desk, monitored({ conditions: ['cpu >= 60%'] }))
    expect(desk.state.monitor.events['cpu']).toBeUndefined()
  })

  test('an event in error that is removed has ended, and its monitor is not there any more', () => {
    const desk = looks(active(monitored(), { monitor: inError }), 90, 91, 92)
    change(desk, pairConfig())
    expect(desk.logs).toContain('info: System resource monitor: cpu has ended: it was removed')
    expect(nodeView(desk.state)).not.toHaveProperty('monitor')
    expect(desk.job.plan).toBeNull()
  })
})

test('a change of the monitors needs nothing brought out', () => {
  const desk = active()
  desk.tell({ kind: 'configHeld', request: 7, next: pairConfig(), dryRun: false })
  expect(desk.actions).toContainEqual({ do: 'reply', request: 7, outcome: { ok: true, result: [] } })
})
