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

describe('who waits is killed', () => {
  const [KILLED, EINTR] = [4_711, 4]
  /** Long enough to be looked at. */
  const waited = ({ clock }: ReturnType<typeof waitersAt>): number => (clock.ms += 120)
  const look = ({ waiters }: ReturnType<typeof waitersAt>): void => waiters.giveUpKilled((pid) => pid === KILLED)

  test('it is interrupted, whether it waits for the target or for a lease; who lives waits on', () => {
    const world = waitersAt(10_000)
    const { waiters, answered } = world
    waiters.setLease(0)
    const slots = [1, 2, 3, 4].map((unique) => waiters.add(FUSE_FD, unique, 0, unique, unique % 2 === 0 ? KILLED : 1))
    for (const slot of slots) waiters.flushed(slot, 0)
    waiters.targetHas(2)
    waited(world)
    look(world)
    expect(answered).toEqual([2, 4].map((unique) => [unique, -EINTR]))
    expect(waiters.waiting()).toBe(1)
    waiters.setLease(20_000)
    waiters.targetHas(9)
    expect(answered.slice(2)).toEqual([
      [1, 0],
      [3, 0]
    ])
  })

  test('one that is still being flushed keeps its slot until that has ended', () => {
    const world = waitersAt(10_000)
    const { waiters, answered } = world
    const slot = waiters.add(FUSE_FD, 1, 0, 1, KILLED)
    waited(world)
    look(world)
    expect(answered).toEqual([])
    expect(waiters.add(FUSE_FD, 2, 0, 2, 1)).not.toBe(slot)
    waiters.flushed(slot, 0)
    expect(answered).toEqual([[1, -EINTR]])
    expect(waiters.waiting()).toBe(1)
  })
})

test('one that comes while it is looked who waits longest has not waited for weeks', () => {
  const { clock, waiters } = waitersAt(10_000)
  waiters.add(FUSE_FD, 1, 0, 1)
  // Looked at a moment before.
  clock.ms = 9_999
  expect(waiters.longestMs()).toBe(0)
  clock.ms = 10_700
  expect(waiters.longestMs()).toBe(700)
})
