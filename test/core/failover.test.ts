import type { JobView } from '../../src/wire'
import { A, B, jobConfig, pairConfig } from '../fakes/pairConfig'
import { Desk, dataStatus, heartbeat, owner, peerView, record, standby, withMode } from './desk'

const lost = (desk: Desk): Desk => desk.hear({ peerAlive: false })
const stopped: Partial<JobView> = { phase: 'offline', vips: [], applications: [], data: null }

/** When the owner is lost: what the standby does first, or why it stays where it is. */
const LOST: [story: string, given: () => Desk, orders: string[], note: string | null][] = [
  ['all is well', () => standby(), ['probe'], null],
  ['the job should not run', () => standby({ desired: 'offline' }), [], null],
  ['its own copy is being overwritten', () => standby({ copyComplete: false }), [], 'the copy on RMHW132 is not complete'],
  [
    'no mirror has ended since the start',
    () => standby({ needToVerify: 'Yes' }),
    [],
    'need to verify: Yes (no full mirror has ended since DB_Group was started on RMHW131)'
  ],
  ['both copies may hold changes', () => standby({ needToVerify: 'Manually' }), [], 'need to verify: Manually'],
  ['it keeps an error flag', () => standby({ errorFlag: 'it ended at once' }), [], 'error flag: it ended at once'],
  ['it never heard the owner', () => new Desk(B).boot(record()), [], null]
]

test.each(LOST)('the owner is lost, and %s', (_story, given, orders, note) => {
  const desk = given()
  if (desk.state.peerAlive === 'unknown') desk.tell({ kind: 'heartbeatChanged', heartbeat: { ...heartbeat(desk.config, B, { peerAlive: false }), links: [] } })
  else lost(desk)
  expect(desk.orders.filter((order) => order !== 'target')).toEqual(orders)
  if (note !== null) expect(desk.job.note).toBe(`RMHW131 is lost and RMHW132 cannot take over: ${note}`)
  expect(desk.job.record.owner).toBe(A)
})

test('nobody answers for the VIP: the record is on disk before anything is mounted', () => {
  const desk = lost(standby()).end('probe')
  expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { DB_Group: { owner: B, roleSequence: 2, takeReason: 'failover', needToVerify: 'Yes' } } })
  expect(desk.orders).toEqual(['source'])
})

test('somebody answers: it stays standby, says who, and asks again only after a while', () => {
  const desk = lost(standby()).end('probe', null, '52:54:00:00:00:01')
  expect(desk.job.note).toContain('the VIP is still answered by 52:54:00:00:00:01')
  desk.tell({ kind: 'ticked', heartbeat: null }, 4_000)
  expect(desk.orders).toEqual([])
  desk.tell({ kind: 'ticked', heartbeat: null }, 1_100)
  expect(desk.orders).toEqual(['probe'])
})

test('a probe that fails is no "nobody"', () => {
  const desk = lost(standby()).end('probe', 'no raw socket')
  expect(desk.job.note).toContain('the VIP could not be probed: no raw socket')
  expect(desk.job.record.owner).toBe(A)
})

test('the copy becomes incomplete while the VIP is being asked for: no takeover', () => {
  const desk = standby()
  desk.dataSays({ role: 'target', connected: true, copyComplete: true })
  lost(desk).dataSays({ role: 'target', connected: true, copyComplete: false })
  desk.end('probe')
  expect(desk.job.record).toMatchObject({ owner: A, roleSequence: 1, copyComplete: false })
})

test('a leaving owner that said since that it has stopped the job is followed at once', () => {
  const desk = standby()
    .peerSays(peerView(A, {}, stopped))
    .hear({ peerLeaving: true })
  expect(desk.orders).toEqual([])
  expect(desk.logs).toEqual(['info: [HBT] RMHW131 is shutting down'])
  desk.peerSays(peerView(A, {}, { ...stopped, phase: 'online' }))
  expect(desk.orders).toEqual([])
  desk.peerSays(peerView(A, {}, stopped))
  expect(desk.orders).toEqual(['probe'])
})

test('a standby that leaves is no alarm and nothing moves', () => {
  const desk = owner().hear({ peerLeaving: true })
  desk.hear({ peerAlive: false, peerLeaving: true })
  expect(desk.logs.filter((line) => line.startsWith('error'))).toEqual([])
  expect(desk.logs).toContain('info: [HBT] RMHW132 has shut down')
  expect(desk.job.phase).toBe('online')
})

test('one link of three is broken: a line in the log, and nothing else', () => {
  const desk = owner()
  const facts = heartbeat(desk.config, A)
  desk.tell({ kind: 'heartbeatChanged', heartbeat: { ...facts, links: facts.links.map((link, i) => (i === 1 ? { ...link, up: false } : link)) } })
  expect(desk.logs).toEqual(['warning: [HBT] link link-0 (22.22.150.131 <-> 22.22.150.132) is broken'])
  expect(desk.orders).toEqual([])
})

describe('a handover that a dead peer never answered', () => {
  const offered = (): Desk => {
    const desk = owner().peerSays(peerView(B, {}))
    desk.command('switch')
    desk.endAll()
    expect(desk.job.record.handover).toMatchObject({ to: B, roleSequence: 2 })
    return desk
  }
  const answered = (desk: Desk): Desk => {
    const ticket = desk.job.record.handover?.ticket ?? ''
    desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket, asked: 'offer', answer: { is: 'silence', why: 'timeout' } })
    return desk
  }

  const unconfirmed = { version: 2, witness: false, modes: ['DB_Group'], longest: { leaseMs: 0, driftMs: 0 }, heardAtMs: null }
  const unsure = (desk: Desk): Desk => {
    desk.state = { ...desk.state, unconfirmed }
    return desk
  }
  /** The mode was changed while it was handed over, and the peer has said that it goes by that. */
  const changed = (desk: Desk): Desk => {
    desk.state = { ...desk.state, config: withMode('high-performance') }
    return desk
  }

  test('is waited for while it is under way', () => expect(lost(offered()).orders).toEqual([]))
  test('is taken back with the role sequence after it', () => {
    const desk = answered(lost(offered())).end('probe')
    expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { DB_Group: { owner: A, roleSequence: 3, handover: null, needToVerify: 'Yes' } } })
    desk.endAll()
    expect(Object.values(desk.state.tickets).at(-1)).toMatchObject({ state: 'failed', error: { code: 'E_SWITCH_UNDONE' } })
  })
  test('stays open while the VIP is answered', () => {
    const desk = answered(lost(offered())).end('probe', null, '52:54:00:00:00:01')
    expect(desk.job.record).toMatchObject({ roleSequence: 1, handover: { roleSequence: 2 } })
    const why = 'DB_Group need not be forced on RMHW131: RMHW131 takes it back by itself'
    expect(desk.command('forcetake', { dryRun: true })).toMatchObject({ is: 'refused', error: { code: 'E_FORCE_NOT_NEEDED', message: why } })
  })
  test.each([
    ['the mode knows no automatic failover', () => answered(lost(changed(offered()))), 'the mode high-performance knows no automatic failover'],
    ['the peer may go by another mode', () => answered(lost(unsure(offered()))), 'the mode of DB_Group is being changed']
  ])('stays open when %s: it may be served there, and only an administrator forces it', (_why, given, why) => {
    const desk = given()
    expect(desk.orders).toEqual([])
    expect(desk.job.record).toMatchObject({ roleSequence: 1, handover: { roleSequence: 2 } })
    expect(desk.job.note).toBe(`${B} was lost before it said whether it took DB_Group, and ${A} does not take it back: ${desk.job.note?.split(': ')[1]}`)
    expect(desk.job.note).toContain(why)
    expect(desk.command('forcetake', { dryRun: true })).toMatchObject({ is: 'accepted' })
  })
  test('stays open while the peer lives', () => expect(answered(offered()).job.record.handover).not.toBeNull())
  test('a peer that did serve stands down, and an administrator decides', () => {
    const desk = answered(lost(offered())).end('probe').endAll()
    desk.hear().peerSays(peerView(B, { owner: B, roleSequence: 2 }, { phase: 'online' }))
    expect(desk.job.record).toMatchObject({ owner: A, roleSequence: 3, needToVerify: 'Manually' })
  })
})

test('an undone switch does not claim that the peer has all of it: its folder was unmounted', () => {
  const desk = owner().peerSays(peerView(B, {}))
  desk.command('switch')
  desk.endAll()
  const { ticket = '' } = desk.job.record.handover ?? {}
  const error = { code: 'E_HANDOVER_REFUSED', message: 'it is busy', tryThis: '', exitCode: 5 }
  desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket, asked: 'offer', answer: { is: 'refusal', error } })
  expect(desk.actions).toContainEqual(expect.objectContaining({ do: 'order', order: expect.objectContaining({ do: 'source', peerCopyComplete: false }) }))
  expect(desk.job.record).toMatchObject({ owner: A, roleSequence: 1, needToVerify: 'Yes' })
})

test('a job without addresses is taken over by silence alone', () => {
  const desk = lost(standby({}, pairConfig(jobConfig({ vips: [] }))))
  expect(desk.job.record).toMatchObject({ owner: B, roleSequence: 2 })
})

test('the standby believes "complete" only of the role it is in', () => {
  const desk = standby({ copyComplete: false })
  desk.tell({ kind: 'dataStatusChanged', job: 'DB_Group', status: dataStatus({ role: 'target', roleSequence: 7, copyComplete: true }) })
  expect(desk.job.record.copyComplete).toBe(false)
})

test('after a restart a standby whose data program has lost its copy does not take over with it, though the owner was never heard since', () => {
  const desk = standby()
  desk.dataSays({ role: 'target', connected: false, copyComplete: false, copyKnown: true })
  lost(desk)
  expect(desk.job.record).toMatchObject({ owner: A, roleSequence: 1, copyComplete: false })
})
