import type { Config, JobMode } from '../../src/model'
import { A, B, DATA, JOB, jobConfig, pairConfig, QUORUM, quorumConfig } from '../fakes/pairConfig'
import { dataStatus, Desk, peerView, record } from './desk'

const config = (mode: JobMode, version = 1): Config => {
  const quorum = { ...QUORUM, configVersion: version }
  return { ...pairConfig(jobConfig({ mode, data: { ...DATA, safety: 'full' } })), witness: quorumConfig().witness!, quorum }
}
const of = { safety: 'full' as const }

/** The owner serves by the rules of this mode. */
function serving(mode: JobMode): Desk {
  const desk = new Desk(A, config(mode))
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record(of) } })
  const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1, connected: true }) }
  desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: desk.atMs + QUORUM.leaseMs }).hear()
  return desk.peerSays(peerView(B, of, { config: config(mode) }))
}

function mirror(mode: JobMode): Desk {
  const desk = new Desk(B, config(mode)).boot(record(of)).hear()
  return desk.peerSays(peerView(A, of, { config: config(mode), phase: 'online' })).endAll()
}

function hold(desk: Desk, mode: JobMode): string | null {
  desk.tell({ kind: 'configHeld', request: 1, next: config(mode, 2), dryRun: false })
  const reply = desk.actions.find((action) => action.do === 'reply')
  return reply?.do === 'reply' && !reply.outcome.ok ? reply.outcome.error.message : null
}
const change = (desk: Desk, mode: JobMode) => desk.tell({ kind: 'configChanged', config: config(mode, 2), configHash: 'two', version: 2 })
const says = (desk: Desk, node: string, mode: JobMode, unleased = false) =>
  desk.peerSays({
    ...peerView(node, of, { config: config(mode, 2), configHash: 'two', phase: 'online', record: record({ ...of, unleased }) }),
    configVersion: 2,
    configAgreed: true
  })
const granted = (desk: Desk): void => {
  const { number } = desk.job.quorum!.asked.peer
  const { roleSequence, mirrorInSync, syncSequence } = desk.job.record
  const ballot = { roleSequence, owner: A, mirrorInSync, syncSequence, configVersion: 2 }
  const reply = { number, incarnation: `${B}-1`, ballot, leasedTo: A }
  if (desk.job.quorum!.asked.peer.incarnation === null) {
    desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'peer', number, reply: { ...reply, granted: false, why: 'incarnation' } })
    return granted(desk)
  }
  desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'peer', number, reply: { ...reply, granted: true, why: null } })
}

test.each<JobMode>(['high-availability', 'high-protection'])(
  'guide to %s: it is served on without a lease until the first one is in use, and says so',
  (mode) => {
    const desk = serving('guide')
    expect(hold(desk, mode)).toBeNull()
    expect(desk.actions[0]).toMatchObject({ do: 'persist', records: { [JOB]: { unleased: true } } })
    change(desk, mode)
    desk.endAll()
    expect([desk.job.phase, desk.job.record.unleased]).toEqual(['online', true])
    desk.tell({ kind: 'ticked', heartbeat: null }, 3 * QUORUM.leaseMs)
    expect(desk.job.phase).toBe('online')
    expect(desk.job.note).toContain('not in force yet')
    granted(desk)
    expect(desk.actions.filter(({ do: what }) => what === 'lease')).toHaveLength(1)
    expect(desk.actions.at(-1)?.do).not.toBe('persist')
    expect(desk.job.record.unleased).toBe(true)
    // The data program obeys it before anybody is told that it counts.
    desk.end('reconfigure')
    expect(desk.job.record.unleased).toBe(false)
    desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
    expect(desk.job.plan?.kind).toBe('standDown')
  }
)

test('an engine that restarts before the first lease stops nothing', () => {
  const desk = new Desk(A, config('high-availability', 2))
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ ...of, unleased: true }) }, before: config('guide') })
  const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1 }) }
  desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: null })
  expect(desk.job.phase).toBe('online')
})

test.each<JobMode>(['guide', 'high-performance'])(
  'high-availability to %s: no lease is needed from the change on, and nothing ends at the end of the last one',
  (mode) => {
    const desk = serving('high-availability')
    expect(hold(desk, mode)).toBeNull()
    change(desk, mode)
    expect(desk.actions.map((action) => action.do)).toContain('unlease')
    desk.endAll()
    desk.tell({ kind: 'ticked', heartbeat: null }, 3 * QUORUM.leaseMs)
    expect(desk.job).toMatchObject({ phase: 'online', quorum: null })
  }
)

test.each<[JobMode, JobMode]>([
  ['high-availability', 'high-protection'],
  ['high-protection', 'high-availability']
])('%s to %s: the lease that runs counts on', (from, to) => {
  const desk = serving(from)
  const untilMs = desk.job.quorum?.lease.untilMs
  hold(desk, to)
  change(desk, to)
  expect(desk.job.quorum?.lease.untilMs).toBe(untilMs)
  expect([desk.job.phase, desk.orders]).toEqual(['online', []])
})

describe('the standby takes nothing over by itself', () => {
  const note = (desk: Desk): string => desk.job.note ?? ''

  test('from its promise on, also when another change is refused there meanwhile', () => {
    const desk = mirror('guide')
    hold(desk, 'high-availability')
    hold(desk, 'guide')
    desk.hear({ peerAlive: false })
    expect(desk.orders).toEqual([])
    expect(note(desk)).toContain('the mode of DB_Group is being changed')
  })

  test('while the owner goes by the change without the lease that it needs', () => {
    const desk = mirror('guide')
    change(desk, 'high-availability')
    says(desk, A, 'high-availability', true)
    expect(desk.state.unconfirmed?.modes).toEqual([JOB])
    says(desk, A, 'high-availability')
    expect(desk.state.unconfirmed?.modes).toEqual([])
  })

  test('and lets it serve for a whole lease more, the longest of both, from when it is sure', () => {
    const desk = mirror('high-protection')
    change(desk, 'high-availability')
    says(desk, A, 'high-availability')
    expect(desk.job.quorum?.grant).toMatchObject({ holder: A, untilMs: desk.atMs + QUORUM.leaseMs + QUORUM.driftMs })
    desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs + QUORUM.driftMs)
    expect(desk.state.unconfirmed).toBeNull()
  })
})

test('it is not changed while something is under way, or the last change is not sure', () => {
  const desk = serving('guide')
  desk.command('bringout')
  expect(hold(desk, 'high-availability')).toContain('bringout is under way')
  const other = mirror('guide')
  change(other, 'high-availability')
  expect(hold(other, 'guide')).toContain('has not confirmed the change of version 2 yet')
})

test('a mode that was changed and changed back while the other node was not heard: an engine that restarts takes nothing over by itself', () => {
  const booted = (passed: Config[]): Desk => {
    const desk = new Desk(B, config('high-availability', 3))
    const records = { [JOB]: record(of) }
    desk.tell({ kind: 'booted', bootId: 'this-boot', records, before: config('high-availability'), passed })
    return desk
  }
  expect(booted([config('guide', 2)]).state.unconfirmed).toMatchObject({ modes: [JOB], heardAtMs: null })
  expect(booted([]).state.unconfirmed?.modes ?? []).toEqual([])
})
