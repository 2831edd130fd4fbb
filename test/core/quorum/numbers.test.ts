import type { Action } from '../../../src/core'
import type { VoterName } from '../../../src/core/event'
import type { Config, JobMode } from '../../../src/model'
import type { Ballot, VoteReply } from '../../../src/wire'
import { A, B, JOB, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, record } from '../desk'

const config = (mode: JobMode, configVersion = 1): Config => ({ ...quorumConfig(mode), quorum: { ...QUORUM, configVersion } })

const asks = (actions: Action[]) => actions.flatMap((action) => (action.do === 'sendVote' ? [{ to: action.to, ...action.message }] : []))
const numbers = (desk: Desk, to: VoterName) => asks(desk.actions).flatMap((each) => (each.to === to ? [each.number] : []))

test('the mode is changed and changed back: no voter that remembers the questions of before takes the new ones for late', () => {
  const desk = new Desk(A, config('high-availability')).boot(record({})).hear()
  for (let asked = 0; asked < 20; asked++) desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
  const last = { peer: Math.max(...numbers(desk, 'peer')), witness: Math.max(...numbers(desk, 'witness')) }
  desk.tell({ kind: 'configChanged', config: config('guide', 2), configHash: 'two', version: 2 })
  expect(desk.job.quorum).toBeNull()
  desk.tell({ kind: 'configChanged', config: config('high-availability', 3), configHash: 'three', version: 3 })
  desk.tell({ kind: 'configReleased' })
  desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs)
  for (const voter of ['peer', 'witness'] as const) expect(Math.min(...numbers(desk, voter))).toBeGreaterThan(last[voter])
})

describe('a vote of this node for itself that is not wanted any more, as the owner has been stopped by its administrator', () => {
  const ballot = (roleSequence: number, owner: string): Ballot => ({
    roleSequence,
    owner,
    mirrorInSync: true,
    syncSequence: 1,
    configVersion: 1,
    safetySequence: 1
  })
  const HELD = ballot(2, A)

  function answer(desk: Desk, voter: VoterName, held: Ballot): void {
    const { number } = desk.job.quorum!.asked[voter]
    const reply: VoteReply = { number, incarnation: `${voter}-1`, granted: false, why: null, ballot: held, leasedTo: null }
    desk.tell({ kind: 'voteAnswered', job: JOB, voter, number, reply })
  }

  /** The voter's first answer makes this node ask again, by its name. */
  function answerTwice(desk: Desk, voter: VoterName, held: Ballot): void {
    answer(desk, voter, held)
    answer(desk, voter, held)
  }

  const claiming = () =>
    new Desk(B, config('high-availability')).boot(record({ roleSequence: 2, owner: A, desired: 'offline', claim: { roleSequence: 3 } })).hear()

  test.each([
    ['nobody has seconded it', HELD],
    ['the witness has seconded it, and its answer was lost', ballot(3, B)]
  ])('%s: it is taken back when both voters have answered', (_what, held) => {
    const desk = claiming()
    answerTwice(desk, 'peer', HELD)
    expect(desk.job.record.claim).toEqual({ roleSequence: 3 })
    answerTwice(desk, 'witness', held)
    expect(desk.job.record).toMatchObject({ roleSequence: 2, owner: A, claim: null })
  })
})
