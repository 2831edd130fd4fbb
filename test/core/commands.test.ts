import { pairConfig, A, B, DATA, jobConfig, JOB, withSafety } from '../fakes/pairConfig'
import type { CommandOptions, JobCommand } from '../../src/wire'
import { type Answer, dataStatus, Desk, owner, peerView, record, standby, withMode, withoutData } from './desk'

/** Each row: how the pair stands, what is typed, and the refusal: code, exit code, what it names, and the command that helps. */
const REFUSALS: [story: string, given: () => Answer, code: string, exitCode: number, names: string, helps: string][] = [
  [
    'bringin with an error flag',
    () => offline({ errorFlag: 'POSTGRES did not start' }).command('bringin'),
    'E_JOB_ERROR_FLAG',
    5,
    'POSTGRES did not start',
    'clearerr DB_Group RMHW131'
  ],
  [
    'bringin with half a copy',
    () => offline({ copyComplete: false }).command('bringin'),
    'E_JOB_COPY_INCOMPLETE',
    5,
    'RMHW131 is not complete',
    'mirror DB_Group start'
  ],
  [
    'bringin before the peer spoke',
    () => new Desk('RMHW131').boot(record({ desired: 'offline' })).command('bringin'),
    'E_JOB_WAITS_FOR_PEER',
    5,
    'has not heard from RMHW132',
    'hbtstate'
  ],
  ['bringin while it starts', () => starting().command('bringin'), 'E_JOB_BUSY', 5, 'bringin (RMHW131-', 'jobstate DB_Group'],
  ['bringout before it was looked for', () => booting().command('bringout'), 'E_JOB_BUSY', 5, 'looking for what runs', 'jobstate DB_Group'],
  ['switch of an offline job', () => offline().command('switch'), 'E_JOB_NOT_ONLINE', 5, 'it is offline', 'bringin DB_Group'],
  ['switch to a peer that is lost', () => owner().hear({ peerAlive: false }).command('switch'), 'E_PEER_NOT_HEARD', 5, 'RMHW132 was heard 0', 'hbtstate'],
  ['switch to a silent engine', () => silentPeer().command('switch'), 'E_PEER_NOT_HEARD', 5, 'RMHW132 was heard 6 s ago', 'hbtstate'],
  [
    'switch to another configuration',
    () => told({}, { configHash: 'fedcba9876543210' }),
    'E_CONFIG_DIFFERS',
    5,
    'RMHW131 (01234567) and RMHW132 (fedcba98)',
    'config apply FILE'
  ],
  ['switch to a node that lacks the job', () => told({}, { configHash: 'fedcba98', jobs: 'none' }), 'E_CONFIG_DIFFERS', 5, 'fedcba98', 'config apply FILE'],
  [
    'switch to a node with a flag',
    () => told({ errorFlag: 'it ended at once' }),
    'E_JOB_ERROR_FLAG',
    5,
    'RMHW132 keeps an error flag for DB_Group: it ended at once',
    'clearerr DB_Group RMHW132'
  ],
  ['switch to half a copy', () => told({ copyComplete: false }), 'E_JOB_COPY_INCOMPLETE', 5, 'DB_Group on RMHW132', 'mirror DB_Group start'],
  ['switch before a mirror has ended', () => unproven().command('switch'), 'E_JOB_COPY_INCOMPLETE', 5, 'DB_Group on RMHW132', 'jobstate DB_Group'],
  [
    'switch without a data connection',
    () => owner().dataSays({ role: 'source', connected: false }).command('switch'),
    'E_DATA_NOT_CONNECTED',
    5,
    'not connected to RMHW132',
    'jobstate DB_Group'
  ],
  ['switch during a mirror', () => mirroring().command('switch'), 'E_MIRROR_RUNNING', 5, '54%', 'Wait'],
  ['mirror without data', () => owner(withoutData()).command('mirror', { action: 'start' }), 'E_JOB_NO_DATA', 5, 'no folders', 'data.folders'],
  [
    'mirror of an offline job',
    () => offline().command('mirror', { action: 'start' }),
    'E_JOB_NOT_ONLINE',
    5,
    'mirror needs DB_Group online',
    'bringin DB_Group'
  ],
  [
    'mirror start without a connection',
    () => owner().dataSays({ role: 'source', connected: false }).command('mirror', { action: 'start' }),
    'E_DATA_NOT_CONNECTED',
    5,
    'RMHW132',
    'jobstate DB_Group'
  ],
  [
    'switch to a copy that is not in sync',
    () => notInSync().command('switch'),
    'E_MIRROR_NOT_IN_SYNC',
    5,
    'RMHW131 has acknowledged writes without it',
    'data links'
  ],
  ['switch when nobody knows whose data is right', () => manually().command('switch'), 'E_SELECT_FIRST', 5, 'Manually', 'selectsrc DB_Group RMHW132'],
  ['mirror start then', () => manually().command('mirror', { action: 'start' }), 'E_SELECT_FIRST', 5, 'mirror would overwrite', 'selectsrc DB_Group RMHW131'],
  ['verify start then', () => manually().command('verify', { action: 'start' }), 'E_SELECT_FIRST', 5, 'verify would overwrite', 'selectsrc'],
  [
    'verify start without a connection',
    () => owner().dataSays({ role: 'source', connected: false }).command('verify', { action: 'start', mode: 'full' }),
    'E_DATA_NOT_CONNECTED',
    5,
    'RMHW132',
    'jobstate'
  ],
  ['transmit of an offline job', () => offline().command('transmit', { action: 'pause' }), 'E_JOB_NOT_ONLINE', 5, 'transmit needs', 'bringin'],
  ['a speed limit for a job without data', () => owner(withoutData()).command('bandwidth', { bytesPerSecond: null }), 'E_JOB_NO_DATA', 5, 'no folders', 'data'],
  ['safety FULL of what is only watched', () => owner(watched()).command('safety', { safety: 'full' }), 'E_SAFETY_WATCH', 5, 'watch', 'capture: fuse'],
  [
    'safety OFF in a mode of FULL',
    () => owner(withMode('high-protection')).command('safety', { safety: 'off' }),
    'E_MODE_SAFETY',
    5,
    'made of safety FULL',
    'another mode'
  ],
  [
    'safety FULL in high performance',
    () => owner(withMode('high-performance')).command('safety', { safety: 'full' }),
    'E_MODE_SAFETY',
    5,
    'made of safety OFF',
    'mode'
  ],
  ['safety OFF while the peer cannot record it', () => silentFull().command('safety', { safety: 'off' }), 'E_PEER_MUST_KNOW', 5, '6.1 s ago', 'hbtstate'],
  [
    'selectsrc when there is nothing to choose',
    () => owner().command('selectsrc', { node: A }),
    'E_SELECT_NOT_NEEDED',
    5,
    'need to verify is No',
    'verify DB_Group'
  ],
  ['selectsrc of a stranger', () => manually().command('selectsrc', { node: 'RMHW999' }), 'E_NODE_NOT_OF_PAIR', 2, 'RMHW999', 'Name one'],
  ['selectsrc unconfirmed', () => manually().command('selectsrc', { node: A }), 'E_UNCONFIRMED', 5, 'selectsrc DB_Group RMHW131', 'dry run'],
  [
    'selectsrc confirmed for another state',
    () => manually().command('selectsrc', { node: A, confirm: '0' }),
    'E_CONFIRM_STALE',
    5,
    'nothing was done',
    'again'
  ],
  [
    'selectsrc of a node that is away',
    () => manually().hear({ peerAlive: false }).command('selectsrc', { node: B }),
    'E_PEER_NOT_HEARD',
    5,
    'RMHW132',
    'hbtstate'
  ],
  ['upgrade of a stranger', () => owner().command('upgrade', { node: 'RMHW999' }), 'E_NODE_NOT_OF_PAIR', 2, 'RMHW999', 'Name one'],
  ['upgrade of a job without data', () => owner(withoutData()).command('upgrade', { node: A }), 'E_JOB_NO_DATA', 5, 'no folders', 'data.folders'],
  ['upgrade before it was looked for', () => booting().command('upgrade', { node: A }), 'E_JOB_BUSY', 5, 'looking for what runs', 'jobstate DB_Group'],
  ['upgrade while it starts', () => starting().command('upgrade', { node: A }), 'E_JOB_BUSY', 5, 'start (RMHW131-', 'jobstate DB_Group'],
  ['upgrade while it is handed over', () => handedOver().command('upgrade', { node: B }), 'E_JOB_BUSY', 5, 'handing over', 'jobstate DB_Group'],
  ['upgrade while the data program is lost', () => lostData().command('upgrade', { node: A }), 'E_JOB_BUSY', 5, 'recover', 'jobstate DB_Group'],
  ['upgrade during a mirror', () => mirroring().command('upgrade', { node: A }), 'E_MIRROR_RUNNING', 5, '54%', 'Wait'],
  ['upgrade during a comparison', () => comparing().command('upgrade', { node: A }), 'E_VERIFY_RUNNING', 5, 'being compared', 'verify DB_Group stop'],
  ['a second command during an upgrade', () => upgrading().command('switch'), 'E_JOB_BUSY', 5, 'upgrade (RMHW131-', 'jobstate DB_Group'],
  ['clearerr of a stranger', () => owner().command('clearerr', { node: 'RMHW999' }), 'E_NODE_NOT_OF_PAIR', 2, 'RMHW999', 'Name one of them'],
  ['clearerr while it starts', () => starting().command('clearerr'), 'E_JOB_BUSY', 5, 'start', 'jobstate DB_Group']
]

const booting = (): Desk => {
  const desk = new Desk('RMHW131')
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record() } })
  return desk
}
const offline = (change: object = {}): Desk =>
  new Desk('RMHW131')
    .boot(record({ desired: 'offline', ...change }))
    .hear()
    .peerSays(peerView(B, { desired: 'offline' }))
const starting = (): Desk => {
  const desk = offline()
  desk.command('bringin')
  return desk
}
const notInSync = (): Desk => owner().peerSays(peerView(B, { mirrorInSync: false, syncSequence: 2 }))
const manually = (): Desk => owner().peerSays(peerView(B, { needToVerify: 'Manually' }))
const watched = () => pairConfig(jobConfig({ data: { ...DATA, capture: 'watch' } }))
const silentFull = (): Desk => {
  const desk = owner(withSafety('full'))
  desk.atMs += 6_000
  return desk
}
const silentPeer = (): Desk => {
  const desk = owner().peerSays(peerView(B, {}))
  desk.atMs += 6_000
  return desk
}
const unproven = (): Desk => {
  const desk = starting().endAll().dataSays({ role: 'source', connected: true, needToVerify: 'Yes' })
  return desk.peerSays(peerView(B, {}))
}
const mirroring = (): Desk => owner().dataSays({ role: 'source', connected: true, mirror: { state: 'Mirror', percent: 54, leftBytes: 1, leftMs: 1 } })

const comparing = (): Desk => owner().dataSays({ role: 'source', connected: true, verify: { ...dataStatus({}).verify, state: 'Verifying' } })
const handedOver = (): Desk => standby().peerSays(peerView(A, {}, { phase: 'switching' }))
const lostData = (): Desk => {
  const desk = owner()
  desk.tell({ kind: 'dataLost', job: JOB, why: 'its process was ended by SIGKILL' })
  return desk
}
const upgrading = (): Desk => {
  const desk = owner().peerSays(peerView(B, {}))
  desk.command('upgrade', { node: A })
  return desk
}

function told(of: object, more: { configHash?: string; jobs?: 'none' } = {}): Answer {
  const { jobs, ...change } = more
  const view = peerView(B, of, change)
  return owner()
    .peerSays(jobs === 'none' ? { ...view, jobs: {} } : view)
    .command('switch')
}

test.each(REFUSALS)('refused: %s', (_story, given, code, exitCode, names, helps) => {
  const answer = given()
  if (answer.is !== 'refused') throw new Error(`it was ${answer.is}`)
  expect({ code: answer.error.code, exitCode: answer.error.exitCode }).toEqual({ code, exitCode })
  expect(answer.error.message).toContain(names)
  expect(answer.error.tryThis).toContain(helps)
})

test.each(['bringin', 'bringout', 'switch', 'mirror', 'verify', 'transmit', 'bandwidth', 'safety', 'selectsrc'] as const)(
  '%s is carried out by the owner',
  (command) => {
    const desk = standby()
    expect(desk.command(command)).toEqual({ is: 'forwarded' })
    expect(desk.actions).toContainEqual(expect.objectContaining({ do: 'forward', command, options: {} }))
  }
)

test('clearerr goes to the node that keeps the flag, wherever it was typed', () => {
  const desk = owner().peerSays(peerView(B, { errorFlag: 'it ended at once' }))
  expect(desk.command('clearerr')).toEqual({ is: 'forwarded' })
  expect(desk.actions).toContainEqual(expect.objectContaining({ do: 'forward', command: 'clearerr', options: { node: B } }))
  const there = standby({ errorFlag: 'it ended at once' })
  expect(there.command('clearerr', { node: B, dryRun: true })).toEqual({
    is: 'accepted',
    result: { dryRun: true, steps: ['Clear the error flag of DB_Group on RMHW132 (it ended at once)'] }
  })
  expect(there.job.record.errorFlag).toBe('it ended at once')
  there.command('clearerr', { node: B })
  expect(there.actions[0]).toMatchObject({ do: 'persist', records: { [JOB]: { errorFlag: null } } })
})

test('with nothing to do a command says so, on a ticket that is done', () => {
  for (const [desk, command, text] of [
    [owner(), 'bringin', 'Nothing to do: DB_Group is online already'],
    [offline(), 'bringout', 'Nothing to do: DB_Group is offline already'],
    [offline(), 'clearerr', 'Nothing to do: RMHW131 keeps no error flag for DB_Group (RMHW132 was heard 0 s ago)']
  ] as const) {
    desk.command(command)
    const ticket = Object.values(desk.state.tickets).at(-1)
    expect({ text: ticket?.steps[0]?.text, state: ticket?.state }).toEqual({ text, state: 'done' })
    expect(desk.orders).toEqual([])
  }
})

const DRY_RUNS: [command: JobCommand, desk: () => Desk, options?: CommandOptions][] = [
  ['verify', owner],
  ['safety', owner, { safety: 'full' }],
  ['selectsrc', manually, { node: A }],
  ['selectsrc', manually, { node: B }],
  ['bringin', offline],
  ['bringout', owner],
  ['switch', () => owner().peerSays(peerView(B, {}))],
  ['mirror', owner],
  ['upgrade', owner, { node: A }],
  ['upgrade', standby, { node: B }],
  ['upgrade', offline, { node: A }],
  ['clearerr', () => offline({ errorFlag: 'POSTGRES did not start' })]
]
test.each(DRY_RUNS)('a dry run of %s tells the steps and changes nothing', (command, desk, options = {}) => {
  const given = desk()
  const { atMs: _at, wallMs: _wall, told: _told, ...before } = given.state
  const answer = given.command(command, { ...options, dryRun: true })
  const { atMs: _, wallMs: __, told: ___, ...after } = given.state
  expect(answer).toEqual({ is: 'accepted', result: expect.objectContaining({ dryRun: true, steps: expect.arrayContaining([expect.any(String)]) }) })
  expect(after).toEqual(before)
  expect(given.actions.filter((action) => !['reply', 'sendState', 'look'].includes(action.do))).toEqual([])
})

test('what bringin does is in the order of the product: data, addresses, applications', () => {
  const steps = ['Mount data as source', 'Raise VIP 192.168.150.130', 'Start application POSTGRES', 'Start application AGENT']
  expect(offline().command('bringin', { dryRun: true })).toEqual({ is: 'accepted', result: { dryRun: true, steps } })
})

test('a job that nobody configured is refused with those that there are', () => {
  const desk = new Desk('RMHW131', { ...pairConfig(), jobs: {} })
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: null })
  expect(desk.command('bringin')).toMatchObject({
    is: 'refused',
    error: { code: 'E_JOB_UNKNOWN', exitCode: 2, message: 'RMHW131 has no job DB_Group; it has none' }
  })
})
