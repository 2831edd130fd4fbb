import { configDifferences, type Config, type DataConfig } from '../../src/model'
import type { MirrordStatus } from '../../src/wire'
import { A, B, DATA, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { dataStatus, type Desk, owner, peerView, record, standby } from './desk'

const withData = (data: Partial<DataConfig>): Config => pairConfig(jobConfig({ data: { ...DATA, ...data } }))
const MORE = [...DATA.folders, { path: '/srv/more', exclude: [] }]
const FOLDER = withData({ folders: MORE })
const PORT = withData({ port: 7399 })
const SESSION = { ...dataStatus({}).session, safetySequence: 1 }
const source = (change: Partial<MirrordStatus> = {}): MirrordStatus =>
  dataStatus({ role: 'source', roleSequence: 1, connected: true, replication: 'Idle', needToVerify: 'No', session: SESSION, ...change })
const PAUSED = { replication: 'Pause' } as const

function heard(desk: Desk): Desk {
  const { detached: word = null, detachSequence = 0, needToVerify } = desk.job.record
  desk.peerSays(peerView(B, { desired: 'online', detached: word, detachSequence, needToVerify }, { config: desk.config }))
  return desk
}

/** Detached, and the other node has recorded it. */
function detached(stopData: boolean): Desk {
  const desk = owner()
  desk.dataSays(source())
  desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
  desk.command('detach', { stopData })
  heard(desk)
  if (stopData) desk.end('transmit')
  return stopData ? desk.dataSays(source(PAUSED)) : desk
}

function offline(): Desk {
  const desk = owner()
  desk.command('bringout')
  return desk.endAll()
}

const change = (desk: Desk, config: Config, version = 2): Desk => {
  desk.tell({ kind: 'configChanged', config, configHash: `hash ${version}`, version })
  return desk
}

function hold(desk: Desk, next: Config): string {
  desk.tell({ kind: 'configHeld', request: 1, next, dryRun: true })
  const reply = desk.actions.find((action) => action.do === 'reply')
  if (reply?.do !== 'reply') return 'no answer'
  if (reply.outcome.ok) return `yes ${JSON.stringify(reply.outcome.result)}`
  return `no: ${/needs DB_Group (.*?), and it is /.exec(reply.outcome.error.message)?.[1]}`
}

const TICK = { kind: 'ticked', heartbeat: null } as const
const YES = 'yes []'
const LOOKS = `yes ["${JOB}"]`
const NO = 'no: detached with its replication stopped, or brought out'
const UNWATCHED = 'no: detached or brought out'
const OUT = 'no: brought out'

/** What may be changed when; the data program of a job that is served is asked, too, where its name stands. */
const TABLE: [what: string, next: Config, online: string, keepData: string, stopData: string, offline: string][] = [
  ['a folder more', FOLDER, NO, NO, LOOKS, YES],
  ['another folder', withData({ folders: [{ path: '/srv/other', exclude: [] }] }), NO, NO, LOOKS, YES],
  ['what is excluded', withData({ folders: [{ path: '/srv/db', exclude: ['*.tmp'] }] }), NO, NO, LOOKS, YES],
  ['the way of capture', withData({ capture: 'watch' }), NO, NO, LOOKS, YES],
  ['the memory queue', withData({ queueBytes: 2 << 20 }), NO, NO, LOOKS, YES],
  ['the page file', withData({ pagefileBytes: 0 }), NO, NO, LOOKS, YES],
  ['the data port', PORT, NO, NO, LOOKS, YES],
  ['the redo queue', withData({ redoQueueBytes: 2 << 30 }), YES, YES, YES, YES],
  ['the partner timeout', withData({ partnerTimeoutMs: 20_000 }), YES, YES, YES, YES],
  ['the speed limit', withData({ bandwidthBytesPerSecond: 1_000_000 }), YES, YES, YES, YES],
  ['the safety to begin with', withData({ safety: 'full' }), YES, YES, YES, YES],
  ['a virtual address', pairConfig(jobConfig({ vips: [] })), YES, YES, YES, YES],
  ['a check of an application', checkedMore(), UNWATCHED, YES, YES, YES],
  ['no folders at all', pairConfig(jobConfig({ data: null })), OUT, OUT, OUT, YES]
]

function checkedMore(): Config {
  const { applications } = jobConfig()
  return pairConfig(jobConfig({ applications: applications.map((each) => ({ ...each, checkIntervalMs: 1_000 })) }))
}

test.each(TABLE)('%s: online, detached with its data, detached with its data stopped, brought out', (_what, next, ...answers) => {
  const desks = [owner(), detached(false), detached(true), offline()]
  expect(desks.map((desk) => hold(desk, next))).toEqual(answers)
})

test('every setting of the data that is not live needs its replication stopped', () => {
  const keys = Object.keys(DATA) as (keyof DataConfig)[]
  const needs = keys.map((key) => {
    const [one] = configDifferences(pairConfig(), withData({ [key]: 'another' as never }))
    return `${key}: ${one?.needs}`
  })
  expect(needs.sort()).toEqual([
    'bandwidthBytesPerSecond: nothing',
    'capture: stopped',
    'folders: stopped',
    'pagefileBytes: stopped',
    'partnerTimeoutMs: nothing',
    'port: stopped',
    'queueBytes: stopped',
    'redoQueueBytes: nothing',
    'safety: nothing'
  ])
})

test('the standby, too, knows that the replication is stopped; and a data program that is lost needs the job brought out', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: true }
  expect(hold(standby({ desired: 'online', detached: word, detachSequence: 1 }), FOLDER)).toBe(YES)
  expect(hold(standby({ desired: 'online', detached: { ...word, stopData: false }, detachSequence: 1 }), FOLDER)).toBe(NO)
  const desk = detached(true)
  desk.tell({ kind: 'dataLost', job: JOB, why: 'its program died' })
  expect(hold(desk, FOLDER)).toBe(OUT)
})

test('nothing happens under the service before it is brought in; then the data program is taken up first, and sends last', () => {
  const desk = change(detached(true), FOLDER)
  expect(desk.job.record).toMatchObject({ needToVerify: 'Yes', detached: { stopData: true } })
  // What it takes on while it works it is told at once.
  expect(desk.orders).toEqual(['reconfigure'])
  desk.end('reconfigure')
  for (let i = 0; i < 10; i++) desk.tell(TICK, 30_000)
  expect(desk.job.plan).toBeNull()
  const looked = desk.command('bringin', { dryRun: true })
  expect(looked.is === 'accepted' && (looked.result as { steps: string[] }).steps[0]).toBe('Take the data program up with its new configuration')
  desk.command('bringin')
  expect(desk.orders).toEqual(['rebuild'])
  // Not before: if it cannot be, all stays as it is.
  expect(desk.job.record.detached).not.toBeNull()
  // The old one's last words are about the folders of before.
  desk.dataSays(source())
  expect(desk.job.record.needToVerify).toBe('Yes')
  desk.end('rebuild', null, source({ connected: false, needToVerify: 'Yes' }))
  expect(desk.job.record.detached).toBeNull()
  const { vips, applications } = desk.job
  desk.end('observe', null, { held: Object.keys(vips), running: Object.keys(applications), data: { ran: true, status: source({ connected: false }) } })
  desk.end('transmit')
  expect(Object.values(desk.state.tickets).at(-1)).toMatchObject({ state: 'done', purpose: 'bringin' })
  expect(desk.job.record.needToVerify).toBe('Yes')
  heard(desk)
  expect(desk.command('switch')).toMatchObject({ is: 'refused' })
  desk.dataSays(source({ mirror: { ...source().mirror, state: 'Mirror' }, needToVerify: 'Yes' }))
  expect(desk.job.record.needToVerify).toBe('Yes')
  desk.dataSays(source())
  expect(desk.job.record.needToVerify).toBe('No')
})

test('it cannot be taken up: the job stays detached, the command says why, and nothing is tried behind the back of who works on it', () => {
  const desk = change(detached(true), FOLDER)
  desk.end('reconfigure')
  desk.command('bringin')
  desk.end('rebuild', 'files in it are open')
  expect(desk.state.tickets[desk.job.ticket!]).toMatchObject({ state: 'failed', error: { message: 'files in it are open' } })
  expect(desk.job.record.detached).toMatchObject({ stopData: true })
  for (let i = 0; i < 10; i++) desk.tell(TICK, 30_000)
  expect(desk.job.plan).toBeNull()
  // Put back as it was: what runs has all of it already.
  change(desk, pairConfig(), 3)
  desk.end('reconfigure')
  desk.command('bringin')
  desk.end('rebuild', null, source(PAUSED))
  expect(desk.job.record.detached).toBeNull()
})

test('detached anew with its replication going on: it is taken up before it sends', () => {
  const desk = change(detached(true), PORT)
  expect(desk.job.record.needToVerify).toBe('No')
  desk.end('reconfigure')
  desk.command('detach', { stopData: false })
  expect(desk.orders).toEqual([])
  heard(desk)
  expect(desk.orders).toEqual(['rebuild'])
  desk.end('rebuild', null, source({ connected: false }))
  expect(desk.orders).toEqual(['transmit'])
  desk.end('transmit')
  expect(desk.job).toMatchObject({ plan: null, stale: { anew: false } })
})

test('its time is over and it cannot be taken up: its faults act again, nothing is sent, and it is tried again', () => {
  const desk = owner()
  desk.dataSays(source())
  desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
  desk.command('detach', { stopData: true, forMs: 60_000 })
  heard(desk).end('transmit')
  desk.dataSays(source(PAUSED))
  change(desk, FOLDER).end('reconfigure')
  desk.tell(TICK, 61_000)
  expect(desk.orders).toEqual(['rebuild'])
  desk.end('rebuild', 'files in it are open')
  expect(desk.job.record.detached).toBeNull()
  const { vips, applications } = desk.job
  const found = { held: Object.keys(vips), running: Object.keys(applications), data: { ran: true, status: source(PAUSED), differs: true as const } }
  desk.end('observe', null, found)
  heard(desk).dataSays(source(PAUSED))
  expect(desk.orders).toEqual([])
  expect(desk.job).toMatchObject({ plan: null, stale: { anew: true }, record: { needToVerify: 'Yes' } })
  desk.tell(TICK, 31_000)
  expect(desk.orders).toEqual(['rebuild'])
  desk.end('rebuild', null, source({ connected: false, needToVerify: 'Yes' }))
  expect(desk.job.stale.anew).toBe(false)
})

test('the standby takes it up at once, and its copy does not count before its new data program says so', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: true }
  const desk = standby({ desired: 'online', detached: word, detachSequence: 1 }).dataSays(
    dataStatus({ role: 'target', roleSequence: 1, copyComplete: true, connected: true })
  )
  change(desk, FOLDER)
  expect(desk.job.record.copyComplete).toBe(false)
  expect(desk.orders).toEqual(['rebuild'])
  desk.dataSays(dataStatus({ role: 'target', roleSequence: 1, copyComplete: true, connected: true }))
  expect(desk.job.record.copyComplete).toBe(false)
  desk.end('rebuild', null, dataStatus({ role: 'target', roleSequence: 1, copyComplete: false }))
  expect(desk.job).toMatchObject({ dataRole: 'target', plan: null })
  // Watched again, and the owner dies before anything was mirrored.
  desk.peerSays(peerView(A, { desired: 'online', detached: null, detachSequence: 2, needToVerify: 'Yes' }, { phase: 'online' }))
  desk.hear({ peerAlive: false })
  desk.tell(TICK, 20_000)
  expect(desk.orders).toEqual([])
  expect(desk.job.note).toContain('not complete')
})

test('an engine that restarts finds a data program of the configuration before: it waits for bringin as it did', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: true }
  const desk = owner(FOLDER)
  desk.tell({
    kind: 'booted',
    bootId: 'this-boot',
    records: { [JOB]: record({ desired: 'online', detached: word, detachSequence: 1, needToVerify: 'Yes' }) },
    before: pairConfig()
  })
  const { vips, applications } = desk.job
  const found = { held: Object.keys(vips), running: Object.keys(applications), data: { ran: true, status: source(PAUSED), differs: true as const } }
  desk.end('observe', null, found)
  desk.end('reconfigure')
  heard(desk)
  desk.tell(TICK, 60_000)
  expect(desk.job).toMatchObject({ plan: null, phase: 'online', stale: { anew: true } })
  desk.command('bringin')
  expect(desk.orders).toEqual(['rebuild'])
})
