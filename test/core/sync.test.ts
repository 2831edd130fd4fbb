import type { JobRecord } from '../../src/model'
import type { MirrordStatus } from '../../src/wire'
import { lossOf } from '../../src/core/loss'
import { STATUS_DEFAULTS } from '../fakes/dataDefaults'
import { A, B, JOB, withSafety } from '../fakes/pairConfig'
import { dataStatus, Desk, owner, peerView, record, standby } from './desk'

const FULL = { safety: 'full' } as const
const session = (change: object) => ({ ...STATUS_DEFAULTS.session, ...FULL, safetySequence: 1, exposure: 'protected' as const, ...change })
const does = (desk: Desk): string[] => desk.actions.map((action) => action.do).filter((what) => what !== 'sendState' && what !== 'look')

/** Safety FULL, online, in sync on both nodes. */
function inSync(): Desk {
  const desk = owner(withSafety('full')).peerSays(peerView(B, FULL))
  expect(desk.job.record).toMatchObject({ mirrorInSync: true, syncSequence: 1 })
  return desk.dataSays({ role: 'source', connected: true, session: session({ state: 'SYNCHRONIZED' }) })
}
const waits = (desk: Desk): Desk => desk.dataSays({ role: 'source', connected: false, session: session({ state: 'DISCONNECTED', exposure: 'wanted' }) })
const answers = (desk: Desk, theirs: Partial<JobRecord>): Desk => {
  const answer = { is: 'record', record: record({ ...FULL, ...theirs }) } as const
  desk.tell({ kind: 'outOfSyncAnswered', job: JOB, roleSequence: 1, syncSequence: 2, answer })
  return desk
}

test('the peer is asked first, then it is on the own disk, then applications go on', () => {
  const desk = waits(inSync())
  expect(does(desk)).toEqual(['sendOutOfSync'])
  expect(desk.actions).toContainEqual({ do: 'sendOutOfSync', job: JOB, roleSequence: 1, syncSequence: 2 })
  answers(desk, { mirrorInSync: false, syncSequence: 2 })
  expect(does(desk)).toEqual(['persist', 'log', 'expose'])
  expect(desk.job.record).toMatchObject({ mirrorInSync: false, syncSequence: 2 })
})

test('a mirror whose machine has said that it shuts down is not waited for: applications go on as soon as its data has gone', () => {
  const gone = { role: 'source', connected: false, session: session({ state: 'DISCONNECTED' }) } as const
  expect(does(inSync().dataSays(gone))).toEqual([])
  const desk = inSync().hear({ peerLeaving: true })
  expect(does(desk)).not.toContain('sendOutOfSync')
  expect(does(desk.dataSays(gone))).toEqual(['sendOutOfSync'])
  answers(desk, { mirrorInSync: false, syncSequence: 2 })
  expect(does(desk)).toEqual(['persist', 'log', 'expose'])
})

/** What a peer may answer that has not recorded it. */
const NOT_RECORDED: [story: string, theirs: Partial<JobRecord>][] = [
  ['it owns the job by now', { roleSequence: 2, owner: B, mirrorInSync: false, syncSequence: 2 }],
  ['it has not heard of this role sequence', { roleSequence: 0, mirrorInSync: false, syncSequence: 9 }],
  ['it has a newer word', { mirrorInSync: true, syncSequence: 3 }]
]
test.each(NOT_RECORDED)('nothing is exposed when %s', (_story, theirs) => {
  const desk = answers(waits(inSync()), theirs)
  expect(does(desk)).not.toContain('expose')
})

test('a peer that lives and does not answer is asked again each second, and nothing is exposed', () => {
  const desk = waits(inSync())
  for (let round = 0; round < 5; round++) {
    desk.tell({ kind: 'outOfSyncAnswered', job: JOB, roleSequence: 1, syncSequence: 2, answer: { is: 'silence', why: 'timeout' } })
    expect(does(desk)).toEqual([])
    desk.tell({ kind: 'ticked', heartbeat: null }, 1_000)
    expect(does(desk)).toEqual(['sendOutOfSync'])
  }
  expect(desk.job.record.mirrorInSync).toBe(true)
})

test('a peer that is dead by its heartbeats is not asked; the log names the risk', () => {
  const desk = waits(inSync().hear({ peerAlive: false }))
  expect(does(desk)).toEqual(['persist', 'log', 'expose'])
  expect(desk.logs[0]).toContain('if RMHW132 lives it may take over without them')
})

test('what was recorded alone is said to a peer that came back before it goes on counting', () => {
  const desk = waits(inSync().hear({ peerAlive: false }))
  desk.tell({ kind: 'exposeEnded', job: JOB, roleSequence: 1, outcome: { ok: false, error: { code: 'E', message: 'it ended', tryThis: '', exitCode: 1 } } })
  desk.hear()
  desk.tell({ kind: 'ticked', heartbeat: null }, 1_000)
  expect(desk.actions).toContainEqual({ do: 'sendOutOfSync', job: JOB, roleSequence: 1, syncSequence: 2 })
  expect(does(desk)).not.toContain('expose')
})

test('applications that wait while others start are let go on: no plan is needed for it, and none is dropped', () => {
  const desk = new Desk(A, withSafety('full')).boot(record({ ...FULL, desired: 'offline' })).hear()
  desk.peerSays(peerView(B, { ...FULL, desired: 'offline' }))
  desk.command('bringin')
  desk.end('source')
  waits(desk)
  answers(desk, { mirrorInSync: false, syncSequence: 2 })
  expect(does(desk)).toContain('expose')
  expect(desk.job.plan).toMatchObject({ kind: 'start' })
})

describe('the mirror', () => {
  const asked = (desk: Desk, syncSequence: number): JobRecord => {
    desk.tell({ kind: 'outOfSyncReceived', request: 9, job: JOB, roleSequence: 1, syncSequence })
    const reply = desk.actions.find((action) => action.do === 'reply')
    if (reply?.do !== 'reply' || !reply.outcome.ok) throw new Error('it did not answer')
    return reply.outcome.result as JobRecord
  }

  test('has it on disk before it answers, and does not take over any more', () => {
    const desk = standby(FULL, withSafety('full'))
    expect(asked(desk, 2)).toMatchObject({ mirrorInSync: false, syncSequence: 2 })
    expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { [JOB]: { mirrorInSync: false } } })
    desk.hear({ peerAlive: false })
    expect(desk.orders).toEqual([])
    expect(desk.job.note).toContain('is not in sync: RMHW131 acknowledged writes without it')
  })

  test('a takeover that has begun to ask for the address ends when it is told meanwhile', () => {
    const desk = standby(FULL, withSafety('full')).hear({ peerAlive: false })
    expect(desk.orders).toEqual(['probe'])
    asked(desk, 2)
    desk.end('probe')
    expect(desk.job.record.owner).toBe(A)
  })

  test('a question that comes late, after it was made equal again, changes nothing', () => {
    const desk = standby({ ...FULL, syncSequence: 3 }, withSafety('full'))
    expect(asked(desk, 2)).toMatchObject({ mirrorInSync: true, syncSequence: 3 })
  })

  test('a state that comes late, from before it was told, does not make it in sync', () => {
    const desk = standby(FULL, withSafety('full'))
    asked(desk, 2)
    desk.peerSays(peerView(A, { ...FULL, mirrorInSync: true, syncSequence: 1 }, { phase: 'online' }))
    expect(desk.job.record).toMatchObject({ mirrorInSync: false, syncSequence: 2 })
    desk.peerSays(peerView(A, { ...FULL, mirrorInSync: true, syncSequence: 3 }, { phase: 'online' }))
    expect(desk.job.record).toMatchObject({ mirrorInSync: true, syncSequence: 3 })
  })

  test('an owner that died before it wrote down what the mirror had recorded learns it from the mirror', () => {
    const desk = owner(withSafety('full'))
    desk.peerSays(peerView(B, { ...FULL, mirrorInSync: false, syncSequence: 2 }))
    expect(desk.job.record).toMatchObject({ mirrorInSync: false, syncSequence: 2 })
  })

  test('knows the safety that its data program heard from the source, also when the owner died before it said so', () => {
    const desk = standby()
    desk.tell({ kind: 'dataStatusChanged', job: JOB, status: dataStatus({ role: 'target', roleSequence: 1, session: session({ safetySequence: 4 }) }) })
    expect(desk.job.record).toMatchObject({ safety: 'full', safetySequence: 4 })
  })
})

/** Safety, in sync, what the owner said last → what the log says a takeover may lose. */
const LOSSES: [story: string, change: Partial<JobRecord>, ahead: number, says: string][] = [
  [
    'safety FULL, and no voter that knows more',
    FULL,
    0,
    'in sync when RMHW131 was heard last (0 s ago): nothing of before is missing; what RMHW131 has acknowledged since'
  ],
  ['safety OFF, all had arrived', {}, 0, 'the last writes may be missing: RMHW131 was heard 0 s ago, then all had arrived'],
  ['safety OFF, the queue was long', {}, 12, 'then 12 changes (LSN 100 here, 112 there), 4.0 KiB, in at most 12 files, had not arrived']
]
test.each(LOSSES)('the log says what a takeover may lose: %s', (_story, change, ahead, says) => {
  const desk = standby(change)
  desk.tell({ kind: 'dataStatusChanged', job: JOB, status: dataStatus({ role: 'target', roleSequence: 1, connected: true, lsn: 100 }) })
  desk.peerSays(peerView(A, change, { phase: 'online', data: dataStatus({ role: 'source', lsn: 100 + ahead, queuedBytes: ahead && 4096 }) }))
  desk.hear({ peerAlive: false }).end('probe')
  expect(desk.logs.join('\n')).toContain(says)
})

/** What the owner said of its data last → bytes that may be missing, and the words for it. */
const MARKED: [story: string, theirs: Partial<MirrordStatus>, bytes: number | null, says: string][] = [
  [
    'connected: what is marked had arrived long ago',
    { connected: true, queuedBytes: 4096, dirtyBytes: 1024 ** 2 },
    4096,
    'in at most 2 files, had not arrived'
  ],
  ['apart, the queue holds it all', { connected: false, queuedBytes: 4096, dirtyBytes: 2048 }, 4096, '2.0 KiB were marked there as changed'],
  ['apart, the queue was given up', { connected: false, queuedBytes: 0, dirtyBytes: 1024 ** 2 }, 1024 ** 2, '1.0 MiB were marked there as changed'],
  ['apart, and the map was lost', { connected: false, queuedBytes: 4096, dirtyBytes: null }, null, 'all of it may differ']
]
test.each(MARKED)('what the owner had marked as changed: %s', (_story, theirs, bytes, says) => {
  const desk = standby()
  desk.tell({ kind: 'dataStatusChanged', job: JOB, status: dataStatus({ role: 'target', roleSequence: 1, lsn: 100 }) })
  desk.peerSays(peerView(A, {}, { phase: 'online', data: dataStatus({ role: 'source', lsn: 102, ...theirs }) }))
  const loss = lossOf(desk.state, desk.job)
  expect(loss).toMatchObject({ none: false, files: null, bytes, changes: 2 })
  expect(loss?.bound).toContain(says)
})

test('whoever follows a takeover sees how much of the redo log is left', () => {
  const desk = standby().hear({ peerAlive: false }).end('probe')
  const status = (redoQueueBytes: number) => dataStatus({ role: 'target', roleSequence: 1, redoQueueBytes })
  desk.tell({ kind: 'dataStatusChanged', job: JOB, status: status(512 * 1024 ** 2) })
  desk.tell({ kind: 'dataStatusChanged', job: JOB, status: status(500 * 1024 ** 2) }, 200)
  desk.tell({ kind: 'dataStatusChanged', job: JOB, status: status(64 * 1024 ** 2) }, 5_000)
  const steps =
    Object.values(desk.state.tickets)
      .at(-1)
      ?.steps.map(({ text }) => text) ?? []
  expect(steps.filter((text) => text.startsWith('Apply'))).toEqual(['Apply the redo log: 512.0 MiB left', 'Apply the redo log: 64.0 MiB left'])
})
