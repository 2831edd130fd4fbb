import { arbitrationConfig, A, B, JOB } from '../fakes/pairConfig'
import { DEFAULT_RESTART_LIMIT } from '../../src/model'
import { RETRY_MS } from '../../src/core/state'
import { Desk, owner, peerView, record, standby } from './desk'

const REACHED = { reached: true, why: '' }
const SILENT = { reached: false, why: '192.168.0.1 did not answer within 2000 ms' }

/** The newest question is answered. */
function told(desk: Desk, answer: { reached: boolean; why: string }, passedMs = 1_000): Desk {
  desk.tell({ kind: 'reachTold', number: desk.state.reachCount, ...answer }, passedMs)
  return desk
}

function lose(desk: Desk): Desk {
  desk.hear({ peerAlive: false })
  return desk
}

const waits = (desk: Desk, passedMs: number): Desk => {
  desk.tell({ kind: 'ticked', heartbeat: null }, passedMs)
  return desk
}

/** Two answers of 2 s and a second between them, and 2 s to stop. */
const PATIENCE_MS = 8_000

test('it is asked when the last heartbeat is lost, not before, and the takeover waits for the answer', () => {
  const desk = standby({}, arbitrationConfig(false))
  expect(desk.actions).not.toContainEqual(expect.objectContaining({ do: 'askReach' }))
  lose(desk)
  expect(desk.actions).toContainEqual({ do: 'askReach', number: 1 })
  expect(desk.job.note).toContain('looks whether it reaches 192.168.0.1')
  expect(desk.orders).toEqual([])
})

test('reached: the other one still gets the time that it needs to stop, then the VIP is asked for', () => {
  const desk = told(lose(standby({}, arbitrationConfig(false))), REACHED)
  expect(desk.orders).toEqual([])
  expect(waits(desk, PATIENCE_MS - 1_001).orders).toEqual([])
  expect(waits(desk, 1).orders).toEqual(['probe'])
  desk.end('probe')
  expect(desk.job.record.owner).toBe(B)
})

test('not reached: it stays standby and says why, however long; it is asked again', () => {
  const desk = told(lose(standby({}, arbitrationConfig(false))), SILENT)
  expect(waits(desk, 60_000).job.record.owner).toBe(A)
  expect(desk.job.note).toContain('it may be RMHW132 that is cut off')
  expect(desk.actions).toContainEqual({ do: 'askReach', number: 2 })
  expect(told(desk, REACHED).orders).toEqual(['probe'])
})

test('what was handed over is not taken back by one that is cut off by the time that nobody answers', () => {
  const handover = { to: B, roleSequence: 2, ticket: 'one' }
  const desk = lose(new Desk(A, arbitrationConfig(false)).boot(record({ handover })).hear())
  waits(told(desk, REACHED), PATIENCE_MS)
  desk.tell({ kind: 'handoverAnswered', job: JOB, roleSequence: 2, ticket: 'one', asked: 'withdraw', answer: { is: 'silence', why: 'timeout' } })
  expect(desk.job.plan?.kind).toBe('probe')
  told(desk, SILENT)
  desk.end('probe')
  expect(desk.job.record).toMatchObject({ roleSequence: 1, handover: { to: B } })
})

test('an answer to an older question, or after the other one was heard again, says nothing', () => {
  const desk = lose(standby({}, arbitrationConfig(false)))
  desk.hear()
  lose(desk)
  desk.tell({ kind: 'reachTold', number: 1, ...REACHED }, 1_000)
  expect(desk.state.reach?.reached).toBeNull()
})

test('one that said that it shuts down is not arbitrated about', () => {
  const desk = standby({}, arbitrationConfig(true))
  desk.hear({ peerAlive: false, peerLeaving: true })
  expect(desk.orders).toEqual(['probe'])
  desk.end('probe')
  expect(desk.job.record.owner).toBe(B)
})

describe('an owner', () => {
  const cutOff = (): Desk => told(waits(told(lose(owner(arbitrationConfig(false))), SILENT), 1_000), SILENT)

  test('that reaches the addresses goes on, whatever they answer later', () => {
    const desk = told(lose(owner(arbitrationConfig(false))), REACHED)
    for (let times = 0; times < 5; times++) told(waits(desk, 5_000), SILENT)
    expect(desk.job.phase).toBe('online')
  })

  test('that misses one answer goes on; with the second it stops, its address first', () => {
    const once = told(lose(owner(arbitrationConfig(false))), SILENT)
    expect(once.job.phase).toBe('online')
    const desk = cutOff()
    expect(desk.orders).toEqual(['drop'])
    expect(desk.endAll().job).toMatchObject({ phase: 'offline', cutOff: true, record: { desired: 'online', owner: A } })
    expect(desk.job.note).toContain('RMHW132 has not taken over')
  })

  test('whose start had just failed does not try again while it is cut off', () => {
    const desk = told(lose(owner(arbitrationConfig(false))), SILENT)
    desk.tell({ kind: 'dataLost', job: JOB, why: 'it was killed' })
    for (let pending = desk.job.plan?.pending[0]?.order.do; pending !== 'source'; pending = desk.job.plan?.pending[0]?.order.do) desk.end(pending ?? 'nothing')
    desk.end('source', 'it would not')
    expect(desk.endAll().job).toMatchObject({ phase: 'offline', record: { desired: 'online' } })
    told(waits(desk, 1_000), SILENT)
    for (let ms = 0; ms < 2 * RETRY_MS; ms += 500) {
      expect(desk.endAll().orders).toEqual([])
      waits(desk, 500)
    }
    expect(desk.job).toMatchObject({ phase: 'offline', cutOff: true })
    expect(desk.job.note).toContain('RMHW132 has not taken over')
  })

  test('that has given up and still has its address stops what is left, and starts again when the other one is heard', () => {
    const desk = owner(arbitrationConfig(false))
    for (let times = 0; times <= DEFAULT_RESTART_LIMIT.max; times++) {
      desk.endAll()
      desk.tell({ kind: 'dataLost', job: JOB, why: 'it was killed' })
    }
    expect(desk.job).toMatchObject({ phase: 'error', vips: { 'IP-DB_Group': 'up' } })
    told(waits(told(lose(desk), SILENT), 1_000), SILENT)
    expect(desk.orders).toEqual(['drop'])
    expect(desk.endAll().job).toMatchObject({ phase: 'offline', cutOff: true, vips: { 'IP-DB_Group': 'down' } })
    desk.hear().peerSays(peerView(B, {}, { config: arbitrationConfig(false) }))
    expect(desk.job).toMatchObject({ phase: 'starting', cutOff: false })
  })

  test('that is cut off is not brought in, only forced: the other node may have taken it over', () => {
    const desk = owner(arbitrationConfig(false))
    desk.command('bringout')
    told(waits(told(lose(desk.endAll()), SILENT), 1_000), SILENT)
    expect(desk.command('bringin')).toMatchObject({
      is: 'refused',
      error: {
        code: 'E_JOB_CUT_OFF',
        exitCode: 5,
        message: expect.stringContaining('does not reach 192.168.0.1'),
        tryThis: expect.stringContaining('forcetake DB_Group')
      }
    })
    expect(desk.job).toMatchObject({ phase: 'offline', record: { desired: 'offline' } })
    expect(desk.command('forcetake', { dryRun: true })).toMatchObject({ is: 'accepted' })
    const reached = told(desk, REACHED)
    expect(reached.command('bringin')).toMatchObject({ is: 'accepted' })
  })

  test('that was cut off hears the other one: what that one holds decides', () => {
    const took = cutOff().endAll().hear()
    took.peerSays(peerView(B, { roleSequence: 2, owner: B }, { config: arbitrationConfig(false) }))
    expect(took.job).toMatchObject({ phase: 'standby', record: { owner: B } })
    const kept = cutOff().endAll().hear()
    kept.peerSays(peerView(B, {}, { config: arbitrationConfig(false) }))
    expect(kept.job).toMatchObject({ phase: 'starting', cutOff: false })
  })

  test('that is cut off goes by no word that came late: it is heard on no link, and may have taken over since', () => {
    const desk = cutOff().endAll()
    desk.peerSays(peerView(B, {}, { config: arbitrationConfig(false) }))
    expect(desk.orders).toEqual([])
    expect(desk.job).toMatchObject({ phase: 'offline', cutOff: true })
    expect(told(waits(desk, PATIENCE_MS), REACHED).orders).toEqual(['probe'])
  })

  test('that was cut off reaches the addresses again: it serves when nobody answers for its VIP', () => {
    const again = told(waits(cutOff().endAll(), PATIENCE_MS), REACHED)
    expect(again.orders).toEqual(['probe'])
    expect(again.end('probe').job.phase).toBe('starting')
    const taken = told(waits(cutOff().endAll(), PATIENCE_MS), REACHED)
    expect(taken.end('probe', null, '52:54:00:00:00:02').job).toMatchObject({ phase: 'offline', cutOff: true })
  })
})

describe('a fence agent', () => {
  const lost = (): Desk => told(lose(standby({}, arbitrationConfig(true))), REACHED).end('probe')

  test('is asked when nobody answers for the VIP, and only its word lets this node take over', () => {
    const desk = lost()
    expect(desk.job.plan?.pending).toMatchObject([{ order: { do: 'fence', node: A } }])
    expect(desk.job.record.owner).toBe(A)
    expect(desk.end('fence').job.record.owner).toBe(B)
  })

  test('that fails is asked again after a while, and nothing is taken meanwhile', () => {
    const desk = lost().end('fence', 'status says that RMHW131 is on')
    expect(desk.job.note).toContain('could not be fenced: status says')
    expect(waits(desk, 4_000).orders).toEqual([])
    expect(waits(desk, 1_100).orders).toEqual(['probe'])
    expect(desk.job.record.owner).toBe(A)
  })

  test('has switched off one that is heard again meanwhile: nothing is taken over from it', () => {
    const desk = lost().hear()
    expect(desk.end('fence').job.record.owner).toBe(A)
  })
})

test('a pair without arbitration asks nobody', () => {
  const desk = lose(standby())
  expect(desk.state.reach).toBeNull()
  expect(desk.job.name).toBe(JOB)
  expect(desk.orders).toEqual(['probe'])
})
