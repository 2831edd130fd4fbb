import { levels, withDependants } from '../../src/core/order'
import { DEFAULT_RESTART_LIMIT } from '../../src/model'
import { A, applicationConfig, B, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { type Desk, owner, peerView, standby, withoutData } from './desk'

const [DB, CACHE, WEB, LOG] = [applicationConfig('DB'), applicationConfig('CACHE'), applicationConfig('WEB', ['DB', 'CACHE']), applicationConfig('LOG')]
const APPLICATIONS = [WEB, DB, CACHE, LOG]

test('dependencies first, side by side what may be; whoever depends on a failed one goes with it', () => {
  expect(levels(APPLICATIONS)).toEqual([['DB', 'CACHE', 'LOG'], ['WEB']])
  expect(withDependants(APPLICATIONS, ['CACHE'])).toEqual(['WEB', 'CACHE'])
  expect(withDependants(APPLICATIONS, ['LOG'])).toEqual(['LOG'])
})

const fails = (desk: Desk, application: string, passedMs = 10): Desk => {
  desk.tell({ kind: 'applicationFailed', job: JOB, application, why: 'exit code 1' }, passedMs)
  return desk
}
const ordered = (desk: Desk): string[] => desk.job.plan?.pending.map(({ order }) => `${order.do} ${'application' in order ? order.application : ''}`) ?? []

test('a failed application stops what depends on it, then both start again', () => {
  const desk = fails(owner(pairConfig(jobConfig({ data: null, applications: APPLICATIONS }))), 'DB')
  expect(ordered(desk)).toEqual(['stop WEB'])
  expect(ordered(desk.end('stop'))).toEqual(['stop DB'])
  expect(ordered(desk.end('stop'))).toEqual(['start DB'])
  expect(ordered(desk.end('start'))).toEqual(['start WEB'])
  desk.end('start')
  expect(desk.job).toMatchObject({ phase: 'online', applications: { WEB: 'online', DB: 'online', CACHE: 'online', LOG: 'online' } })
})

/** So many failures at these intervals: where the job is in the end. */
const LIMITS: [story: string, gapsMs: number[], peer: 'well' | 'flagged' | 'differs' | 'lost', phase: string][] = [
  ['three within the window are restarted', [1_000, 1_000, 1_000], 'well', 'online'],
  ['the fourth goes to the other node', [1_000, 1_000, 1_000, 1_000], 'well', 'switching'],
  ['with time between them they never end it', [300_000, 300_000, 300_000, 300_000, 300_000], 'lost', 'online'],
  ['nobody can take it: in error', [1_000, 1_000, 1_000, 1_000], 'flagged', 'error'],
  ['a peer with another configuration cannot take it', [1_000, 1_000, 1_000, 1_000], 'differs', 'error'],
  ['a peer that is lost cannot take it', [1_000, 1_000, 1_000, 1_000], 'lost', 'error']
]
test.each(LIMITS)('restart limit: %s', (_story, gapsMs, peer, phase) => {
  const desk = owner(withoutData())
  if (peer === 'lost') desk.hear({ peerAlive: false })
  for (const gapMs of gapsMs) {
    const config = withoutData()
    if (peer !== 'lost')
      desk.peerSays(peerView(B, peer === 'flagged' ? { errorFlag: 'x' } : {}, { config, ...(peer === 'differs' ? { configHash: 'other' } : {}) }))
    fails(desk, 'POSTGRES', gapMs)
    if (desk.job.phase === 'online') desk.endAll()
  }
  expect(desk.job.phase).toBe(phase)
  expect(desk.job.record.owner).toBe(A)
})

test.each([
  ['its mirror is complete', { needToVerify: 'Yes' as const, copyComplete: false }],
  ['its flag is cleared', { errorFlag: 'x' }]
])('what has given up goes to the other node when %s; the error flag stays here', (_story, barred) => {
  const desk = owner()
  const says = (record: object) => desk.peerSays(peerView(B, record, { config: desk.config }))
  if ('copyComplete' in barred) desk.job.record = { ...desk.job.record, needToVerify: 'Yes', mirrorInSync: false }
  says({ ...desk.job.record, ...barred })
  for (let times = 0; times <= DEFAULT_RESTART_LIMIT.max; times++) {
    desk.endAll()
    fails(desk, 'POSTGRES')
  }
  expect(desk.job).toMatchObject({ phase: 'error', vips: { 'IP-DB_Group': 'up' } })
  desk.dataSays({ role: 'source', connected: true })
  says(desk.job.record)
  expect(desk.job).toMatchObject({ phase: 'switching', pendingFlag: 'POSTGRES: exit code 1' })
})

const REFUSED = { code: 'E_APPLICATION_AGENT', message: 'psql is not installed', tryThis: 'Install it.', exitCode: 5 }

test.each([
  ['it goes to the other node', 'well', 'switching'],
  ['nobody else can take it: in error, and it says why', 'flagged', 'error']
])('a restart that says that no other one would help is not repeated: %s', (_story, peer, phase) => {
  const desk = owner(withoutData())
  desk.peerSays(peerView(B, peer === 'flagged' ? { errorFlag: 'x' } : {}, { config: withoutData() }))
  fails(desk, 'POSTGRES')
  desk.end('stop').end('stop').end('start', REFUSED)
  expect(desk.job).toMatchObject({ phase, restarts: [{ applications: ['POSTGRES'] }] })
  expect(desk.job.pendingFlag ?? desk.job.note).toMatch(/psql is not installed/)
})

test('a takeover whose start says so is not repeated either', () => {
  const desk = standby({}, withoutData()).hear({ peerAlive: false }).end('probe').end('raise').end('start', REFUSED).endAll()
  expect(desk.job).toMatchObject({ phase: 'error', restarts: [], note: expect.stringMatching(/psql is not installed/) })
  desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
  expect(desk.job.plan).toBeNull()
})

test.each(['mirror', 'verify', 'bandwidth'] as const)('%s waits for an application that is being started again, and does not take its place', (command) => {
  const desk = owner()
  desk.dataSays({ role: 'source', connected: true })
  fails(desk, 'POSTGRES')
  const answer = desk.command(command)
  expect(answer.is === 'refused' && answer.error.code).toBe('E_JOB_BUSY')
  desk.endAll()
  expect(desk.job).toMatchObject({ phase: 'online', applications: { POSTGRES: 'online', AGENT: 'online' } })
  expect(desk.command(command).is).toBe('accepted')
})

test('so does the choice of the right data', () => {
  const desk = owner()
  desk.peerSays(peerView(B, { needToVerify: 'Manually' }, { config: pairConfig() }))
  expect(desk.job.record.needToVerify).toBe('Manually')
  fails(desk, 'POSTGRES')
  const answer = desk.command('selectsrc', { node: A, dryRun: true })
  expect(answer.is === 'refused' && answer.error.code).toBe('E_JOB_BUSY')
  desk.endAll()
  expect(desk.command('selectsrc', { node: A, dryRun: true }).is).toBe('accepted')
})

test('an application that does not stop in peace is killed, and the job goes on', () => {
  const desk = fails(owner(withoutData()), 'POSTGRES')
  desk.end('stop', 'it did not stop within 60 s')
  expect(desk.job.plan?.pending).toMatchObject([{ order: { do: 'stop', application: 'AGENT', kill: true } }])
  desk.endAll()
  expect(desk.job.phase).toBe('online')
})

test('an address that has gone is raised again; one that was left behind on a standby is dropped', () => {
  const desk = owner(withoutData())
  desk.tell({ kind: 'vipsSeen', job: JOB, attempt: desk.job.attempt, held: [] })
  expect(desk.orders).toEqual(['raise'])
  const other = standby({}, withoutData())
  other.tell({ kind: 'vipsSeen', job: JOB, attempt: other.job.attempt, held: ['IP-DB_Group'] })
  expect(other.orders).toEqual(['drop'])
})

describe('data is lost', () => {
  test('on the owner: nobody reaches it any more, before anything else; then it starts anew, and a full mirror follows', () => {
    const desk = owner()
    desk.tell({ kind: 'dataLost', job: JOB, why: 'its program died' })
    expect(desk.orders).toEqual(['drop'])
    expect(desk.job.plan?.stages.flat().map((order) => order.do)).toEqual(['stop', 'stop', 'stopData', 'source', 'raise', 'start', 'start'])
    desk.endAll()
    expect(desk.job).toMatchObject({ phase: 'online', record: { needToVerify: 'Yes' } })
    desk.dataSays({ role: 'source', connected: true, mirror: { state: 'Mirror', percent: 3, leftBytes: 1, leftMs: 1 }, needToVerify: 'Yes' })
    expect(desk.job.record.needToVerify).toBe('Yes')
    desk.dataSays({ role: 'source', connected: true })
    expect(desk.job.record.needToVerify).toBe('No')
  })

  test('what an earlier data program said is not believed of the new one', () => {
    const desk = owner()
    desk.tell({ kind: 'dataLost', job: JOB, why: 'its program died' })
    desk.endAll()
    desk.tell({ kind: 'ticked', heartbeat: null }, 500)
    expect(desk.job.record.needToVerify).toBe('Yes')
  })

  test('again and again: in error when nobody can take it', () => {
    const desk = owner().hear({ peerAlive: false })
    for (let i = 0; i < 4; i++) {
      desk.tell({ kind: 'dataLost', job: JOB, why: 'its program died' })
      desk.endAll()
    }
    expect(desk.job).toMatchObject({ phase: 'error', note: 'data: its program died (restarted 3 times within 600 s); it moves when RMHW132 can take it' })
  })
})
