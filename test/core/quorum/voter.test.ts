import { askWitness, startWitness } from '../../../src/core/quorum/witness'
import { startVoter, vote, type Voter } from '../../../src/core/quorum/voter'
import type { Ballot, VoteMessage, VoteQuestion } from '../../../src/wire'
import { A, B, JOB } from '../../fakes/pairConfig'

const TIMES = { leaseMs: 6_000, driftMs: 200 }
const LEASE_MS = TIMES.leaseMs + TIMES.driftMs

const ballot = (roleSequence: number, owner: string, mirrorInSync = true, syncSequence = 5, configVersion = 1): Ballot => ({
  roleSequence,
  owner,
  mirrorInSync,
  syncSequence,
  configVersion
})

let questions = 0
function question(from: string, holds: Ballot, ask: VoteQuestion = { do: 'renew' }, change: Partial<VoteMessage> = {}): VoteMessage {
  questions += 1
  return { job: JOB, from, peer: from === A ? B : A, sender: `${from}-1`, number: questions, voter: 'W-1', ballot: holds, ask, ...change }
}

const claim = (from: string, holds: Ballot, roleSequence = holds.roleSequence + 1): VoteMessage =>
  question(from, holds, { do: 'propose', ballot: ballot(roleSequence, from, false, holds.syncSequence + 1, holds.configVersion) })

/** A voter that has granted A a lease for role sequence 7 at 10 s. */
function serving(holds = ballot(7, A)): Voter {
  const started = startVoter('W-1', holds, 0, TIMES)
  return vote(started, question(A, holds), 10_000, TIMES).voter
}
const FREE_MS = 10_000 + LEASE_MS

test.each<[what: string, message: () => VoteMessage, atMs: number, said: string]>([
  ['the owner goes on', () => question(A, ballot(7, A)), 12_000, 'granted'],
  ['the owner was asleep for long, and nobody else was chosen', () => question(A, ballot(7, A)), 60_000, 'granted'],
  ['the mirror asks while the owner may serve', () => claim(B, ballot(7, A)), FREE_MS - 1, 'leased'],
  ['the mirror asks when the lease and the drift are over', () => claim(B, ballot(7, A)), FREE_MS, 'granted'],
  ['the mirror claims without a new role sequence', () => claim(B, ballot(7, A), 7), FREE_MS, 'newer'],
  ['somebody votes for another one', () => question(B, ballot(7, A), { do: 'propose', ballot: ballot(8, A) }), FREE_MS, 'newer'],
  ['the owner before the last', () => question(A, ballot(6, A)), 12_000, 'newer'],
  ['a decided change that this voter missed', () => question(B, ballot(8, B)), FREE_MS, 'granted'],
  ['a decided change, and the old owner may still serve', () => question(B, ballot(8, B)), FREE_MS - 1, 'leased'],
  ['the owner says that its mirror is out of sync', () => question(A, ballot(7, A), { do: 'propose', ballot: ballot(7, A, false, 6) }), 12_000, 'granted'],
  ['the holder itself gives a new role sequence', () => claim(A, ballot(7, A)), 12_000, 'granted'],
  ['it does not know that this voter has restarted', () => question(A, ballot(7, A), { do: 'renew' }, { voter: 'W-0' }), 12_000, 'incarnation'],
  ['an older configuration', () => question(A, ballot(7, A, true, 5, 0)), 12_000, 'config'],
  ['a report asks for nothing', () => question(B, ballot(7, A), { do: 'report' }), 12_000, 'null']
])('%s', (_what, message, atMs, said) => {
  const { reply } = vote(serving(), message(), atMs, TIMES)
  expect(reply.granted ? 'granted' : String(reply.why)).toBe(said)
})

test('a copy that is recorded as out of sync gets no vote, whoever recorded it', () => {
  const behind = serving(ballot(7, A, false, 6))
  expect(vote(behind, claim(B, ballot(7, A, true, 5)), FREE_MS, TIMES).reply.why).toBe('outOfSync')
  const ahead = serving(ballot(7, A, true, 5))
  expect(vote(ahead, claim(B, ballot(7, A, false, 6)), FREE_MS, TIMES).reply.why).toBe('outOfSync')
  // In sync again, and only the candidate has heard of it.
  expect(vote(behind, claim(B, ballot(7, A, true, 7)), FREE_MS, TIMES).reply.granted).toBe(true)
})

test('what is granted for the first time is to be persisted, a mere renewal is not', () => {
  const taken = vote(serving(), claim(B, ballot(7, A)), FREE_MS, TIMES)
  expect(taken.persist).toMatchObject({ roleSequence: 8, owner: B, mirrorInSync: false })
  const again = vote(taken.voter, question(B, ballot(8, B, false, 6)), FREE_MS + 10, TIMES)
  expect([again.reply.granted, again.persist]).toEqual([true, null])
})

test('table 4: the safety sequence is kept with the rest, by the word of the owner, and nothing is decided by it', () => {
  const changed = vote(serving(), question(A, { ...ballot(7, A), safetySequence: 3 }), 12_000, TIMES)
  expect(changed.persist).toEqual({ ...ballot(7, A), safetySequence: 3 })
  const again = vote(changed.voter, question(A, { ...ballot(7, A), safetySequence: 3 }), 12_010, TIMES)
  expect([again.reply.granted, again.persist]).toEqual([true, null])
  // An engine of before says nothing about it.
  const older = vote(again.voter, question(A, ballot(7, A)), 12_020, TIMES)
  expect([older.reply.granted, older.persist, older.reply.ballot?.safetySequence]).toEqual([true, null, 3])
  const taken = vote(older.voter, claim(B, { ...ballot(7, A), safetySequence: 2 }), 12_020 + LEASE_MS, TIMES)
  expect(taken.reply.granted).toBe(true)
})

test('one role sequence has one owner, also when the same claim comes again or another one comes late', () => {
  const taken = vote(serving(), claim(B, ballot(7, A)), FREE_MS, TIMES).voter
  expect(vote(taken, claim(B, ballot(7, A)), FREE_MS + 10, TIMES).reply.granted).toBe(true)
  const late = vote(taken, claim(A, ballot(7, A)), FREE_MS + 10 * LEASE_MS, TIMES)
  expect([late.reply.granted, late.reply.ballot?.owner]).toEqual([false, B])
})

test('a question that was overtaken by a newer one gets no vote', () => {
  const early = claim(B, ballot(7, A))
  const refused = vote(serving(), claim(B, ballot(7, A)), 12_000, TIMES)
  expect(refused.reply.why).toBe('leased')
  expect(vote(refused.voter, early, FREE_MS, TIMES).reply.why).toBe('late')
})

test('after a restart it grants nobody else for a whole lease, the owner that it knows at once', () => {
  const restarted = startVoter('W-1', ballot(7, A), 100_000, TIMES)
  expect(vote(restarted, claim(B, ballot(7, A)), 100_000 + LEASE_MS - 1, TIMES).reply.why).toBe('leased')
  expect(vote(restarted, question(A, ballot(7, A)), 100_001, TIMES).reply.granted).toBe(true)
  expect(vote(restarted, claim(B, ballot(7, A)), 100_000 + LEASE_MS, TIMES).reply.granted).toBe(true)
})

test('a witness that lost its memory votes when it has heard both nodes in this incarnation, and then knows the newer word', () => {
  const report = (from: string, holds: Ballot, voter: string | null) => question(from, holds, { do: 'report' }, { voter })
  let witness = startWitness('W-1', {}, 0, TIMES)
  const ask = (message: VoteMessage, atMs: number) => {
    const answer = askWitness(witness, message, atMs)
    witness = answer.witness
    return answer
  }
  expect(ask(claim(B, ballot(7, A)), 60_000).reply.why).toBe('blank')
  // Said before it lost its memory: it may be older than what it once seconded.
  expect(ask(report(A, ballot(7, A, false, 6), 'W-0'), 60_000).reply.ballot).toBeNull()
  expect(ask(claim(B, ballot(7, A)), 60_001).reply.why).toBe('blank')
  expect(ask(report(A, ballot(7, A, false, 6), 'W-1'), 60_002).persist).toEqual({ job: JOB, ballot: ballot(7, A, false, 6) })
  expect(ask(claim(B, ballot(7, A)), 60_003).reply.why).toBe('outOfSync')
  expect(ask(question(A, ballot(7, A, false, 6)), 60_004).reply.granted).toBe(true)
})

test('a lease that is given up is over at once; what was asked before does not bring it back', () => {
  const before = serving()
  const renewal = question(A, ballot(7, A))
  const release = question(A, ballot(7, A), { do: 'release' })
  const { voter, reply } = vote(before, release, 12_000, TIMES)
  expect(reply).toMatchObject({ granted: false, why: null, leasedTo: null })
  expect(vote(voter, renewal, 12_001, TIMES).reply.why).toBe('late')
  expect(vote(voter, release, 12_001, TIMES).reply.why).toBe('late')
  expect(vote(voter, claim(B, ballot(7, A)), 12_002, TIMES).reply.granted).toBe(true)
})

test.each<[what: string, change: Partial<VoteMessage>]>([
  ['by the other node', { from: B, peer: A }],
  ['by an engine that ended before the lease was given', { sender: `${A}-0` }],
  ['by who knew the voter before it started', { voter: 'W-0' }]
])('a lease is not given up %s', (_what, change) => {
  const before = serving()
  const { voter, persist } = vote(before, question(A, ballot(7, A), { do: 'release' }, change), 12_000, TIMES)
  expect(voter.grant?.holder).toBe(A)
  expect(persist).toBeNull()
  expect(vote(voter, claim(B, ballot(7, A)), 12_002, TIMES).reply.why).toBe('leased')
})

test('a thousand jobs are a thousand voters', () => {
  let witness = startWitness('W-1', {}, 0, TIMES)
  for (let place = 0; place < 1_000; place++)
    for (const from of [A, B]) witness = askWitness(witness, question(from, ballot(1, A), { do: 'report' }, { job: `job-${place}` }), 10).witness
  expect(Object.keys(witness.voters)).toHaveLength(1_000)
  expect(Object.values(witness.voters).every(({ ballot: known }) => known?.owner === A)).toBe(true)
})
