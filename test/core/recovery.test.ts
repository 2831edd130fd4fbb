import type { JobRecord } from '../../src/model'
import { A, B, JOB } from '../fakes/pairConfig'
import { Desk, owner, peerView, record } from './desk'

const tookOver = { roleSequence: 2, owner: B, takeReason: 'failover' } as const

test('a node that has booted starts nothing because of a message that was under way since before its death', () => {
  const desk = new Desk(A).boot(record()).hear()

  desk.peerSays({ ...peerView(B, {}), heard: 'the engine that died' })
  expect(desk.job).toMatchObject({ phase: 'offline', plan: null })
  expect(desk.logs).toEqual([])

  desk.peerSays(peerView(B, tookOver, { phase: 'online' }))
  expect(desk.job.record).toMatchObject({ owner: B, needToVerify: 'No' })
  expect(desk.orders).toEqual(['target'])
})

test('the peer is told at once that it has been heard, so that the two wait for each other only once', () => {
  const desk = new Desk(A).boot(record()).hear()
  desk.peerSays({ ...peerView(B, {}), heard: null })
  expect(desk.actions).toContainEqual(expect.objectContaining({ do: 'sendState', view: expect.objectContaining({ heard: `${B}-1` }) }))
})

test('an application that dies with its folder recovers with it: it is not started in a folder that answers nobody', () => {
  const desk = owner()
  desk.tell({ kind: 'applicationFailed', job: JOB, application: 'POSTGRES', why: 'its process ended' })
  expect(desk.job.plan?.kind).toBe('restart')

  desk.tell({ kind: 'dataLost', job: JOB, why: 'its process was ended by SIGKILL' })
  expect(desk.job.plan?.kind).toBe('recover')
  expect(desk.orders).toEqual(['drop'])
  expect(desk.job.restarts).toHaveLength(1)
  expect(desk.endAll().job).toMatchObject({ phase: 'online', dataRole: 'source', failedApplications: {} })
})

describe('bringin of what starts by itself', () => {
  const starting = (resources: JobRecord['resources'] = {}) => {
    const desk = new Desk(A).boot(record({ resources })).hear()
    desk.peerSays(peerView(B, {}))
    expect(desk.job.plan).toMatchObject({ kind: 'start', cause: 'resume' })
    return desk.end('source')
  }
  const ticketsOf = (desk: Desk) => Object.values(desk.state.tickets).map(({ purpose, state }) => `${purpose} ${state}`)

  test('it goes on, under the ticket of who typed it', () => {
    const desk = starting()
    expect(desk.command('bringin', { dryRun: true })).toMatchObject({ is: 'accepted', result: { steps: ['Go on with the start that is under way'] } })
    expect(desk.command('bringin').is).toBe('accepted')
    expect(desk.orders).toEqual([])
    expect(ticketsOf(desk)).toEqual(['automatic done', 'bringin running'])
    expect(desk.endAll().job.phase).toBe('online')
    expect(ticketsOf(desk)).toEqual(['automatic done', 'bringin done'])
  })

  test('when it fails the ticket says so, and the job is offline as after any other bringin', () => {
    const desk = starting()
    desk.command('bringin')
    desk.end('raise', 'the address is in use').endAll()
    expect(desk.job).toMatchObject({ phase: 'offline', record: { desired: 'offline' } })
    expect(ticketsOf(desk)).toEqual(['automatic done', 'bringin failed'])
  })

  test('one without what was taken offline is begun anew', () => {
    const desk = starting({ AGENT: { word: 'offline', sinceMs: 1, by: 'kim' } })
    expect(desk.command('bringin').is).toBe('accepted')
    expect(desk.orders).toEqual(['drop'])
    expect(desk.endAll().job.applications).toEqual({ POSTGRES: 'online', AGENT: 'online' })
  })
})
