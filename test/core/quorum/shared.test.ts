import { askShared, newSeat, type SharedSeat, type SharedVoter } from '../../../src/core/quorum/shared'
import type { Ballot, VoteMessage, VoteQuestion } from '../../../src/wire'

const [A, B] = ['RMHW131', 'RMHW132']
const TIMES = { leaseMs: 1_000, driftMs: 50 }
const held: Ballot = { roleSequence: 1, owner: A, mirrorInSync: true, syncSequence: 1, configVersion: 1 }
const claim: Ballot = { ...held, roleSequence: 2, owner: B }

/** etcd, and what each node remembers of it. */
class Shared {
  kept: SharedVoter | null = null
  writes = 0
  private words = 0
  private numbers = 0
  readonly seats: Record<string, SharedSeat> = { [A]: newSeat(), [B]: newSeat() }

  ask(from: string, ask: VoteQuestion, atMs: number, leaseMs = TIMES.leaseMs) {
    this.numbers += 1
    this.words += 1
    const message: VoteMessage = {
      ...{ job: 'DB_Group', from, peer: from === A ? B : A, sender: `${from}-1`, number: this.numbers },
      ...{ voter: this.kept?.incarnation ?? null, ballot: held, ask }
    }
    const { reply, write, seat } = askShared(this.kept, this.seats[from] as SharedSeat, message, { atMs, word: `w${this.words}`, times: { ...TIMES, leaseMs } })
    this.seats[from] = { ...seat, inDoubt: false }
    if (write) this.kept = write
    if (write) this.writes += 1
    return reply
  }
}

/** Both have been heard, the wait for what may have been before is over, and the owner has a lease since 5,000. */
function owned(): Shared {
  const shared = new Shared()
  for (const from of [A, B, A, B]) shared.ask(from, { do: 'report' }, 0)
  expect(shared.ask(A, { do: 'renew' }, 5_000)).toMatchObject({ granted: true, leasedTo: A })
  return shared
}

test('nothing is voted before both are heard, and a lease is waited for that may have been given before it was lost', () => {
  const shared = new Shared()
  expect(shared.ask(A, { do: 'renew' }, 0)).toMatchObject({ granted: false, ballot: null })
  expect(shared.ask(A, { do: 'renew' }, 0)).toMatchObject({ why: 'blank', leasedTo: '' })
  for (const from of [B, B]) shared.ask(from, { do: 'report' }, 0)
  expect(shared.ask(A, { do: 'renew' }, 900)).toMatchObject({ why: 'leased' })
  expect(shared.ask(A, { do: 'renew' }, 1_051)).toMatchObject({ granted: true })
})

test('who wants to take over waits on its own clock, from when it has first seen the newest grant', () => {
  const shared = owned()
  // Its clock says something else; it looks for the first time.
  expect(shared.ask(B, { do: 'propose', ballot: claim }, 90_000)).toMatchObject({ why: 'leased', leasedTo: A })
  expect(shared.ask(B, { do: 'propose', ballot: claim }, 91_049)).toMatchObject({ why: 'leased' })
  shared.ask(A, { do: 'renew' }, 5_900)
  expect(shared.ask(B, { do: 'propose', ballot: claim }, 91_051)).toMatchObject({ why: 'leased' })
  expect(shared.ask(B, { do: 'propose', ballot: claim }, 92_102)).toMatchObject({ granted: true, ballot: claim, leasedTo: B })
  expect(shared.ask(A, { do: 'renew' }, 6_000)).toMatchObject({ why: 'newer' })
})

test('a lease that was given for longer is not forgotten by a shorter one', () => {
  const shared = owned()
  shared.ask(A, { do: 'renew' }, 5_100, 60_000)
  shared.ask(A, { do: 'renew' }, 5_200)
  shared.ask(B, { do: 'report' }, 0)
  expect(shared.ask(B, { do: 'propose', ballot: claim }, 60_000)).toMatchObject({ why: 'leased' })
})

test('a report changes nothing and is not written, unless something that was asked for may still come', () => {
  const shared = owned()
  const { writes } = shared
  shared.ask(B, { do: 'report' }, 0)
  expect(shared.writes).toBe(writes)
  shared.seats[B] = { ...(shared.seats[B] as SharedSeat), inDoubt: true }
  shared.ask(B, { do: 'report' }, 0)
  expect(shared.writes).toBe(writes + 1)
})
