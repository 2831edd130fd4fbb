import type { ApplicationConfig, JobConfig } from '../../src/model'
import { nodeView } from '../../src/core'
import { A, applicationConfig, B, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { type Answer, type Desk, owner, peerView, standby } from './desk'

const DB = applicationConfig('DB')
const WEB = applicationConfig('WEB', ['DB'])
const MAIL = applicationConfig('MAIL')
const configOf = (...applications: ApplicationConfig[]) => pairConfig(jobConfig({ data: null, applications }))
const APPLICATIONS = [WEB, DB, MAIL]
const online = (): Desk => owner(configOf(...APPLICATIONS))
const codeOf = (answer: Answer): string => (answer.is === 'refused' ? answer.error.code : answer.is)
const fails = (desk: Desk, application: string, passedMs = 10): Desk => {
  desk.tell({ kind: 'applicationFailed', job: JOB, application, why: 'exit code 1' }, passedMs)
  return desk
}
const ordered = (desk: Desk): string[] => desk.job.plan?.pending.map(({ order }) => `${order.do} ${'application' in order ? order.application : ''}`) ?? []
const words = (desk: Desk) => Object.fromEntries(nodeView(desk.state).jobs[JOB]!.applications.map(({ name, word }) => [name, word]))
const resource = (desk: Desk, application: string, action: 'online' | 'offline' | 'detach', dryRun = false) =>
  desk.command('resource', { application, action, dryRun })

test('offline: what depends on it stops first; one that does not is not touched; each is shown with since and by whom', () => {
  const desk = online()
  expect(resource(desk, 'DB', 'offline')).toMatchObject({ is: 'accepted' })
  expect(ordered(desk)).toEqual(['stop WEB'])
  expect(words(desk)).toEqual({ WEB: 'stopping', DB: 'online', MAIL: 'online' })
  desk.endAll()
  expect(words(desk)).toEqual({ WEB: 'offline', DB: 'offline', MAIL: 'online' })
  expect(nodeView(desk.state).jobs[JOB]!.applications[0]).toMatchObject({ name: 'WEB', by: 'root', sinceMs: desk.state.wallMs - 10 })
  expect(desk.state.tickets[desk.job.ticket!]).toMatchObject({ state: 'done', purpose: 'resource' })
  expect(desk.job.phase).toBe('online')
})

test('one that is offline is not started with another one that fails, nor after a restart of the engine', () => {
  const desk = online()
  resource(desk, 'WEB', 'offline')
  desk.endAll()
  fails(desk, 'DB')
  expect(ordered(desk)).toEqual(['stop DB'])
  desk.endAll()
  expect(words(desk)).toEqual({ WEB: 'offline', DB: 'online', MAIL: 'online' })
  const { record } = desk.job
  const later = online()
  later.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record } })
  later.end('observe', null, { held: ['IP-DB_Group'], running: ['DB', 'MAIL'], data: null })
  expect(later.job).toMatchObject({ phase: 'online', plan: null, failedApplications: {} })
  expect(words(later)).toEqual({ WEB: 'offline', DB: 'online', MAIL: 'online' })
})

test('online: what it needs comes first, and what depends on it is named and stays', () => {
  const desk = online()
  resource(desk, 'DB', 'offline')
  desk.endAll()
  expect(resource(desk, 'WEB', 'online', true)).toMatchObject({ result: { steps: ['Start application DB', 'Start application WEB'] } })
  expect(resource(desk, 'DB', 'online', true)).toMatchObject({
    result: { steps: ['Start application DB', 'Note: WEB depends on it and stays offline; resource DB_Group WEB online'] }
  })
  resource(desk, 'WEB', 'online')
  desk.endAll()
  expect(words(desk)).toEqual({ WEB: 'online', DB: 'online', MAIL: 'online' })
  expect(desk.job.record.resources).toEqual({})
})

test('detach: it dies and nothing happens; online starts it and watches it again', () => {
  const desk = online()
  resource(desk, 'DB', 'detach')
  expect(words(desk)).toEqual({ WEB: 'detached', DB: 'detached', MAIL: 'online' })
  fails(desk, 'DB')
  expect(desk.job.plan).toBeNull()
  expect(nodeView(desk.state).jobs[JOB]!.applications[1]).toMatchObject({ word: 'failed', why: 'exit code 1', by: 'root' })
  resource(desk, 'DB', 'online')
  desk.endAll()
  fails(desk, 'DB')
  expect(ordered(desk)).toEqual(['stop WEB'])
})

const REFUSED: [story: string, desk: () => Desk, application: string, action: 'online' | 'offline' | 'detach', answer: string][] = [
  ['an application that is none', online, 'NONE', 'offline', 'E_APPLICATION_UNKNOWN'],
  ['a job that is offline', () => offline(online()), 'DB', 'online', 'E_JOB_NOT_ONLINE'],
  ['one that is just being restarted', () => fails(online(), 'DB'), 'DB', 'offline', 'E_JOB_BUSY'],
  ['to detach what is offline', () => taken(online(), 'DB'), 'DB', 'detach', 'E_APPLICATION_OFFLINE'],
  ['offline twice', () => taken(online(), 'DB'), 'DB', 'offline', 'accepted'],
  ['online what is', online, 'DB', 'online', 'accepted'],
  ['by the node that does not serve it', () => standby({}, configOf(...APPLICATIONS)), 'DB', 'offline', 'forwarded']
]
test.each(REFUSED)('%s', (_story, desk, application, action, answer) => expect(codeOf(resource(desk(), application, action, true))).toBe(answer))

function offline(desk: Desk): Desk {
  desk.command('bringout')
  return desk.endAll()
}

function taken(desk: Desk, application: string): Desk {
  resource(desk, application, 'offline')
  return desk.endAll()
}

test('a job that is brought in has all of them again; a detached job leaves them as they were', () => {
  const desk = offline(taken(online(), 'DB'))
  desk.command('bringin')
  desk.endAll()
  expect(words(desk)).toEqual({ WEB: 'online', DB: 'online', MAIL: 'online' })
})

test('what does not start is restarted as any that fails', () => {
  const desk = taken(online(), 'MAIL')
  resource(desk, 'MAIL', 'online')
  const ticket = desk.job.ticket!
  desk.end('start', 'no such file')
  expect(desk.state.tickets[ticket]).toMatchObject({ state: 'failed', error: { code: 'E_RESOURCE_FAILED' } })
  expect(ordered(desk)).toEqual(['stop MAIL'])
})

describe('restart limits', () => {
  const limited = (job: Partial<JobConfig>, ...applications: ApplicationConfig[]) => owner(pairConfig(jobConfig({ data: null, ...job, applications })))
  const failsTimes = (desk: Desk, application: string, times: number, gapMs: number): string => {
    for (let i = 0; i < times; i++) {
      fails(desk, application, gapMs)
      if (desk.job.phase === 'online') desk.endAll()
    }
    return desk.job.phase
  }

  const CASES: [story: string, desk: () => Desk, application: string, times: number, gapMs: number, phase: string][] = [
    ['0: the first failure is the last one', () => limited({ restart: { max: 0, windowMs: 600_000 } }, DB), 'DB', 1, 10, 'error'],
    ['of the job: 1 in 20 s', () => limited({ restart: { max: 1, windowMs: 20_000 } }, DB), 'DB', 2, 1_000, 'error'],
    ['of the job: with time between', () => limited({ restart: { max: 1, windowMs: 20_000 } }, DB), 'DB', 4, 21_000, 'online'],
    ['of the application', () => limited({}, { ...DB, restart: { max: 5, windowMs: 600_000 } }), 'DB', 5, 10, 'online'],
    ['of the application, used up', () => limited({}, { ...DB, restart: { max: 5, windowMs: 600_000 } }), 'DB', 6, 10, 'error']
  ]
  test.each(CASES)('%s', (_story, make, application, times, gapMs, phase) => {
    const desk = make()
    desk.hear({ peerAlive: false })
    expect(failsTimes(desk, application, times, gapMs)).toBe(phase)
  })

  test('one with a limit of its own does not use up that of the others; a failed one says how near it is', () => {
    const desk = limited({}, { ...DB, restart: { max: 9, windowMs: 600_000 } }, MAIL)
    desk.hear({ peerAlive: false })
    expect(failsTimes(desk, 'DB', 5, 10)).toBe('online')
    expect(failsTimes(desk, 'MAIL', 2, 10)).toBe('online')
    fails(desk, 'MAIL')
    const [db, mail] = nodeView(desk.state).jobs[JOB]!.applications
    expect(db).toMatchObject({ restarts: 5, restartsMax: 9 })
    expect(mail).toMatchObject({ restarts: 3, restartsMax: 3 })
    desk.endAll()
    fails(desk, 'MAIL')
    expect(desk.job).toMatchObject({ phase: 'error', note: 'MAIL: exit code 1 (restarted 3 times within 600 s); it moves when RMHW132 can take it' })
  })
})

describe('what may be changed while nobody watches', () => {
  const hold = (desk: Desk, next: JobConfig): string => {
    desk.tell({ kind: 'configHeld', request: 1, next: pairConfig(next), dryRun: true })
    const reply = desk.actions.find((action) => action.do === 'reply')
    return reply?.do === 'reply' && !reply.outcome.ok ? `${reply.outcome.error.code}: ${reply.outcome.error.message}` : 'allowed'
  }
  const detached = (): Desk => {
    const desk = online()
    desk.peerSays(peerView(B, {}, { config: desk.config }))
    desk.command('detach')
    const { detached: word, detachSequence } = desk.job.record
    return desk.peerSays(peerView(B, { detached: word!, detachSequence: detachSequence! }, { config: desk.config }))
  }
  const next = (...applications: ApplicationConfig[]) => jobConfig({ data: null, applications })
  const slower = { ...DB, stopTimeoutMs: 5_000 }
  const runs = 'E_CONFIG_APPLICATION_RUNS: MAIL of DB_Group goes, or becomes another application, and it runs'

  const CHANGES: [what: string, desk: () => Desk, next: JobConfig, answer: string][] = [
    ['a timeout, watched', online, next(WEB, slower, MAIL), 'E_CONFIG_JOB_ONLINE: This change of the configuration needs DB_Group detached or brought out'],
    ['a timeout, detached', detached, next(WEB, slower, MAIL), 'allowed'],
    [
      'a timeout, on the node that stands by',
      () => standby({ detached: DETACHED, detachSequence: 1 }, configOf(...APPLICATIONS)),
      next(WEB, slower, MAIL),
      'allowed'
    ],
    ['a restart limit, watched', online, next(WEB, { ...DB, restart: { max: 1, windowMs: 60_000 } }, MAIL), 'allowed'],
    ['one more application', detached, next(WEB, DB, MAIL, applicationConfig('NEW')), 'allowed'],
    ['one less, which runs', detached, next(WEB, DB), runs],
    ['another unit of one that runs', detached, next(WEB, DB, { ...MAIL, kind: 'service', unit: 'mail' }), runs],
    ['one less, which is offline', () => taken(detached(), 'MAIL'), next(WEB, DB), 'allowed'],
    [
      'folders',
      detached,
      jobConfig({ applications: APPLICATIONS }),
      `E_CONFIG_JOB_ONLINE: This change of the configuration needs DB_Group brought out, and it is detached, and its service stands on this on ${A}: jobs DB_Group data`
    ]
  ]
  test.each(CHANGES)('%s', (_what, desk, config, answer) => expect(hold(desk(), config)).toContain(answer))

  test('it is not watched again before the change is decided; then the new one starts, and the removed one is forgotten', () => {
    const desk = taken(detached(), 'MAIL')
    desk.tell({ kind: 'configHeld', request: 1, next: configOf(WEB, DB, applicationConfig('NEW')), dryRun: false })
    expect(codeOf(desk.command('bringin'))).toBe('E_CONFIG_PENDING')
    desk.tell({ kind: 'configChanged', config: configOf(WEB, DB, applicationConfig('NEW')), configHash: 'h', version: 2 })
    expect(desk.job.record.resources).toEqual({})
    expect(codeOf(desk.command('bringin'))).toBe('accepted')
    desk.end('observe', null, { held: ['IP-DB_Group'], running: ['DB', 'WEB'], data: null })
    expect(ordered(desk)).toEqual(['stop NEW'])
    desk.endAll()
    expect(words(desk)).toEqual({ WEB: 'online', DB: 'online', NEW: 'online' })
  })
})

const DETACHED = { sinceMs: 1, by: 'root', reason: null, untilMs: null, stopData: false }
