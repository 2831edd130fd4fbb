import { SyncWaiters } from '../../../agent/mirrord/order/syncWaiters'

const FUSE_FD = 7

/** Requests of one folder, on a clock that stands still until it is moved. */
function waitersAt(startMs: number) {
  const clock = { ms: startMs }
  const answered: [number, number][] = []
  const answer = (_fd: number, unique: number, _high: number, result: number): void => void answered.push([unique, result])
  const waiters = new SyncWaiters(undefined, answer, () => clock.ms * 1_000)
  /** Its flush is done and the target has it. */
  const ready = (unique: number, result = 0): void => {
    const slot = waiters.add(FUSE_FD, unique, 0, unique)
    waiters.targetHas(unique)
    waiters.flushed(slot, result)
  }
  return { clock, answered, waiters, ready }
}

test('without quorum nobody needs a lease', () => {
  const { waiters, answered, ready } = waitersAt(10_000)
  expect([waiters.lease.isNeeded(), waiters.lease.runs()]).toEqual([false, true])
  ready(1)
  expect(answered).toEqual([[1, 0]])
})

test('the clock is looked at for each answer: what is ready a moment too late waits for the next lease', () => {
  const { clock, waiters, answered, ready } = waitersAt(10_000)
  waiters.setLease(10_500)
  clock.ms = 10_499
  ready(1)
  clock.ms = 10_500
  ready(2)
  ready(3)
  expect(answered).toEqual([[1, 0]])
  waiters.setLease(10_400)
  expect(answered).toEqual([[1, 0]])
  waiters.setLease(11_000)
  expect(answered).toEqual([1, 2, 3].map((unique) => [unique, 0]))
})

test('a job with quorum that was told no lease answers nothing, but that the disk has failed', () => {
  const { waiters, answered, ready } = waitersAt(10)
  waiters.setLease(0)
  ready(1)
  ready(2, -5)
  expect(answered).toEqual([[2, -5]])
})

test('what waits for a lease does not count as waiting for the target, is given up with its folder, and its slot is used again', () => {
  const { waiters, answered, ready } = waitersAt(10_000)
  waiters.setLease(0)
  ready(1)
  expect([waiters.waiting(), waiters.longestMs()]).toEqual([0, 0])
  waiters.abandon(FUSE_FD)
  waiters.setLease(20_000)
  expect(answered).toEqual([])
  expect(waiters.add(FUSE_FD, 9, 0, 9)).toBe(0)
})

test('a mode without quorum is chosen while something is held: it is answered', () => {
  const { waiters, answered, ready } = waitersAt(10_000)
  waiters.setLease(0)
  ready(1)
  waiters.setLease(null)
  expect(answered).toEqual([[1, 0]])
})
