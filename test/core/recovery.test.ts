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
