import { SlowKind, SlowQueue } from '../../../agent/mirrord/capture/slowQueue'

const flush = { kind: SlowKind.FSYNC, fd: 3, uniqueLow: 1, uniqueHigh: 0, offset: 0, size: 0, slot: -1 }

/** A queue with so many threads, of which none has begun; `asked`: how often another one was wanted, and came while there was one. */
function queueWith(threads: number, more: number) {
  const thread = SlowQueue.create(threads)
  const asked = { times: 0 }
  const capture = SlowQueue.attach(thread.shared, () => ++asked.times <= more)
  return { thread, capture, asked }
}

test('threads come when all of them have work, and not before', () => {
  const { thread, capture, asked } = queueWith(2, 2)
  capture.add(flush)
  capture.add(flush)
  expect(asked.times).toBe(0)
  capture.add(flush)
  expect(asked.times).toBe(1)
  // The third one is on its way to that job; for a fourth a fourth is wanted.
  for (let taken = 0; taken < 3; taken++) expect(thread.take()).toEqual(flush)
  capture.add(flush)
  expect(asked.times).toBe(2)
})

test('one thread suffices for jobs that follow each other, at once after the answer', () => {
  const { thread, capture, asked } = queueWith(1, 3)
  for (let each = 0; each < 5_000; each++) {
    capture.add(flush)
    thread.take()
    thread.oneFree()
  }
  expect(asked.times).toBe(0)
})

test('a job waits when no more threads come', () => {
  const { thread, capture } = queueWith(1, 0)
  for (const fd of [3, 4]) expect(capture.add({ ...flush, fd })).toBe(true)
  expect([thread.take()?.fd, thread.take()?.fd]).toEqual([3, 4])
})
