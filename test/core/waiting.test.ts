import { TAKE_UP_WAIT_MS, WAITING_MAX } from '../../src/core/waiting'
import { B, JOB, jobConfig, pairConfig } from '../fakes/pairConfig'
import { type Desk, owner, peerView } from './desk'

const MOVED = pairConfig(jobConfig({ vips: [{ ...jobConfig().vips[0]!, address: '192.168.150.140' }] }))
const HASH = 'the moved one'

/** Its address moves: a change has just been agreed on, and is being taken up. */
function changed(): Desk {
  const desk = owner()
  desk.tell({ kind: 'configChanged', config: MOVED, configHash: HASH, version: 2 })
  desk.peerSays(peerView(B, {}, { config: MOVED, configHash: HASH }))
  expect(desk.job.plan?.kind).toBe('reconfigure')
  return desk
}

/** Nobody has been answered yet. */
const NOT_YET = { is: 'forwarded' }
const replies = (desk: Desk) => desk.actions.flatMap((action) => (action.do === 'reply' ? [action] : []))
const saidTo = (desk: Desk) => replies(desk).map(({ outcome }) => (outcome.ok ? 'accepted' : outcome.error.code))

test('a command that comes while a change is taken up waits for it, and is then decided as if it had come later', () => {
  const desk = changed()
  expect(desk.command('mirror', { action: 'start' })).toEqual(NOT_YET)
  expect(desk.actions).toEqual([])
  desk.end('drop')
  expect(replies(desk)).toEqual([])
  desk.end('raise')
  expect(saidTo(desk)).toEqual(['accepted'])
  expect(desk.job).toMatchObject({ plan: { kind: 'data' }, vips: { 'IP-DB_Group': 'up' } })
  expect(desk.state.waiting).toEqual([])
})

test('so does a dry run; several are decided in the order in which they came', () => {
  const desk = changed()
  for (const dryRun of [true, false, false]) expect(desk.command('mirror', { action: 'start', dryRun })).toEqual(NOT_YET)
  desk.end('drop').end('raise')
  expect(saidTo(desk)).toEqual(['accepted', 'accepted', 'E_JOB_BUSY'])
})

test('it is told when the change has failed, too', () => {
  const desk = changed()
  desk.command('transmit', { action: 'pause' })
  desk.end('drop', 'RTNETLINK answers: Operation not permitted')
  expect(saidTo(desk)).toEqual(['accepted'])
})

test('it does not wait for ever: then the job is busy with that', () => {
  const desk = changed()
  desk.command('mirror', { action: 'start' })
  desk.tell({ kind: 'ticked', heartbeat: null }, TAKE_UP_WAIT_MS - 20)
  expect(replies(desk)).toEqual([])
  desk.tell({ kind: 'ticked', heartbeat: null }, 30)
  expect(replies(desk)).toMatchObject([{ outcome: { error: { code: 'E_JOB_BUSY', message: expect.stringContaining('reconfigure') as string } } }])
  expect(desk.end('drop').end('raise').job.phase).toBe('online')
})

test('nor does a node that shuts down, nor one on which too many wait already', () => {
  const desk = changed()
  for (let i = 0; i < WAITING_MAX; i++) expect(desk.command('mirror', { action: 'start' })).toEqual(NOT_YET)
  expect(desk.command('mirror', { action: 'start' })).toMatchObject({ is: 'refused', error: { code: 'E_JOB_BUSY' } })
  desk.tell({ kind: 'shutdownBegun' })
  expect(saidTo(desk)).toEqual(Array.from({ length: WAITING_MAX }, () => 'E_ENGINE_ENDS'))
})

test('what need not wait does not: bringout goes before it', () => {
  const desk = changed()
  expect(desk.command('bringout').is).toBe('accepted')
  expect(desk.job.plan?.kind).toBe('stop')
})

test('what somebody has typed is not waited for, and neither is what a fault has begun', () => {
  const desk = owner()
  desk.tell({ kind: 'applicationFailed', job: JOB, application: 'POSTGRES', why: 'exit code 1' })
  expect(desk.command('mirror', { action: 'start' })).toMatchObject({ is: 'refused', error: { code: 'E_JOB_BUSY' } })
})
