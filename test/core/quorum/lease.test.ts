import { guardMarginMs, isValid, mayGoOn, NO_LEASE, renewed, renewEveryMs, stopMarginMs } from '../../../src/core/quorum/lease'
import { startVoter, vote } from '../../../src/core/quorum/voter'
import { A, B, JOB } from '../../fakes/pairConfig'

const QUORUM = { leaseMs: 6_000, driftMs: 200, configVersion: 1 }

test.each<[what: string, roleSequence: number, atMs: number, valid: boolean, goesOn: boolean]>([
  ['just renewed', 7, 10_001, true, true],
  ['the time to stop has come', 7, 14_800, true, false],
  ['the last moment', 7, 15_999, true, false],
  ['over', 7, 16_000, false, false],
  ['another role sequence is on the disk', 8, 10_001, false, false]
])('a lease renewed at 10 s, for 6 s: %s', (_what, roleSequence, atMs, valid, goesOn) => {
  const lease = renewed(NO_LEASE, 7, 10_000, QUORUM)
  expect([isValid(lease, roleSequence, atMs), mayGoOn(lease, roleSequence, atMs)]).toEqual([valid, goesOn])
})

test('it counts from the sending, and an answer that comes late takes nothing away', () => {
  const lease = renewed(renewed(NO_LEASE, 7, 12_000, QUORUM), 7, 10_000, QUORUM)
  expect(lease.untilMs).toBe(18_000)
  expect(renewed(lease, 8, 11_000, QUORUM)).toEqual({ roleSequence: 8, untilMs: 17_000, leaseMs: 6_000 })
})

test('renewed in time twice over before it is time to stop, and the guard comes after the engine', () => {
  expect(2 * renewEveryMs(QUORUM)).toBeLessThan(QUORUM.leaseMs - stopMarginMs(QUORUM))
  expect(guardMarginMs(QUORUM)).toBeLessThan(stopMarginMs(QUORUM))
})

test.each([
  [0.99, 1.01],
  [1.01, 0.99],
  [1, 1]
])('an owner whose clock runs at %d has stopped before a voter whose clock runs at %d grants another one', (ownerRate, voterRate) => {
  const held = { roleSequence: 7, owner: A, mirrorInSync: true, syncSequence: 5, configVersion: 1 }
  const message = { job: JOB, from: A, peer: B, sender: `${A}-1`, number: 1, voter: 'W-1', ballot: held, ask: { do: 'renew' } } as const
  // Sent at the true moment 100 s, and there at once: the worst case for the voter.
  const trueMs = 100_000
  const lease = renewed(NO_LEASE, 7, trueMs * ownerRate, QUORUM)
  const { voter } = vote(startVoter('W-1', held, 0, QUORUM), message, trueMs * voterRate, QUORUM)
  const ownerEnds = lease.untilMs / ownerRate
  const voterFree = (voter.grant?.untilMs ?? 0) / voterRate
  expect(voterFree).toBeGreaterThanOrEqual(ownerEnds)
})
