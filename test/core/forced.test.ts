import type { CommandAnswer, Danger } from '../../src/wire'
import { A, arbitrationConfig, B, jobConfig, pairConfig, quorumConfig } from '../fakes/pairConfig'
import { dataStatus, Desk, heartbeat, owner, peerView, record, standby, withoutData, type Answer } from './desk'

const lost = (desk: Desk): Desk => desk.hear({ peerAlive: false })
/** A standby that would not take over by itself. */
const stranded = (): Desk => lost(standby({ mirrorInSync: false }))

const dangerOf = (answer: Answer): Danger | undefined => (answer.is === 'accepted' ? (answer.result as { danger?: Danger }).danger : undefined)
const confirmed = (desk: Desk, command: 'forcetake' | 'bringout'): Answer => {
  const danger = dangerOf(desk.command(command, { dryRun: true }))
  return desk.command(command, danger ? { confirm: danger.state } : {})
}

/** Each row: how the node stands, and why nothing is forced there: code, what it names, the command that helps. */
const REFUSALS: [story: string, given: () => Answer, code: string, names: string, helps: string][] = [
  ['the other node is heard', () => standby().command('forcetake'), 'E_FORCE_PEER_HEARD', 'RMHW132 hears RMHW131', 'switch DB_Group'],
  ['it has just started', () => justStarted().command('forcetake'), 'E_FORCE_PEER_HEARD', 'its agent: never', 'takeover DB_Group'],
  [
    'an error flag',
    () => lost(standby({ errorFlag: 'it ended at once', mirrorInSync: false })).command('forcetake'),
    'E_JOB_ERROR_FLAG',
    'it ended at once',
    'clearerr DB_Group RMHW132'
  ],
  ['it takes over by itself', () => probing().command('forcetake'), 'E_FORCE_NOT_NEEDED', 'RMHW132 takes over by itself', 'why DB_Group'],
  ['bringin is enough', () => lost(broughtOut()).command('forcetake'), 'E_FORCE_NOT_NEEDED', 'bringin DB_Group starts it', 'why DB_Group'],
  ['looking for what runs', () => booting().command('forcetake'), 'E_JOB_BUSY', 'looking for what runs', 'jobstate DB_Group'],
  ['not confirmed', () => stranded().command('forcetake'), 'E_UNCONFIRMED', 'forcetake DB_Group may lose data', 'dry run'],
  ['confirmed for another state', () => stranded().command('forcetake', { confirm: 'something else' }), 'E_CONFIRM_STALE', 'has changed since', 'again'],
  ['bringout alone, not confirmed', () => lost(owner()).command('bringout'), 'E_UNCONFIRMED', 'bringout DB_Group', 'dry run'],
  ['takeover of what is being stopped', () => stopping().command('takeover'), 'E_JOB_BUSY', 'bringout', 'jobstate DB_Group'],
  ['takeover to a peer that is lost', () => lost(broughtOut()).command('takeover'), 'E_PEER_NOT_HEARD', 'cannot move DB_Group', 'hbtstate'],
  [
    'takeover to half a copy',
    () =>
      broughtOut()
        .peerSays(peerView(B, { desired: 'offline', copyComplete: false }))
        .command('takeover'),
    'E_JOB_COPY_INCOMPLETE',
    'DB_Group on RMHW132',
    'mirror DB_Group start'
  ],
  [
    'takeover, online, without a connection',
    () => owner().dataSays({ role: 'source', connected: false }).command('takeover'),
    'E_DATA_NOT_CONNECTED',
    'RMHW132',
    'jobstate'
  ],
  ['takeover while both copies may hold changes', () => undecided().command('takeover'), 'E_SELECT_FIRST', 'takeover would overwrite', 'selectsrc DB_Group']
]

const broughtOut = (): Desk =>
  new Desk(A)
    .boot(record({ desired: 'offline' }))
    .hear()
    .peerSays(peerView(B, { desired: 'offline' }))
const undecided = (): Desk =>
  new Desk(A)
    .boot(record({ desired: 'offline', needToVerify: 'Manually' }))
    .hear()
    .peerSays(peerView(B, { desired: 'offline', needToVerify: 'Manually' }))

function justStarted(): Desk {
  const desk = new Desk(B).boot(record())
  desk.tell({ kind: 'heartbeatChanged', heartbeat: { ...heartbeat(desk.config, B, { peerAlive: false }), links: [] } })
  return desk
}

function probing(): Desk {
  const desk = lost(standby())
  expect(desk.orders).toEqual(['probe'])
  return desk
}

function booting(): Desk {
  const desk = new Desk(A)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { DB_Group: record() } })
  return desk
}

function stopping(): Desk {
  const desk = owner().peerSays(peerView(B, {}))
  desk.command('bringout')
  return desk
}

test.each(REFUSALS)('refused: %s', (_story, given, code, names, helps) => {
  const answer = given()
  if (answer.is !== 'refused') throw new Error(`it was ${answer.is}`)
  const { code: said, message, tryThis, exitCode } = answer.error
  expect({ said, exitCode }).toEqual({ said: code, exitCode: 5 })
  expect(message).toContain(names)
  expect(tryThis).toContain(helps)
})

test('the dry run changes nothing, names the loss, and what comes after', () => {
  const desk = stranded()
  const before = JSON.stringify([desk.job, desk.state.tickets])
  const answer = desk.command('forcetake', { dryRun: true })
  const { steps } = (answer.is === 'accepted' ? answer.result : {}) as Extract<CommandAnswer, { dryRun: true }>
  expect(steps.slice(0, 3)).toEqual(['Probe VIP 192.168.150.130', 'Take ownership by force (role sequence 11)', 'Mount data as source'])
  const danger = dangerOf(answer)
  expect(danger?.warning).toEqual([
    expect.stringContaining('If it lives and serves DB_Group, both nodes serve it and their data goes apart.'),
    expect.stringContaining('RMHW132 may lack data: the last writes may be missing'),
    expect.stringContaining('need to verify: Manually')
  ])
  expect(danger?.loss).toMatchObject({ none: false, files: null })
  expect(JSON.stringify([desk.job, desk.state.tickets])).toBe(before)
  expect(desk.actions.map((action) => action.do)).toEqual(['reply'])
})

test('what may be missing: with safety FULL and in sync what the owner did alone since it was heard, else what was queued there and for how long', () => {
  const whole = lost(new Desk(B, withMode('high-performance')).boot(record({ safety: 'full' })).hear()).dataSays({ role: 'target' })
  const alone = dangerOf(whole.command('forcetake', { dryRun: true }))?.loss
  expect(alone).toMatchObject({ none: false, bytes: null, changes: null })
  expect(alone?.bound).toContain('what RMHW131 has acknowledged since then without RMHW132, if anything, is missing')
  const desk = standby({ mirrorInSync: false }).dataSays({ role: 'target', connected: true, lsn: 10 })
  desk.peerSays(peerView(A, { mirrorInSync: false }, { phase: 'online', data: dataStatus({ role: 'source', lsn: 13, queuedBytes: 4_096 }) }))
  desk.dataSays({ role: 'target', connected: false, lsn: 10 })
  desk.tell({ kind: 'ticked', heartbeat: null }, 7_000)
  const danger = dangerOf(lost(desk).command('forcetake', { dryRun: true }))
  expect(danger?.loss).toMatchObject({ none: false, changes: 3, bytes: 4_096, seconds: 7, files: null })
  expect(danger?.loss?.bound).toContain('RMHW131 was heard 7 s ago, then 3 changes (LSN 10 here, 13 there), 4.0 KiB, in at most 3 files, had not arrived')
})

const withMode = (mode: 'high-performance') => pairConfig(jobConfig({ mode }))

test('nobody answers for the VIP: taken on disk, by force and Manually, before anything is mounted', () => {
  const desk = stranded()
  expect(confirmed(desk, 'forcetake').is).toBe('accepted')
  expect(desk.orders).toEqual(['probe'])
  desk.end('probe')
  const forced = { owner: B, roleSequence: 11, takeReason: 'forced', needToVerify: 'Manually', mirrorInSync: false, copyComplete: true }
  expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { DB_Group: forced } })
  expect(desk.orders).toEqual(['source'])
  desk.endAll()
  expect(desk.job.phase).toBe('online')
  expect(Object.values(desk.state.tickets).at(-1)).toMatchObject({ purpose: 'forcetake', state: 'done', error: null })
})

test.each([
  ['somebody answers', null, '52:54:00:00:00:01'],
  ['it cannot be asked', 'no raw socket', null]
])('the VIP: %s, and nothing is taken', (_story, why, result) => {
  const desk = stranded()
  confirmed(desk, 'forcetake')
  desk.end('probe', why, result)
  expect(desk.job.record).toMatchObject({ owner: A, roleSequence: 1 })
  expect(Object.values(desk.state.tickets).at(-1)).toMatchObject({ state: 'failed', error: { code: 'E_FORCE_ANSWERED' } })
})

test('the other node is heard while the VIP is being asked for: nothing is taken', () => {
  const desk = stranded()
  confirmed(desk, 'forcetake')
  desk.hear().end('probe')
  expect(desk.job.record.owner).toBe(A)
  expect(Object.values(desk.state.tickets).at(-1)).toMatchObject({ state: 'failed', error: { code: 'E_FORCE_PEER_HEARD' } })
})

test('an owner that is alone after a start does not wait for the other one any more', () => {
  const desk = new Desk(A).boot(record()).hear({ peerAlive: false })
  desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
  expect(desk.job.note).toContain('waiting for RMHW132')
  confirmed(desk, 'forcetake')
  desk.endAll()
  expect(desk.job).toMatchObject({ phase: 'online', record: { owner: A, roleSequence: 12, takeReason: 'forced', needToVerify: 'Manually' } })
})

test('the two nodes never force the same role sequence', () => {
  const a = new Desk(A).boot(record()).hear({ peerAlive: false })
  a.tell({ kind: 'ticked', heartbeat: null }, 60_000)
  const b = stranded()
  for (const desk of [a, b]) {
    confirmed(desk, 'forcetake')
    desk.endAll()
  }
  expect(a.job.record.roleSequence).not.toBe(b.job.record.roleSequence)
})

test('a job without data has nothing to be looked at afterwards', () => {
  const config = withoutData()
  const desk = lost(standby({ desired: 'offline' }, config))
  const danger = dangerOf(desk.command('forcetake', { dryRun: true }))
  expect(danger?.warning).toHaveLength(1)
  confirmed(desk, 'forcetake')
  desk.endAll()
  expect(desk.job).toMatchObject({ phase: 'online', record: { needToVerify: 'No', takeReason: 'forced' } })
})

test('who returns finds a higher role sequence, stands by and copies nothing', () => {
  const desk = new Desk(A).boot(record()).hear()
  desk.peerSays(peerView(B, { owner: B, roleSequence: 11, takeReason: 'forced', needToVerify: 'Manually', mirrorInSync: false }, { phase: 'online' }))
  expect(desk.job.record).toMatchObject({ owner: B, roleSequence: 11, needToVerify: 'Manually' })
  expect(desk.orders).toEqual([])
})

describe('with a quorum', () => {
  const config = quorumConfig('high-availability')
  const alone = (mirrorInSync = false): Desk => {
    const desk = lost(new Desk(B, config).boot(record({ safety: 'full', mirrorInSync })).hear())
    desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
    return desk
  }

  /** The owner is lost with the job brought out, and the witness answers. */
  const told = (held: { mirrorInSync: boolean; syncSequence: number }): Desk => {
    const desk = lost(new Desk(B, config).boot(record({ safety: 'full', mirrorInSync: true, desired: 'offline' })).hear())
    desk.tell({ kind: 'ticked', heartbeat: null }, 60_000)
    const ballot = { roleSequence: 1, owner: A, configVersion: 1, safetySequence: 1, ...held }
    const number = desk.job.quorum?.asked.witness.number ?? 0
    const reply = { number, incarnation: 'W-1', granted: false, why: null, ballot, leasedTo: null } as const
    desk.tell({ kind: 'voteAnswered', job: 'DB_Group', voter: 'witness', number, reply })
    return desk
  }

  test('a copy that has everything is not said to lack any, where a second voter says so now', () => {
    const danger = dangerOf(told({ mirrorInSync: true, syncSequence: 1 }).command('forcetake', { dryRun: true }))
    expect(danger?.loss).toMatchObject({ none: true })
    expect(danger?.warning[1]).toMatch(/^The data on RMHW132: safety FULL and in sync: nothing/)
  })

  // The owner may have gone on with the witness, or by force, when this node was cut off from both: nobody has told it that its copy is out of sync.
  test('what an owner did that was not heard any more is not said to be here', () => {
    const danger = dangerOf(alone(true).command('forcetake', { dryRun: true }))
    expect(danger?.loss).toMatchObject({ none: false, files: null, bytes: null, changes: null })
    expect(danger?.warning[1]).toMatch(
      /^RMHW132 may lack data: safety FULL, and in sync when RMHW131 was heard last \(before the engine of RMHW132 started\): nothing of before/
    )
  })

  test('a witness that has recorded that the copy is out of sync is believed', () => {
    const danger = dangerOf(told({ mirrorInSync: false, syncSequence: 2 }).command('forcetake', { dryRun: true }))
    expect(danger?.loss).toMatchObject({ none: false, bytes: null })
  })

  test('not while this node itself may let the other one serve', () => {
    const desk = lost(new Desk(B, config).boot(record({ safety: 'full', mirrorInSync: false })).hear())
    expect(desk.command('forcetake')).toMatchObject({ is: 'refused', error: { code: 'E_FORCE_SERVED', message: expect.stringContaining('RMHW132 lets it') } })
  })

  test('it serves by leases of its own, of the length of a real one, until a voter has recorded it', () => {
    const desk = alone()
    confirmed(desk, 'forcetake')
    desk.end('probe')
    const lease = desk.actions.find((action) => action.do === 'lease')
    expect(lease).toMatchObject({ roleSequence: desk.job.record.roleSequence, untilMs: desk.atMs + (config.quorum?.leaseMs ?? 0) })
    expect(desk.job.record.forced).toEqual({ roleSequence: desk.job.record.roleSequence })
    desk.endAll()
    desk.tell({ kind: 'ticked', heartbeat: null }, 3_000)
    expect(desk.actions.some((action) => action.do === 'lease')).toBe(true)
    const asked = desk.job.quorum?.asked.witness
    const reply = { number: asked?.number ?? 0, incarnation: 'W-1', granted: false, why: 'incarnation', ballot: null, leasedTo: null } as const
    desk.tell({ kind: 'voteAnswered', job: 'DB_Group', voter: 'witness', number: reply.number, reply })
    const number = desk.job.quorum?.asked.witness.number ?? 0
    desk.tell({ kind: 'voteAnswered', job: 'DB_Group', voter: 'witness', number, reply: { ...reply, number, granted: true, why: null, leasedTo: B } })
    expect(desk.job.record.forced).toBeNull()
    expect(desk.job.phase).toBe('online')
  })

  test('one that wakes up later than its own lease does not go on by force: what the administrator saw may be over', () => {
    const desk = alone()
    confirmed(desk, 'forcetake')
    desk.endAll()
    expect(desk.job.phase).toBe('online')
    desk.tell({ kind: 'ticked', heartbeat: null }, 2 * (config.quorum?.leaseMs ?? 0))
    expect(desk.logs.join('\n')).toContain('RMHW132 was asleep while it served DB_Group by force')
    desk.endAll()
    desk.tell({ kind: 'ticked', heartbeat: null }, 3_000)
    expect(desk.job).toMatchObject({ phase: 'offline', forcing: false, plan: null, record: { owner: B } })
    confirmed(desk, 'forcetake')
    expect(desk.endAll().job).toMatchObject({ phase: 'online', forcing: true })
  })

  test('an engine that restarts goes on with a forced service; a node that restarts does not', () => {
    const forced = record({ owner: B, roleSequence: 11, takeReason: 'forced', forced: { roleSequence: 11 }, needToVerify: 'Manually', safety: 'full' })
    const reboot = new Desk(B, config).boot(forced)
    expect(reboot.job.forcing).toBe(false)
    const restart = new Desk(B, config)
    restart.tell({ kind: 'booted', bootId: 'this-boot', records: { DB_Group: forced } })
    const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 11 }) }
    restart.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: restart.atMs + 5_000 })
    expect(restart.job).toMatchObject({ forcing: true, phase: 'online' })
  })
})

test('an owner that stopped because it was cut off serves again by force, and is not stopped for the same reason', () => {
  const desk = lost(owner(arbitrationConfig(false)))
  const unreached = (): void => void desk.tell({ kind: 'reachTold', number: desk.state.reachCount, reached: false, why: 'nobody answers' }, 3_000)
  for (let i = 0; i < 5 && desk.job.phase === 'online'; i++) unreached()
  desk.endAll()
  expect(desk.job).toMatchObject({ phase: 'offline', cutOff: true })
  confirmed(desk, 'forcetake')
  desk.endAll()
  unreached()
  unreached()
  expect(desk.job).toMatchObject({ phase: 'online', record: { takeReason: 'forced', needToVerify: 'Manually' } })
})
