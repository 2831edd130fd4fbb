import type { VoterName } from '../../../src/core/event'
import type { JobRecord } from '../../../src/model'
import type { Ballot, VoteReply } from '../../../src/wire'
import { A, B, JOB, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, peerView, record } from '../desk'

const ballot = (roleSequence: number, owner: string): Ballot => ({
  roleSequence,
  owner,
  mirrorInSync: true,
  syncSequence: 1,
  configVersion: 1,
  safetySequence: 1
})
const HELD = ballot(2, A)

/** This node has voted for itself in role sequence 3; the owner's administrator has stopped the job since. */
const claiming = (change: Partial<JobRecord> = {}): Desk =>
  new Desk(B, quorumConfig()).boot(record({ roleSequence: 2, owner: A, desired: 'offline', safety: 'full', claim: { roleSequence: 3 }, ...change })).hear()

function answer(desk: Desk, voter: VoterName, held: Ballot, granted = false): void {
  const { number } = desk.job.quorum!.asked[voter]
  const reply: VoteReply = { number, incarnation: `${voter}-1`, granted, why: null, ballot: held, leasedTo: null }
  desk.tell({ kind: 'voteAnswered', job: JOB, voter, number, reply })
}

/** The voter's first answer makes this node ask again, by its name. */
function answerTwice(desk: Desk, voter: VoterName, held: Ballot): void {
  answer(desk, voter, held)
  answer(desk, voter, held)
}

/** The other node asks for this one's vote for itself. */
function asked(desk: Desk, roleSequence: number): JobRecord {
  const plain = { job: JOB, from: A, peer: B, sender: `${A}-1`, number: 1, voter: `${B}-1`, ballot: HELD } as const
  desk.tell({ kind: 'voteAsked', job: JOB, request: 1, message: { ...plain, ask: { do: 'propose', ballot: { ...HELD, roleSequence } } } })
  return desk.job.record
}

test('nobody has seconded it: it is taken back when both voters have answered', () => {
  const desk = claiming()
  answerTwice(desk, 'peer', HELD)
  expect(desk.job.record.claim).toEqual({ roleSequence: 3 })
  answerTwice(desk, 'witness', HELD)
  expect(desk.job.record).toMatchObject({ roleSequence: 2, owner: A, claim: null })
})

test('the other node was given the vote in that role sequence: it is taken back', () => {
  const desk = claiming()
  answerTwice(desk, 'peer', HELD)
  answerTwice(desk, 'witness', ballot(3, A))
  expect(desk.job.record.claim).toBeNull()
})

/** Both voters have answered; the witness has given its vote, and the answer was lost. */
function unheard(): Desk {
  const desk = claiming()
  answerTwice(desk, 'peer', HELD)
  answerTwice(desk, 'witness', ballot(3, B))
  return desk
}

/** The vote of the witness comes when the owner has been stopped, and has to be verified. */
function late(): Desk {
  const desk = claiming({ desired: 'online' })
  desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs + QUORUM.driftMs)
  answer(desk, 'witness', HELD)
  const { number, last } = desk.job.quorum!.asked.witness
  expect(last?.kind).toBe('claim')
  desk.peerSays(peerView(A, { roleSequence: 2, owner: A, desired: 'offline', needToVerify: 'Yes', safety: 'full' }, { config: quorumConfig() }))
  const reply: VoteReply = { number, incarnation: 'witness-1', granted: true, why: null, ballot: ballot(3, B), leasedTo: null }
  desk.tell({ kind: 'voteAnswered', job: JOB, voter: 'witness', number, reply })
  expect(desk.logs.join()).toContain('does not take it: need to verify')
  answerTwice(desk, 'peer', HELD)
  answer(desk, 'witness', ballot(3, B))
  return desk
}

describe.each([
  ['and its answer was lost', unheard],
  ['and it cannot be taken any more', late]
])('the witness has seconded it, %s', (_what, seconded) => {
  test('nobody else gets the vote in that role sequence: it would have two owners', () => {
    const desk = seconded()
    expect(desk.job.record).toMatchObject({ roleSequence: 2, owner: A, claim: { roleSequence: 3 } })
    expect(asked(desk, 3)).toMatchObject({ roleSequence: 2, owner: A })
  })

  test('the next role sequence passes over it', () => {
    expect(asked(seconded(), 4)).toMatchObject({ roleSequence: 4, owner: A, claim: null })
  })
})
