import type { VipPath } from '../../src/wire'
import { B, JOB, pairConfig } from '../fakes/pairConfig'
import { type Desk, owner, peerView, standby, withMode } from './desk'

const VIP = 'IP-DB_Group'
const PATIENCE_MS = 2_000

function seen(desk: Desk, path: VipPath, forMs = PATIENCE_MS): Desk {
  desk.tell({ kind: 'vipPathsSeen', job: JOB, paths: { [VIP]: path } })
  desk.tell({ kind: 'ticked', heartbeat: null }, forMs)
  return desk
}

test('the card of the active node loses its link: the job goes to the other node, and no error flag stays', () => {
  const desk = seen(owner(), 'lost')
  expect(desk.job).toMatchObject({ phase: 'switching', plan: { kind: 'switch' } })
  desk.endAll()
  expect(desk.actions).toContainEqual(expect.objectContaining({ do: 'sendHandover', start: true }))
  expect(desk.job.pendingFlag).toBeNull()
})

test('a moment without a link moves nothing', () => {
  const desk = seen(owner(), 'lost', PATIENCE_MS - 1)
  expect(seen(desk, 'ok', 60_000).job).toMatchObject({ phase: 'online', plan: null, note: null })
})

test('another card of the group has a link: the address goes there, the applications stay as they are', () => {
  const desk = seen(owner(), 'other')
  expect(desk.orders).toEqual(['drop'])
  expect(desk.end('drop').orders).toEqual(['raise'])
  desk.end('raise')
  expect(desk.job).toMatchObject({ phase: 'online', vips: { [VIP]: 'up' }, restarts: [] })
  seen(desk, 'ok')
  expect(desk.job.plan).toBeNull()
})

test('it goes there once, however late it is seen there; and when that card has lost its link as well, the job goes', () => {
  const desk = seen(owner(), 'other')
  desk.endAll()
  desk.tell({ kind: 'ticked', heartbeat: null }, 10_000)
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
  desk.hear().peerSays(peerView(B, {}))
  expect(seen(desk, 'lost').job).toMatchObject({ phase: 'switching', plan: { kind: 'switch' } })
})

test('where it did not help it is tried again', () => {
  const desk = seen(owner(), 'other')
  desk.endAll()
  desk.tell({ kind: 'ticked', heartbeat: null }, 20_000)
  expect(desk.orders).toEqual(['drop'])
})

test('the standby only says so', () => {
  const desk = seen(standby(), 'lost', 60_000)
  expect(desk.orders).toEqual([])
  expect(desk.job.phase).toBe('standby')
  expect(desk.state.jobs[JOB]?.paths).toEqual({ [VIP]: 'lost' })
})

test.each<[why: string, lose: (desk: Desk) => void, note: string]>([
  ['the other node has no link either', (desk) => desk.peerSays(withoutLink()), 'has none either'],
  ['the other node is lost', (desk) => desk.hear({ peerAlive: false }), 'cannot take'],
  ['the other node keeps an error flag', (desk) => desk.peerSays(peerView(B, { errorFlag: 'x' })), 'cannot take']
])('the job stays where it is when %s, and the note says so', (_why, lose, note) => {
  const desk = owner()
  lose(desk)
  seen(desk, 'lost')
  expect(desk.job).toMatchObject({ phase: 'online', plan: null })
  expect(desk.job.note).toContain(note)
  expect(seen(desk, 'ok').job.note).toBeNull()
})

function withoutLink() {
  const view = peerView(B, {})
  const job = view.jobs[JOB]!
  return { ...view, jobs: { [JOB]: { ...job, vips: job.vips.map((vip) => ({ ...vip, path: 'lost' as const })) } } }
}

test('a mode without automatic failover moves nothing', () => {
  const desk = owner(withMode('high-performance'))
  expect(seen(desk, 'lost').job.note).toContain('knows no automatic failover')
  expect(pairConfig().jobs[JOB]?.mode).toBe('guide')
})
