import { nodeView } from '../../../src/core'
import { problems } from '../../../src/core/problems'
import { firstVotesMs } from '../../../src/core/quorum/firstVotes'
import type { JobMode } from '../../../src/model'
import type { Ballot, VoteMessage, VoteReply } from '../../../src/wire'
import { A, B, DATA, JOB, jobConfig, pairConfig, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { dataStatus, Desk, peerView, record, withMode } from '../desk'

const of = (mode: JobMode, safety: 'full' | 'off' = 'full') => ({ ...pairConfig(jobConfig({ mode, data: { ...DATA, safety } })), quorum: QUORUM })

const held: Ballot = { roleSequence: 1, owner: A, mirrorInSync: true, syncSequence: 1, configVersion: QUORUM.configVersion }

/** B is asked by A. */
function asked(desk: Desk, change: Partial<VoteMessage> = {}): VoteReply {
  const plain = { job: JOB, from: A, peer: B, sender: `${A}-1`, number: 1, voter: `${B}-1`, ballot: held, ask: { do: 'renew' } } as const
  desk.tell({ kind: 'voteAsked', request: 7, job: JOB, message: { ...plain, ...change } })
  const reply = desk.actions.find((action) => action.do === 'reply')
  if (reply?.do !== 'reply' || !reply.outcome.ok) throw new Error('no vote')
  return reply.outcome.result as VoteReply
}

test('high performance knows no manual failover, and none by itself', () => {
  const config = of('high-performance', 'off')
  const owner = new Desk(A, config).boot(record()).hear()
  owner.peerSays(peerView(B, {}, { config })).endAll()
  owner.dataSays({ role: 'source', connected: true })
  const answer = owner.command('switch')
  expect(answer.is === 'refused' && answer.error.code).toBe('E_MODE_NO_SWITCH')
  const mirror = new Desk(B, config).boot(record()).hear()
  mirror.peerSays(peerView(A, {}, { config, phase: 'online' })).endAll()
  mirror.hear({ peerAlive: false })
  expect(mirror.job.record.owner).toBe(A)
  expect(mirror.job.note).toContain('no automatic failover')
})

test('an owner without a lease waits for the first votes when it is brought in, and then says what is missing; later it refuses at once', () => {
  const config = quorumConfig()
  const owner = new Desk(A, config).boot(record({ desired: 'offline', safety: 'full' })).hear()
  owner.peerSays(peerView(B, { desired: 'offline', safety: 'full' }, { config }))
  const first = owner.command('bringin')
  const { ticket } = (first as { result: { ticket: string } }).result
  expect(owner.state.tickets[ticket]).toMatchObject({ state: 'running', steps: [{ text: 'Wait for the first vote, of RMHW132 or the witness, up to 10 s' }] })
  owner.tell({ kind: 'ticked', heartbeat: null }, firstVotesMs(QUORUM))
  expect(owner.state.tickets[ticket]).toMatchObject({ state: 'failed', error: { code: 'E_NO_QUORUM' } })
  expect(owner.job.record.desired).toBe('offline')
  // It is offline as it was, and stays no problem when there is a quorum again.
  expect(problems(owner.state).join('\n')).not.toContain('has no quorum')
  const answer = owner.command('bringin')
  expect(answer.is === 'refused' && answer.error.code).toBe('E_NO_QUORUM')
})

test('the first votes are waited for as long as a voter may have let somebody serve whom it does not remember', () => {
  const [leaseMs, driftMs] = [30_000, 600]
  const config = { ...quorumConfig(), quorum: { ...QUORUM, leaseMs, driftMs } }
  const owner = new Desk(A, config).boot(record({ desired: 'offline', safety: 'full' })).hear()
  const steps = (answer: ReturnType<Desk['command']>) => (answer.is === 'accepted' ? (answer.result as { steps: string[] }).steps[0] : answer)
  owner.tell({ kind: 'ticked', heartbeat: null }, leaseMs)
  expect(steps(owner.command('bringin', { dryRun: true }))).toBe('Wait for the first vote, of RMHW132 or the witness, up to 37 s')
  owner.tell({ kind: 'ticked', heartbeat: null }, firstVotesMs({ leaseMs, driftMs }))
  expect(owner.command('bringin', { dryRun: true })).toMatchObject({ is: 'refused', error: { code: 'E_NO_QUORUM' } })

  // Long after that the witness begins anew, and says so.
  const { number } = owner.job.quorum!.asked.witness
  const forgot = { number, incarnation: 'W-2', granted: false, why: 'blank' as const, ballot: null, leasedTo: '' }
  owner.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply: forgot })
  expect(steps(owner.command('bringin', { dryRun: true }))).toContain('Wait for the first vote')
})

test('brought in before the first votes have come, it begins with the first one', () => {
  const owner = new Desk(A, quorumConfig()).boot(record({ desired: 'offline', safety: 'full', mirrorInSync: false })).hear()
  owner.peerSays(peerView(B, { desired: 'offline', safety: 'full', mirrorInSync: false }, { config: quorumConfig() }))
  owner.command('bringin')
  const ballot = { ...held, mirrorInSync: false }
  const answers = (granted: boolean): void => {
    const { number } = owner.job.quorum!.asked.witness
    const why = granted ? null : ('incarnation' as const)
    owner.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply: { number, incarnation: 'W-1', granted, why, ballot, leasedTo: null } })
  }
  answers(false)
  answers(true)
  expect(owner.orders).toEqual(['source'])
  expect(owner.logs.join()).not.toContain('E_NO_QUORUM')
})

test('an engine votes for the owner that it knows, and not for an older configuration', () => {
  const mirror = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear()
  expect(asked(mirror).granted).toBe(true)
  expect(asked(mirror, { number: 2, ballot: { ...held, configVersion: 0 } }).why).toBe('config')
  expect(asked(mirror, { number: 3, ballot: { ...held, roleSequence: 0 } }).why).toBe('newer')
})

test('an engine that has voted for itself does not vote for an older role sequence, restarts included', () => {
  const candidate = new Desk(B, quorumConfig()).boot(record({ safety: 'full', claim: { roleSequence: 2 } })).hear()
  expect(asked(candidate).granted).toBe(false)
  expect(candidate.job.record.claim).toEqual({ roleSequence: 2 })
})

test('what is seconded is on the disk before it is answered', () => {
  const mirror = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear()
  asked(mirror, { ask: { do: 'propose', ballot: { ...held, mirrorInSync: false, syncSequence: 2 } } })
  expect(mirror.actions.map((action) => action.do)).toEqual(expect.arrayContaining(['persist', 'reply']))
  expect(mirror.actions[0]).toMatchObject({ do: 'persist', records: { [JOB]: { mirrorInSync: false, syncSequence: 2 } } })
})

test('a lease that an earlier engine was given counts on, so a restart stops nothing; without one the service is stopped at once', () => {
  const config = quorumConfig()
  const found = (leaseUntilMs: number | null) => {
    const desk = new Desk(A, config)
    desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety: 'full' }) } })
    const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1 }) }
    return desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs })
  }
  expect(found(5_000).job.phase).toBe('online')
  expect(found(null).job.plan?.kind).toBe('standDown')
})

test('what is left of a lease when an engine starts does not say how often voters are asked', () => {
  const desk = new Desk(A, quorumConfig())
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety: 'full', copyComplete: false }) } })
  desk.end('observe', null, { held: [], running: [], data: { ran: true, status: dataStatus({}) }, leaseUntilMs: desk.atMs + 10 + 3 }).hear()
  const asks = (): number => desk.actions.filter((action) => action.do === 'sendVote' && action.to === 'witness').length
  const answersFor = (forMs: number): number => {
    let count = 0
    const untilMs = desk.atMs + forMs
    while (desk.atMs < untilMs) {
      const { number, incarnation } = desk.job.quorum!.asked.witness
      const reply = { number, incarnation: incarnation ?? 'W-1', granted: false, why: 'newer', ballot: held, leasedTo: B } as const
      desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply })
      count += asks()
    }
    return count
  }
  answersFor(10)
  expect(answersFor(QUORUM.leaseMs)).toBeLessThanOrEqual(6)
})

test('a lease that was given up on leaving is not taken from the guard by the next engine, and is asked for anew', () => {
  const config = quorumConfig()
  const desk = new Desk(A, config)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety: 'full', released: true }) } })
  desk.end('observe', null, { held: [], running: [], data: { ran: true, status: dataStatus({}) }, leaseUntilMs: 50_000 })
  expect(desk.job.quorum?.lease.untilMs).toBe(Number.NEGATIVE_INFINITY)
  expect(desk.job.note).toBe('RMHW131 waits until RMHW132 or a witness lets it serve')
  desk.hear()
  const answers = (reply: Partial<VoteReply>): void => {
    const { number } = desk.job.quorum!.asked.witness
    const plain = { number, incarnation: 'W-1', granted: true, why: null, ballot: { ...held, mirrorInSync: false, syncSequence: 2 }, leasedTo: A }
    desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply: { ...plain, ...reply } })
  }
  answers({ granted: false, why: 'incarnation', ballot: held })
  answers({})
  expect(desk.job.record).toMatchObject({ released: false, mirrorInSync: false })
  expect(desk.job.quorum!.lease.untilMs).toBeGreaterThan(desk.atMs)
})

describe('table 5: in high protection a mirror that does not redo', () => {
  const suspended = (replication: 'Pause' | 'Replicating') => {
    const desk = new Desk(A, quorumConfig('high-protection'))
    desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety: 'full' }) } })
    const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1 }) }
    desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: 5_000 })
    const { session } = dataStatus({})
    return desk.dataSays({
      role: 'source',
      connected: true,
      replication,
      session: { ...session, state: 'SUSPENDED', why: 'redo met an error', exposure: 'wanted' }
    })
  }
  const asks = (desk: Desk) => desk.actions.some((action) => action.do === 'sendVote' && action.message.ask.do === 'propose')

  test('after a redo error nothing is acknowledged without it, and the problem says so', () => {
    const desk = suspended('Replicating')
    expect(asks(desk)).toBe(false)
    expect(desk.job).toMatchObject({ phase: 'online', record: { mirrorInSync: true } })
    expect(problems(desk.state).join()).toContain('what has to be durable waits')
  })

  test('after a pause that somebody asked for it goes on without it', () => expect(asks(suspended('Pause'))).toBe(true))
})

test('table 7: the witness is UNKNOWN until it has answered, then CONNECTED, and DISCONNECTED when it is silent', () => {
  const mirror = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear()
  const word = () => nodeView(mirror.state).jobs[JOB]?.quorum?.witness
  const answers = (ballot: Ballot | null) => {
    const { number } = mirror.job.quorum!.asked.witness
    const reply = { number, incarnation: 'W-1', granted: false, why: null, ballot, leasedTo: null }
    mirror.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply })
  }
  expect(word()).toBe('UNKNOWN')
  answers(null)
  expect(word()).toBe('UNKNOWN')
  answers(held)
  expect(word()).toBe('CONNECTED')
  mirror.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
  expect(word()).toBe('DISCONNECTED')
})

test('an owner whose configuration has another mode by now follows it, and its mirror is not in sync by the new rule yet', () => {
  const owner = new Desk(A, withMode('high-protection')).boot(record({ safety: 'off', safetySequence: 4, syncSequence: 7 })).hear()
  expect(owner.job.record).toMatchObject({ safety: 'full', safetySequence: 5, mirrorInSync: false, syncSequence: 8 })
  const mirror = new Desk(B, withMode('high-protection')).boot(record({ safety: 'off', safetySequence: 4 })).hear()
  expect(mirror.job.record).toMatchObject({ safety: 'off', safetySequence: 4 })
  const careless = new Desk(A, withMode('high-performance')).boot(record({ safety: 'full', safetySequence: 4 })).hear()
  expect(careless.job.record).toMatchObject({ safety: 'off', safetySequence: 5, mirrorInSync: true })
})
