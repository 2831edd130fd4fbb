import { A, B, JOB, pairConfig, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import type { Ballot } from '../../../src/wire'
import { Desk, peerView, record } from '../desk'

const HELD: Ballot = { roleSequence: 1, owner: A, mirrorInSync: true, syncSequence: 1, configVersion: 1, safetySequence: 1 }

/** It was handed over to the other node, which was lost before it said whether it took it; the witness lets nobody serve. */
function handedOver(unsure: boolean): Desk {
  const handover = { to: B, roleSequence: 2, ticket: 'one' }
  const desk = new Desk(A, quorumConfig()).boot(record({ safety: 'full', handover })).hear()
  const longest = { leaseMs: QUORUM.leaseMs, driftMs: QUORUM.driftMs }
  if (unsure) desk.state = { ...desk.state, unconfirmed: { version: 2, witness: false, modes: ['DB_Group'], longest, heardAtMs: null } }
  desk.hear({ peerAlive: false })
  desk.tell({ kind: 'handoverAnswered', job: 'DB_Group', roleSequence: 2, ticket: 'one', asked: 'withdraw', answer: { is: 'silence', why: 'timeout' } })
  for (let times = 0; times < 2; times++) {
    const { number } = desk.job.quorum!.asked.witness
    const reply = { number, incarnation: 'witness-1', granted: false, why: null, ballot: HELD, leasedTo: null }
    desk.tell({ kind: 'voteAnswered', job: 'DB_Group', voter: 'witness', number, reply })
  }
  return desk
}

test('a second vote is asked for to take it back', () => expect(handedOver(false).job.record.claim).toEqual({ roleSequence: 3 }))

test('not while the other node may go by another mode: there it may serve without a lease, and the witness knows nothing of it', () => {
  const desk = handedOver(true)
  expect(desk.job.record).toMatchObject({ roleSequence: 1, handover: { to: B } })
  expect(desk.job.record.claim ?? null).toBeNull()
  expect(desk.job.note).toContain('does not take it back: the mode of DB_Group is being changed')
})

/** The witness records what it is asked for, and lets this node serve. */
function letServe(desk: Desk): void {
  for (const granted of [false, true]) {
    const { number, sent } = desk.job.quorum!.asked.witness
    const { ballot } = sent.at(-1)!
    const why = granted ? null : ('incarnation' as const)
    desk.tell({
      kind: 'voteAnswered',
      job: 'DB_Group',
      voter: 'witness',
      number,
      reply: { number, incarnation: 'witness-1', granted, why, ballot, leasedTo: B }
    })
  }
}

test('what was handed over here, and could not start for want of a quorum, has no error flag, and starts with the next lease', () => {
  const config = quorumConfig()
  const desk = new Desk(B, config).boot(record({ safety: 'full' })).hear()
  desk.peerSays(peerView(A, { safety: 'full' }, { config, phase: 'online' })).endAll()
  const handover = { to: B, roleSequence: 2, ticket: 'one' }
  desk.offer(
    record({ safety: 'full', roleSequence: 2, owner: B, needToVerify: 'No', handover: null, history: [{ roleSequence: 2, owner: B }] }),
    handover.ticket
  )
  letServe(desk)
  expect(desk.orders).toEqual(['source'])
  // Its answer is the first that this node hears after a sleep.
  desk.atMs += QUORUM.leaseMs
  desk.end('source', 'its lease is over')
  expect(desk.job).toMatchObject({ phase: 'offline', record: { owner: B, errorFlag: null } })
  desk.atMs = desk.job.retryAtMs
  desk.hear().endAll()
  desk.atMs = Math.max(desk.atMs, desk.job.retryAtMs)
  letServe(desk)
  expect(desk.endAll().job).toMatchObject({ phase: 'online', record: { owner: B, errorFlag: null } })
})

test('neither has what could not start for want of a lease when its mode has just been changed to one without', () => {
  const desk = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear()
  desk.offer(record({ safety: 'full', roleSequence: 2, owner: B, history: [{ roleSequence: 2, owner: B }] }), 'one')
  letServe(desk)
  const { attempt, plan } = desk.job
  desk.state = { ...desk.state, jobs: { ...desk.state.jobs, [JOB]: { ...desk.job, quorum: null } }, config: pairConfig() }
  const error = { code: 'E_LEASE_ENDED', message: 'its lease is over', tryThis: 'Nothing.', exitCode: 1 }
  desk.tell({ kind: 'orderEnded', job: JOB, attempt, roleSequence: 2, task: plan!.pending[0]!.task, outcome: { ok: false, error } })
  expect(desk.job).toMatchObject({ phase: 'offline', record: { owner: B, errorFlag: null } })
})
