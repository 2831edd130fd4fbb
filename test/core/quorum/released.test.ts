import { hasLeft } from '../../../src/core'
import type { VoterName } from '../../../src/core/event'
import type { Ballot } from '../../../src/wire'
import { A, B, JOB, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, owner, peerView, record } from '../desk'

const HELD: Ballot = { roleSequence: 1, owner: A, mirrorInSync: true, syncSequence: 1, configVersion: 1, safetySequence: 1 }

function answer(desk: Desk, voter: VoterName, leasedTo: string | null = null): Desk {
  const { number } = desk.job.quorum!.asked[voter]
  const reply = { number, incarnation: `${voter}-1`, granted: false, why: null, ballot: HELD, leasedTo }
  desk.tell({ kind: 'voteAnswered', job: JOB, voter, number, reply })
  return desk
}

const asksTheWitness = (desk: Desk): boolean => desk.actions.some((action) => action.do === 'sendVote' && action.to === 'witness')

describe('an owner that shuts down in order and has given its lease up', () => {
  /** Both voters have been heard of before, and the job is stopped. */
  function stopped(): Desk {
    const desk = owner(quorumConfig())
    for (const voter of ['peer', 'witness', 'peer', 'witness'] as const) answer(desk, voter)
    desk.peerSays(peerView(B, {}, { config: quorumConfig() }))
    desk.tell({ kind: 'shutdownBegun' })
    desk.endAll()
    expect(desk.job.record.released).toBe(true)
    return desk
  }

  test('is there until both voters have heard it: the other node needs its own vote, and that of the witness', () => {
    const desk = stopped()
    expect(hasLeft(desk.state)).toBe(false)
    expect(hasLeft(answer(desk, 'witness').state)).toBe(false)
    expect(hasLeft(answer(desk, 'peer').state)).toBe(true)
  })

  test('does not wait for a voter that does not answer', () => {
    const desk = answer(stopped(), 'peer')
    for (let passedMs = 0; passedMs < 2_500; passedMs += 500) desk.tell({ kind: 'ticked', heartbeat: null }, 500)
    expect(hasLeft(desk.state)).toBe(false)
    desk.tell({ kind: 'ticked', heartbeat: null }, 500)
    expect(hasLeft(desk.state)).toBe(true)
  })

  test('does not wait for a node that is lost', () => expect(hasLeft(answer(stopped(), 'witness').hear({ peerAlive: false }).state)).toBe(true))
})

describe('the witness has not heard yet that the owner gave its lease up', () => {
  const standing = (leaving: boolean): Desk => {
    const desk = new Desk(B, quorumConfig()).boot(record({ safety: 'full' })).hear(leaving ? { peerLeaving: true } : {})
    answer(answer(desk, 'witness', A), 'witness', A)
    desk.job.quorum = { ...desk.job.quorum!, grant: null }
    return desk
  }

  test.each([
    ['it is asked again at once, for the other node waits for that alone', true, true],
    ['an owner that does not leave is let alone', false, false]
  ])('%s', (_what, leaving, again) => {
    const desk = standing(leaving)
    desk.tell({ kind: 'ticked', heartbeat: null }, QUORUM.leaseMs / 5)
    answer(desk, 'witness', A)
    desk.tell({ kind: 'ticked', heartbeat: null }, 500)
    expect(asksTheWitness(desk)).toBe(again)
  })
})
