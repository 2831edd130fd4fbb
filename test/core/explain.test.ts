import { explain, type Happening } from '../../src/core'
import type { DecisionView, Question } from '../../src/wire'
import { A, B, JOB, jobConfig, pairConfig, quorumConfig } from '../fakes/pairConfig'
import { Desk, heartbeat, owner, peerView, record, standby, withoutData } from './desk'

const decisionOf = (desk: Desk, question: Question): DecisionView => explain(desk.state, desk.job).find((one) => one.question === question)!
const against = ({ checks }: DecisionView): string[] => checks.flatMap(({ why }) => why ?? [])
const lost = (desk: Desk): Desk => desk.hear({ peerAlive: false })
const moved = (desk: Desk): boolean => desk.orders.includes('probe')

/** How the standby stands, and whether it would take over. What it really does when the owner is lost must be the same. */
const STANDBYS: [story: string, given: () => Desk, reason: string | null][] = [
  ['all is well', () => standby(), null],
  ['the job was brought out', () => standby({ desired: 'offline' }), 'DB_Group was brought out'],
  ['its copy is being overwritten', () => standby({ copyComplete: false }), 'the copy on RMHW132 is not complete'],
  ['no mirror has ended', () => standby({ needToVerify: 'Yes' }), 'need to verify: Yes (no full mirror has ended since DB_Group was started on RMHW131)'],
  ['both copies may hold changes', () => standby({ needToVerify: 'Manually' }), 'need to verify: Manually'],
  ['it keeps an error flag', () => standby({ errorFlag: 'it ended at once' }), 'error flag: it ended at once'],
  ['the owner went on without it', () => standby({ mirrorInSync: false }), 'the copy on RMHW132 is not in sync: RMHW131 acknowledged writes without it'],
  ['the mode has no automatic failover', () => standby({}, inMode('high-performance')), 'the mode high-performance knows no automatic failover'],
  ['it is shutting down', () => told({ kind: 'shutdownBegun' }), 'RMHW132 is shutting down'],
  ['it has just started', () => bootingStandby(), 'RMHW132 has just started and does not know yet what runs there'],
  [
    'an address that it has to drop first is on it',
    () => told({ kind: 'vipsSeen', job: JOB, attempt: standby().job.attempt, held: ['IP-DB_Group'] }),
    'RMHW132 has to stop what is active there of DB_Group before it takes over'
  ],
  ['there is no data', () => standby({ mirrorInSync: false, copyComplete: false }, withoutData()), null]
]

function told(happening: Happening): Desk {
  const desk = standby()
  desk.tell(happening)
  return desk
}

function bootingStandby(): Desk {
  const desk = new Desk(B)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { DB_Group: record() } })
  return desk.hear()
}

function inMode(mode: 'high-performance') {
  return pairConfig(jobConfig({ mode }))
}

test.each(STANDBYS)('what a standby says of itself is what it does: %s', (_story, given, reason) => {
  const desk = given()
  const { yes, checks, trigger } = decisionOf(desk, 'failover')
  expect(against(decisionOf(desk, 'failover'))).toEqual(reason === null ? [] : [reason])
  expect(yes).toBe(reason === null)
  expect(trigger).toEqual([{ check: 'owner gone', met: false, value: 'up, 3 of 3 links', why: 'RMHW132 hears RMHW131', observer: B, ageMs: 0 }])
  expect(checks.map(({ check }) => check)).toContain('error flag here')
  expect(moved(lost(desk))).toBe(yes)
})

test('a standby that never heard the owner cannot lose it', () => {
  const desk = new Desk(B).boot(record())
  expect(against(decisionOf(desk, 'failover'))).toEqual(['RMHW132 has not heard RMHW131 since it started, so it cannot lose it'])
  desk.tell({ kind: 'heartbeatChanged', heartbeat: { ...heartbeat(desk.config, B, { peerAlive: false }), links: [] } })
  expect(moved(desk)).toBe(false)
})

/** How the owner stands: the first condition of the list that is not met is the refusal that is given, word for word. */
const OWNERS: [story: string, given: () => Desk][] = [
  ['all is well', () => owner().peerSays(peerView(B, {}))],
  ['the peer is lost', () => lost(owner())],
  ['another configuration', () => owner().peerSays(peerView(B, {}, { configHash: 'fedcba98' }))],
  ['a flag there', () => owner().peerSays(peerView(B, { errorFlag: 'it ended' }))],
  ['half a copy there', () => owner().peerSays(peerView(B, { copyComplete: false }))],
  ['not in sync there', () => owner().peerSays(peerView(B, { mirrorInSync: false }))],
  ['no connection', () => owner().dataSays({ role: 'source', connected: false })],
  ['a full mirror', () => owner().dataSays({ role: 'source', connected: true, mirror: { state: 'Mirror', percent: 54, leftBytes: 1, leftMs: null } })],
  ['high performance', () => owner(inMode('high-performance')).peerSays(peerView(B, {}, { config: inMode('high-performance') }))],
  [
    'brought out',
    () =>
      new Desk(A)
        .boot(record({ desired: 'offline' }))
        .hear()
        .peerSays(peerView(B, { desired: 'offline' }))
  ],
  ['looking for what runs', () => booting()]
]

function booting(): Desk {
  const desk = new Desk(A)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { DB_Group: record() } })
  return desk
}

test.each(OWNERS)('what an owner says of a switch is what it answers to one: %s', (_story, given) => {
  const desk = given()
  const decision = decisionOf(desk, 'switch')
  const answer = desk.command('switch', { dryRun: true })
  expect(decision.yes).toBe(answer.is === 'accepted')
  if (answer.is === 'refused') expect(against(decision)[0]).toBe(answer.error.message)
})

test('what a node says of accepting is what it answers to a handover', () => {
  const desk = standby({ errorFlag: 'it ended at once' })
  const decision = decisionOf(desk, 'accept')
  desk.offer(record({ owner: B, roleSequence: 2 }), 'T-1')
  const reply = desk.actions.find((action) => action.do === 'reply')
  expect(decision.yes).toBe(false)
  expect(reply).toMatchObject({ outcome: { ok: false, error: { message: `RMHW132 does not take DB_Group: ${against(decision)[0]}` } } })
})

test('every value has an observer and an age: what the other node said is as old as its word', () => {
  const desk = owner().peerSays(peerView(B, {}))
  desk.tell({ kind: 'ticked', heartbeat: null }, 1_200)
  const seen = Object.fromEntries(decisionOf(desk, 'switch').checks.map(({ check, observer, ageMs }) => [check, [observer, ageMs]]))
  expect(seen).toMatchObject({ 'online here': [A, 0], 'agent of RMHW132': [B, 1_200], 'copy there': [B, 1_200], 'data connected': [A, 0] })
})

test('with a quorum: the owner says how long it may serve, the standby whether the witness would second it', () => {
  const config = quorumConfig('high-availability')
  const alone = new Desk(A, config).boot(record({ safety: 'full' })).hear()
  expect(against(decisionOf(alone, 'serve'))).toContain('RMHW131 waits until RMHW132 or a witness lets it serve')
  const other = standby({ safety: 'full' }, config)
  const decision = decisionOf(other, 'failover')
  expect(against(decision)).toEqual(['the witness does not answer, or knows nothing yet'])
  expect(decision.checks.find(({ check }) => check === 'witness answers')).toMatchObject({ observer: 'witness', ageMs: null })
  expect(decision.trigger?.map(({ check }) => check)).toEqual(['own vote free', 'second vote free'])
})

test('as long as a change of the witness is not confirmed, nobody is left to second the standby', () => {
  const config = quorumConfig('high-availability')
  const desk = standby({ safety: 'full' }, config)
  desk.tell({ kind: 'configChanged', config: { ...config, witness: { address: '192.168.150.154', port: 7330 } }, configHash: 'two', version: 2 })
  expect(against(decisionOf(desk, 'failover'))).toEqual([
    'the witness is being changed, and RMHW131 has not said yet that it goes by it: nobody could second RMHW132'
  ])
  lost(desk).tell({ kind: 'ticked', heartbeat: null }, 60_000)
  expect(desk.job.record.claim ?? null).toBeNull()
})
