import { A, B, pairConfig, jobConfig } from '../fakes/pairConfig'
import { nodeView } from '../../src/core'
import { explain } from '../../src/core/explain'
import { DETACH_LIMIT_MS, RETRY_MS } from '../../src/core/state'
import { formatOf } from '../../src/wire/keptState'
import { type Answer, dataStatus, type Desk, owner, peerView, record, standby, withoutData } from './desk'

const codeOf = (answer: Answer): string => (answer.is === 'refused' ? answer.error.code : answer.is)
const TICK = { kind: 'ticked', heartbeat: null } as const

/** The owner, detached, and the other node has recorded it. */
function detached(options: { stopData?: boolean; forMs?: number } = {}, desk: Desk = owner()): Desk {
  desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
  desk.command('detach', options)
  return heard(desk)
}

/** The other node says that it holds what this one holds. */
function heard(desk: Desk): Desk {
  const { detached: word = null, detachSequence = 0 } = desk.job.record
  desk.peerSays(peerView(B, { desired: 'online', detached: word, detachSequence }, { config: desk.config }))
  return desk.job.plan === null ? desk : desk.endAll()
}

test('it is on both disks before it is told; who, since when and for how long is kept with it', () => {
  const desk = owner()
  desk.peerSays(peerView(B, {}))
  desk.command('detach', { forMs: 60_000 })
  expect(desk.state.tickets[desk.job.ticket!]).toMatchObject({ state: 'running' })
  expect(heard(desk).state.tickets[desk.job.ticket!]).toMatchObject({ state: 'done', purpose: 'detach' })
  const { sinceMs, untilMs } = desk.job.record.detached!
  expect(desk.job.record).toMatchObject({ detachSequence: 1, detached: { by: 'root', reason: null, stopData: false } })
  expect(untilMs! - sinceMs).toBe(60_000)
  expect(formatOf({ DB_Group: desk.job.record })).toBe(3)
})

test.each([2 * 3_600_000, -2 * 3_600_000])('a wall clock that is set by %d ms meanwhile makes its time neither shorter nor longer', (setMs) => {
  const desk = detached({ forMs: 60_000 })
  desk.tell(TICK, 1_000)
  desk.wallOffMs = setMs
  desk.tell(TICK, 50_000)
  expect(desk.job.plan).toBeNull()
  desk.tell(TICK, 10_000)
  expect(desk.job.plan?.kind).toBe('attach')
})

test('detached anew in another way before the first word was heard: in vain, it is watched as before both', () => {
  const desk = owner()
  desk.peerSays(peerView(B, { desired: 'online', detached: null }, { config: desk.config }))
  desk.command('detach', { stopData: true })
  // What ended meanwhile (the quorum was lost, the engine restarted) has ended the ticket, and not the wish.
  desk.job.ticket = null
  desk.command('detach')
  expect(desk.job.record.detached).toMatchObject({ stopData: false })
  desk.tell(TICK, DETACH_LIMIT_MS)
  expect(desk.job.record).toMatchObject({ detached: null, detachUnheard: null })
})

test('another word of the same number, said there while the two did not hear each other, is no record of it', () => {
  const desk = owner()
  desk.peerSays(peerView(B, {}))
  desk.command('detach')
  desk.peerSays(peerView(B, { desired: 'online', detached: null, detachSequence: 1 }, { config: desk.config }))
  expect(desk.state.tickets[desk.job.ticket!]).toMatchObject({ state: 'running' })
  expect(heard(desk).state.tickets[desk.job.ticket!]).toMatchObject({ state: 'done' })
})

test('watched again, and its data program does not take the word to send: it is told again, and not without pause', () => {
  const desk = detached({ stopData: true })
  const status = dataStatus({ role: 'source', connected: true, replication: 'Pause', roleSequence: 1 })
  desk.dataSays(status)
  desk.command('bringin')
  const { vips, applications } = desk.job
  const found = { held: Object.keys(vips), running: Object.keys(applications), data: { ran: true, status } }
  desk.end('observe', null, found)
  desk.end('transmit', 'the data program does not answer')
  // The engine looks again after a while, finds all as it was, and says it once more.
  while (desk.job.plan === null) desk.tell(TICK, 500)
  if (!desk.job.observed) desk.end('observe', null, found)
  desk.dataSays(status)
  desk.end('transmit', 'the data program does not answer')
  expect(desk.orders).toEqual([])
  desk.tell(TICK, RETRY_MS)
  expect(desk.orders).toEqual(['transmit'])
  expect(desk.job.record.dataHeld).toBe(true)
})

/** What is typed on a job that is detached. */
const COMMANDS: [command: Parameters<Desk['command']>[0], kept: string, stopped: string, lost: string][] = [
  ['switch', 'E_JOB_DETACHED', 'E_JOB_DETACHED', 'E_JOB_DETACHED'],
  ['takeover', 'E_JOB_DETACHED', 'E_JOB_DETACHED', 'E_JOB_DETACHED'],
  ['mirror', 'accepted', 'E_DATA_STOPPED', 'E_DATA_LOST'],
  ['verify', 'accepted', 'E_DATA_STOPPED', 'E_DATA_LOST'],
  ['transmit', 'accepted', 'E_DATA_STOPPED', 'E_DATA_LOST'],
  ['bandwidth', 'accepted', 'E_DATA_STOPPED', 'E_DATA_LOST'],
  ['safety', 'accepted', 'E_DATA_STOPPED', 'E_DATA_LOST'],
  ['bringout', 'accepted', 'accepted', 'accepted'],
  ['bringin', 'accepted', 'accepted', 'accepted'],
  ['detach', 'accepted', 'accepted', 'accepted'],
  ['clearerr', 'accepted', 'accepted', 'accepted']
]
test.each(COMMANDS)('%s of a detached job', (command, kept, stopped, lost) => {
  const options = command === 'safety' ? { safety: 'full' as const } : {}
  expect(codeOf(detached().command(command, { ...options, dryRun: true }))).toBe(kept)
  expect(codeOf(detached({ stopData: true }).command(command, { ...options, dryRun: true }))).toBe(stopped)
  const desk = detached()
  desk.tell({ kind: 'dataLost', job: 'DB_Group', why: 'its program died' })
  expect(codeOf(desk.command(command, { ...options, dryRun: true }))).toBe(lost)
})

test.each([
  ['offline', () => new DeskOffline().desk, 'E_JOB_NOT_ONLINE'],
  ['without data, and its data is to stop', () => owner(withoutData()), 'E_JOB_NO_DATA']
])('it is refused: the job is %s', (_story, desk, code) => {
  const one = desk()
  one.peerSays(peerView(B, { desired: one.job.record.desired }, { config: one.config }))
  expect(codeOf(one.command('detach', { stopData: true }))).toBe(code)
})

class DeskOffline {
  readonly desk = owner()
  constructor() {
    this.desk.command('bringout')
    this.desk.endAll()
  }
}

test('a fault of the data program waits until it is watched again', () => {
  const desk = detached()
  desk.tell({ kind: 'dataLost', job: 'DB_Group', why: 'its program died' })
  expect(desk.orders).toEqual([])
  desk.tell(TICK, 5_000)
  expect(desk.job.plan).toBeNull()
})

test('a safety that waits for the other node ends when the data program dies, with the reason; the job can be brought in', () => {
  const desk = detached()
  desk.dataSays({ role: 'source', connected: true })
  desk.peerSays(peerView(B, desk.job.record, { config: desk.config }))
  desk.command('safety', { safety: 'full' })
  desk.endAll()
  desk.command('safety', { safety: 'off' })
  const { ticket } = desk.job
  expect(desk.state.tickets[ticket!]).toMatchObject({ purpose: 'safety', state: 'running' })
  desk.tell({ kind: 'dataLost', job: 'DB_Group', why: 'its program died' })
  expect(desk.state.tickets[ticket!]).toMatchObject({ state: 'failed', error: { code: 'E_DATA_LOST' } })
  expect(codeOf(desk.command('bringin'))).toBe('accepted')
})

test('the words are the same in the problems of both nodes and in the checks of a takeover', () => {
  const untilMs = 1_569_252_366_000 + 7_200_000
  const word = { sinceMs: 1_569_252_366_000 - 7_200_000, by: 'kim', reason: 'patch 15.4', untilMs, stopData: true }
  const desk = standby({ detached: word, detachSequence: 1 }).hear({ peerAlive: false })
  const [failover] = explain(desk.state, desk.job)
  expect(failover?.checks.find(({ check }) => check === 'watched')).toMatchObject({
    met: false,
    value: 'detached for 2.0 h, 2.0 h left, replication stopped (by kim: patch 15.4)',
    why: 'it is detached (by kim: patch 15.4); bringin DB_Group watches it again'
  })
  expect(desk.job.note).toContain(`${B} cannot take over: it is detached (by kim: patch 15.4)`)
})

test.each([
  ['the other node is up and does not speak', { peerAlive: true }, 'E_DETACH_UNHEARD'],
  ['the other node is lost', { peerAlive: false }, 'accepted']
])('%s', (_story, facts, code) => {
  const desk = owner()
  desk.hear(facts)
  desk.tell(TICK, 6_000)
  expect(codeOf(desk.command('detach'))).toBe(code)
})

test('the newer word counts, whoever says it; of two equal ones that of the owner', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: false }
  const desk = standby({ detached: word, detachSequence: 3 })
  desk.peerSays(peerView(A, { detached: null, detachSequence: 2 }, { phase: 'online' }))
  expect(desk.job.record.detached).toEqual(word)
  desk.peerSays(peerView(A, { detached: { ...word, by: 'lee' }, detachSequence: 3 }, { phase: 'online' }))
  expect(desk.job.record.detached).toMatchObject({ by: 'lee' })
  desk.peerSays(peerView(A, { detached: null, detachSequence: 4 }, { phase: 'online' }))
  expect(desk.job.record.detached).toBeNull()
})

test('whoever takes it by force watches it', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: false }
  const desk = standby({ detached: word, detachSequence: 1, mirrorInSync: false }).hear({ peerAlive: false })
  const asked = desk.command('forcetake', { dryRun: true })
  const confirm = asked.is === 'accepted' ? (asked.result as { danger: { state: string } }).danger.state : ''
  desk.command('forcetake', { confirm })
  desk.endAll()
  expect(desk.job.record).toMatchObject({ owner: B, detached: null, detachSequence: 2 })
})

test('an engine that starts by itself again after a reboot says what it waits for', () => {
  const word = { sinceMs: 1, by: 'kim', reason: null, untilMs: null, stopData: false }
  const desk = owner(pairConfig(jobConfig({ data: null })))
  desk.boot(record({ detached: word, detachSequence: 1 })).hear()
  desk.tell(TICK, 500)
  expect(desk.orders).toEqual([])
  expect(desk.job.note).toContain('nothing starts it by itself')
  expect(nodeView(desk.state).jobs.DB_Group?.record.detached).toEqual(word)
})

describe('an engine that dies before the other node is known to have it on disk', () => {
  function rebooted(): Desk {
    const desk = owner(pairConfig(jobConfig({ data: null })))
    desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
    desk.command('detach')
    const kept = desk.job.record
    expect(kept).toMatchObject({ detachSequence: 1, detachUnheard: { before: null } })
    desk.boot(kept).hear()
    return desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
  }

  test('does not take its own record for agreed, and says what it waits for', () => {
    const desk = rebooted()
    expect(desk.job.note).toBe(`it was being detached when the engine ended; waits until ${B} has recorded it`)
    expect(heard(desk).job.record).toMatchObject({ detached: { by: 'root' }, detachSequence: 1, detachUnheard: null })
    expect(desk.job.note).toContain('nothing starts it by itself')
  })

  test('takes it back where the other node never says so, and watches its job', () => {
    const desk = rebooted()
    for (let ms = 0; ms < DETACH_LIMIT_MS; ms += 500) desk.hear().tell(TICK, 500)
    expect(desk.job.record).toMatchObject({ detached: null, detachSequence: 2, detachUnheard: null })
    expect(desk.orders.length).toBeGreaterThan(0)
  })

  test('the one that took the job from it has nothing to wait for', () => {
    const desk = rebooted()
    desk.peerSays(peerView(B, { owner: B, roleSequence: 2, desired: 'online', detached: null, detachSequence: 2 }, { phase: 'online', config: desk.config }))
    expect(desk.job.record).toMatchObject({ owner: B, detached: null, detachUnheard: null })
    expect(desk.job.detaching).toBeNull()
  })
})
