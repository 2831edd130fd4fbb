import type { Action } from '../../src/core'
import type { JobRecord } from '../../src/model'
import type { TakeoverView } from '../../src/wire'
import { A, B, jobConfig, pairConfig, quorumConfig } from '../fakes/pairConfig'
import { Desk, owner, peerView, record, standby } from './desk'

/** A desk that keeps what its node would. */
function kept(desk: Desk): TakeoverView[] {
  const entries: TakeoverView[] = []
  const tell = desk.tell.bind(desk)
  desk.tell = (happening, passedMs) => {
    const actions = tell(happening, passedMs)
    entries.push(...actions.flatMap((action: Action) => (action.do === 'history' ? [action.entry] : [])))
    return actions
  }
  return entries
}

const lost = (desk: Desk): Desk => desk.hear({ peerAlive: false })

test('a failover: what this node saw, with ages and timers, and the outage from the last sign of life to the last start', () => {
  const desk = standby()
  const entries = kept(desk)
  desk.tell({ kind: 'ticked', heartbeat: null }, 3_000)
  lost(desk).end('probe')
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ node: B, part: 'takes', roleSequence: 2, from: A, to: B, takeReason: 'failover', command: null, account: null, end: null })
  expect(entries[0]).toMatchObject({ before: { roleSequence: 1, safety: 'off', mirrorInSync: true }, peer: { phase: 'online' }, timers: { leaseMs: null } })
  expect(entries[0]?.links).toEqual(['service', 'link-0', 'link-1'].map((name) => ({ name, up: false, ageMs: 0 })))
  expect(entries[0]?.checks).toContainEqual(expect.objectContaining({ check: 'owner gone', met: true }))
  expect(entries[0]?.checks.every(({ met }) => met)).toBe(true)
  desk.endAll()
  expect(entries).toHaveLength(2)
  expect(entries[1]).toMatchObject({ roleSequence: 2, atMs: entries[0]?.atMs, end: { outcome: 'online', outageMs: expect.any(Number) } })
})

test('a takeover ends when the old owner is equal again: what the comparison found is the measure of what it had and this one lacked', () => {
  const desk = standby()
  const entries = kept(desk)
  lost(desk).end('probe')
  desk.endAll()
  expect(entries.at(-1)).toMatchObject({ end: { outcome: 'online' } })
  const verify = { state: 'Idle', mode: 'difference', percent: 100, leftBytes: 0, leftMs: null, differences: 3 } as const
  const source = { role: 'source', roleSequence: 2, needToVerify: 'No', verify } as const
  desk.dataSays({ ...source, connected: false })
  desk.hear().peerSays(peerView(B === desk.node ? A : B, { owner: B, roleSequence: 2 }, { phase: 'standby' }))
  expect(entries).toHaveLength(2)
  desk.dataSays({ ...source, connected: true })
  expect(entries).toHaveLength(3)
  expect(entries[2]).toMatchObject({
    roleSequence: 2,
    atMs: entries[0]?.atMs,
    end: { outcome: 'online' },
    returned: { compared: 'difference', differences: 3 }
  })
  desk.dataSays({ ...source, connected: true, sentBytes: 7 })
  expect(entries).toHaveLength(3)
})

test('an owner that leaves in order is out of service from when it says so, not from its last sign of life', () => {
  const desk = standby().hear({ peerLeaving: true })
  const entries = kept(desk)
  desk.peerSays(peerView(A, {}, { phase: 'stopping' }))
  desk.tell({ kind: 'ticked', heartbeat: null }, 700)
  desk.peerSays(peerView(A, {}, { phase: 'offline', vips: [], applications: [], data: null }))
  desk.end('probe')
  desk.endAll()
  expect(entries.at(-1)?.end?.outageMs).toBeGreaterThanOrEqual(700)
  expect(entries.at(-1)?.end?.outageMs).toBeLessThan(1_500)
})

test('a switch: the old owner keeps who typed it and why, and how long nobody served', () => {
  const desk = owner().peerSays(peerView(B, {}))
  const entries = kept(desk)
  desk.tell({ kind: 'commandGiven', request: 9, job: 'DB_Group', command: 'switch', options: {}, dryRun: false, account: 'kim', reason: 'new disk' })
  expect(entries).toMatchObject([{ part: 'gives', roleSequence: 2, from: A, to: B, command: 'switch', account: 'kim', reason: 'new disk', end: null }])
  desk.endAll()
  const { ticket = '' } = desk.job.record.handover ?? {}
  const taken = record({ owner: B, roleSequence: 2 })
  desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket, asked: 'offer', answer: { is: 'record', record: taken } })
  desk.tell({ kind: 'ticked', heartbeat: null }, 900)
  desk.peerSays(peerView(B, { owner: B, roleSequence: 2 }, { phase: 'online' }))
  expect(entries).toHaveLength(2)
  expect(entries[1]).toMatchObject({ command: 'switch', end: { outcome: 'online' } })
  expect(entries[1]?.end?.outageMs).toBeGreaterThanOrEqual(900)
})

test('a switch that is overtaken by a bringout on the new owner has not succeeded', () => {
  const desk = owner().peerSays(peerView(B, {}))
  desk.command('switch')
  desk.endAll()
  const { ticket = '' } = desk.job.record.handover ?? {}
  const taken = record({ owner: B, roleSequence: 2 })
  desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket, asked: 'offer', answer: { is: 'record', record: taken } })
  desk.peerSays(peerView(B, { owner: B, roleSequence: 2, desired: 'offline' }, { phase: 'offline' }))
  const why = 'RMHW132 took DB_Group but does not run it: it was brought out meanwhile'
  expect(desk.state.tickets[ticket]).toMatchObject({ state: 'failed', error: { code: 'E_SWITCH_FAILED_THERE', message: why } })
})

test('a switch that is refused there has failed, and the next one is one of its own', () => {
  const desk = owner().peerSays(peerView(B, {}))
  const entries = kept(desk)
  desk.command('switch')
  desk.endAll()
  const { ticket = '' } = desk.job.record.handover ?? {}
  const error = { code: 'E_HANDOVER_REFUSED', message: 'it is busy', tryThis: '', exitCode: 5 }
  desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket, asked: 'offer', answer: { is: 'refusal', error } })
  expect(entries.map(({ end }) => end?.outcome ?? 'begins')).toEqual(['begins', 'failed'])
  expect(desk.job.takeover).toBeNull()
})

test('the new owner of a handover keeps its part; a job that is offline ends offline', () => {
  const desk = standby({ desired: 'offline' })
  const entries = kept(desk)
  const offered = record({ owner: B, roleSequence: 2, desired: 'offline' })
  desk.offer(offered, 'RMHW131-1', false)
  expect(entries.map(({ part, takeReason, end }) => [part, takeReason, end?.outcome ?? 'begins'])).toEqual([
    ['takes', 'manual', 'begins'],
    ['takes', 'manual', 'offline']
  ])
})

test('who takes what is handed over went by the conditions of that, and by no vote that it did not need', () => {
  const desk = standby()
  const entries = kept(desk)
  desk.offer(record({ owner: B, roleSequence: 2 }), 'RMHW131-1')
  const checks = entries[0]?.checks ?? []
  expect(checks.map(({ check }) => check)).toContain('role sequence there')
  expect(checks.filter(({ met }) => !met)).toEqual([])
})

const HANDED: [story: string, offered: Partial<JobRecord>, loss: object][] = [
  ['drained', { needToVerify: 'No' }, { none: true, bound: 'RMHW131 had stopped DB_Group and drained its queue: nothing is missing' }],
  [
    'not drained',
    { needToVerify: 'Yes' },
    { none: false, bound: expect.stringMatching(/^RMHW131 has stopped DB_Group and could not drain its queue: the last writes may be missing/) }
  ],
  [
    'the right data',
    { needToVerify: 'Yes', selectedSequence: 2 },
    { none: false, bound: 'the data of RMHW132 was declared right: what RMHW131 had of its own is given up' }
  ]
]

test.each(HANDED)('a job that is handed over by itself: who gave it knows what is missing (%s)', (_story, offered, loss) => {
  // What was heard last is from before it stopped.
  const desk = standby()
  const entries = kept(desk)
  const given = record({ owner: B, roleSequence: 2, takeReason: 'failover', ...offered })
  desk.offer(given, 'RMHW131-1')
  desk.endAll()
  expect(entries.at(-1)).toMatchObject({ part: 'takes', takeReason: 'failover', loss, end: { outcome: 'online' } })
  expect(desk.job.taken).toBeNull()
})

test('a forced start keeps who typed it, the votes that there were, and what may be missing', () => {
  const desk = lost(new Desk(B, quorumConfig('high-availability')).boot(record({ safety: 'full', mirrorInSync: false })).hear())
  desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
  const entries = kept(desk)
  const shown = desk.command('forcetake', { dryRun: true })
  const { state = '' } = (shown.is === 'accepted' && (shown.result as { danger?: { state: string } }).danger) || {}
  expect(entries).toEqual([])
  desk.command('forcetake', { confirm: state })
  desk.end('probe').endAll()
  expect(entries[0]).toMatchObject({ part: 'takes', command: 'forcetake', account: 'root', takeReason: 'forced', timers: { leaseMs: 6_000 } })
  expect(entries[0]?.votes).toEqual([
    { voter: A, ageMs: null, leasedTo: null, roleSequence: null },
    { voter: 'witness', ageMs: null, leasedTo: null, roleSequence: null }
  ])
  expect(entries.at(-1)?.end).toMatchObject({ outcome: 'online' })
})

test('an owner that is forced keeps why it could not serve as it was', () => {
  const desk = new Desk(A).boot(record()).hear({ peerAlive: false })
  desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
  const entries = kept(desk)
  const shown = desk.command('forcetake', { dryRun: true })
  const { state = '' } = (shown.is === 'accepted' && (shown.result as { danger?: { state: string } }).danger) || {}
  desk.command('forcetake', { confirm: state })
  desk.end('probe')
  expect(entries[0]?.checks.filter(({ met }) => !met).map(({ check }) => check)).toEqual(['RMHW132 has spoken'])
})

test('a start that fails after a takeover has failed', () => {
  const desk = standby({}, pairConfig(jobConfig({ vips: [] })))
  const entries = kept(desk)
  lost(desk)
  for (let i = 0; i < 20 && desk.job.phase !== 'error'; i++) {
    const order = desk.job.plan?.pending[0]?.order.do
    if (order === undefined) desk.tell({ kind: 'ticked', heartbeat: null }, 6_000)
    else desk.end(order, order === 'source' ? 'the folder is gone' : null)
  }
  expect(entries.at(-1)).toMatchObject({ roleSequence: 2, end: { outcome: 'failed', outageMs: null } })
})
