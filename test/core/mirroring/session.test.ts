import {
  CATCH_UP_BYTES,
  exposedSinceMs,
  exposureOf,
  failoverLsn,
  newSession,
  sourceState,
  stepSession,
  targetState,
  type Exposure,
  type Session,
  type SessionFacts,
  type SessionOrder,
  type SessionStateName
} from '../../../src/core/mirroring/session'

const PARTNER_TIMEOUT_MS = 10_000

/** A session at rest with safety FULL: all is hard on both sides. */
const rest: SessionFacts = {
  atMs: 100_000,
  wallMs: 1_700_000_000_000,
  full: true,
  connected: true,
  problem: null,
  paused: false,
  redoError: null,
  complete: true,
  kept: true,
  unheardMs: 200,
  longestWaitMs: 0,
  partnerTimeoutMs: PARTNER_TIMEOUT_MS,
  lsn: 95,
  sentLsn: 95,
  hardLsn: 95,
  gateClosed: true,
  gateLsn: 90,
  queuedBytes: 0,
  exposedOnDisk: false
}
const off = { full: false, gateClosed: false }
const unavailable = { connected: false, problem: 'Data link link-0 does not connect' }
const redoError = { redoError: 'no space left' }

/** Tables 5 and 6. In the end what serves: may an application go on without the mirror once that is recorded? */
const tables: [story: string, before: Partial<SessionFacts>, after: Partial<SessionFacts>, from: SessionStateName, to: SessionStateName, Exposure][] = [
  ['FULL: synchronization occurs', { hardLsn: 89 }, {}, 'SYNCHRONIZING', 'SYNCHRONIZED', 'protected'],
  ['FULL: the session is paused', {}, { paused: true }, 'SYNCHRONIZED', 'SUSPENDED', 'wanted'],
  ['FULL: redo error on the mirror', {}, redoError, 'SYNCHRONIZED', 'SUSPENDED', 'wanted'],
  ['FULL: the mirror is unavailable', {}, unavailable, 'SYNCHRONIZED', 'DISCONNECTED', 'protected'],
  ['FULL: the mirror stays unavailable', {}, { ...unavailable, unheardMs: PARTNER_TIMEOUT_MS }, 'SYNCHRONIZED', 'DISCONNECTED', 'wanted'],
  ['OFF: synchronization does not change the state', { ...off, hardLsn: 89 }, off, 'SYNCHRONIZING', 'SYNCHRONIZING', 'granted'],
  ['OFF: the session is paused', off, { ...off, paused: true }, 'SYNCHRONIZING', 'SUSPENDED', 'granted'],
  ['OFF: redo error on the mirror', off, { ...off, ...redoError }, 'SYNCHRONIZING', 'SUSPENDED', 'granted'],
  ['OFF: the mirror is unavailable', off, { ...off, ...unavailable }, 'SYNCHRONIZING', 'DISCONNECTED', 'granted']
]

test.each(tables)('tables 5 and 6: %s', (_story, before, after, from, to, exposure) => {
  expect(sourceState({ ...rest, ...before }).state).toBe(from)
  const facts = { ...rest, ...after }
  expect(sourceState(facts).state).toBe(to)
  expect(exposureOf(facts)).toBe(exposure)
  // The other partner says the same, unless it does not hear the principal.
  const said = facts.connected ? sourceState(facts).state : null
  expect(targetState(said, facts.connected, facts.redoError)).toBe(to)
})

test.each<[string, Partial<SessionFacts>, SessionStateName, Exposure]>([
  ['the copy is not complete', { complete: false }, 'SYNCHRONIZING', 'wanted'],
  ['the queue did not suffice', { kept: false }, 'SYNCHRONIZING', 'wanted'],
  ['the mirror is connected and says nothing', { unheardMs: PARTNER_TIMEOUT_MS }, 'DISCONNECTED', 'wanted'],
  ['somebody waits longer than the partner timeout', { longestWaitMs: PARTNER_TIMEOUT_MS }, 'SYNCHRONIZED', 'wanted'],
  ['somebody waits for a moment', { longestWaitMs: PARTNER_TIMEOUT_MS - 1 }, 'SYNCHRONIZED', 'protected'],
  ['it is recorded that the mirror is out of date', { ...unavailable, gateClosed: false }, 'DISCONNECTED', 'granted'],
  ['FULL was switched on with minutes of changes on the way', { hardLsn: 1, queuedBytes: 5 * CATCH_UP_BYTES }, 'SYNCHRONIZING', 'wanted'],
  ['FULL was switched on with little on the way', { hardLsn: 1, queuedBytes: 1 }, 'SYNCHRONIZING', 'protected']
])('%s', (_story, change, state, exposure) => {
  const facts = { ...rest, ...change }
  expect(sourceState(facts).state).toBe(state)
  expect(exposureOf(facts)).toBe(exposure)
})

/** Tables 8 and 9: what happens on A, the principal, and on B, the mirror; and the failover LSN of each behind it. */
test.each<[safety: string, steps: [story: string, sent: number, hardOnB: number, heardByA: number, a: number, b: number][]]>([
  [
    'FULL',
    [
      ['at rest', 10, 10, 10, 10, 10],
      ['A flushes a block and hands it to B; A waits', 12, 10, 10, 12, 10],
      ['B has it on disk', 12, 12, 10, 12, 12],
      ['A hears so; the COMMIT goes the same way', 13, 12, 12, 13, 12],
      ['B has the COMMIT on disk, and A hears so', 13, 13, 13, 13, 13]
    ]
  ],
  [
    'OFF',
    [
      ['at rest', 10, 10, 10, 10, 10],
      ['A flushes a block and hands it to B; the COMMIT is done', 12, 10, 10, 12, 10],
      ['A flushes the next one without waiting', 14, 10, 10, 14, 10],
      ['B has the first one on disk', 14, 12, 12, 14, 12],
      ['B has all of it on disk', 14, 14, 14, 14, 14]
    ]
  ]
])('tables 8 and 9: failover LSN with safety %s', (_safety, steps) => {
  for (const [story, sentLsn, hardOnB, hardLsn, a, b] of steps) {
    expect([story, failoverLsn({ connected: true, sentLsn, hardLsn })]).toEqual([story, a])
    expect([story, failoverLsn({ connected: true, sentLsn: 0, hardLsn: hardOnB })]).toEqual([story, b])
  }
})

test('without its mirror the principal names the point that both have for certain', () => {
  expect(failoverLsn({ connected: false, sentLsn: 14, hardLsn: 12 })).toBe(12)
})

/** A story: facts that change with time, and what is ordered at each. */
function play(steps: [change: Partial<SessionFacts>, orders: SessionOrder[]][], start: Partial<SessionFacts> = {}): { session: Session; facts: SessionFacts } {
  let session = newSession()
  let facts = { ...rest, ...start }
  for (const [change, orders] of steps) {
    facts = { ...facts, ...change }
    const step = stepSession(session, facts)
    expect([change, step.orders]).toEqual([change, orders])
    session = step.session
    for (const order of step.orders) {
      if (order === 'closeGate') facts = { ...facts, gateClosed: true, gateLsn: facts.lsn }
      else facts = { ...facts, exposedOnDisk: order === 'persistExposed' }
    }
  }
  return { session, facts }
}

test('FULL: after a break that was granted the gate closes when the mirror has moved on and nearly has all, and the trace goes when both are equal', () => {
  const { facts } = play([
    [{ ...unavailable, atMs: 1_000 }, []],
    [{ atMs: 11_000, unheardMs: 10_000 }, []],
    [{ gateClosed: false, gateLsn: 95, exposedOnDisk: true }, []],
    [{ lsn: 500, queuedBytes: 40 * CATCH_UP_BYTES }, []],
    [{ connected: true, problem: null, unheardMs: 10 }, []],
    [{ hardLsn: 300, queuedBytes: 2 * CATCH_UP_BYTES }, []],
    [{ hardLsn: 450, queuedBytes: CATCH_UP_BYTES / 2 }, ['closeGate']],
    [{ lsn: 520, hardLsn: 499 }, []],
    [{ hardLsn: 500 }, ['clearExposed']]
  ])
  expect(sourceState(facts).state).toBe('SYNCHRONIZED')
  expect(exposureOf(facts)).toBe('protected')
})

test('FULL: a mirror that hangs does not close the gate again that was opened because of it', () => {
  play([[{ gateClosed: false, gateLsn: 120, lsn: 120, hardLsn: 95, unheardMs: 300 }, []]])
})

test('OFF: a short break leaves no trace, a longer one with writes does, until the mirror has caught up', () => {
  const story: Parameters<typeof play>[0] = [
    [{ ...unavailable, atMs: 1_000, lsn: 96 }, []],
    [{ atMs: 1_900 }, []],
    [{ atMs: 2_100 }, ['persistExposed']],
    [{ connected: true, problem: null, lsn: 200 }, []],
    [{ hardLsn: 199 }, []],
    [{ hardLsn: 200, lsn: 260 }, ['clearExposed']]
  ]
  play(story, off)
  play(
    [
      [{ ...unavailable, atMs: 1_000 }, []],
      [{ atMs: 60_000 }, []]
    ],
    off
  )
})

test('exposed since: from the moment the mirror receives nothing, while applications are served', () => {
  const { session, facts } = play([
    [{ ...unavailable, wallMs: 5_000 }, []],
    [{ wallMs: 9_000 }, []]
  ])
  expect(exposedSinceMs(session, facts)).toBeNull()
  expect(exposedSinceMs(session, { ...facts, gateClosed: false })).toBe(5_000)
  expect(exposedSinceMs(session, { ...facts, ...off })).toBe(5_000)
})

test('table 3: both partners at rest show the same', () => {
  expect(sourceState(rest)).toEqual({ state: 'SYNCHRONIZED', why: null })
  expect(targetState('SYNCHRONIZED', true, null)).toBe('SYNCHRONIZED')
  expect(failoverLsn(rest)).toBe(failoverLsn({ connected: true, sentLsn: 0, hardLsn: rest.hardLsn }))
})
