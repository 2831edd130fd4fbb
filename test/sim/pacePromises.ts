import type { Action } from '../../src/core'
import type { FakeNode } from '../fakes/fakeNode'

const SECOND_MS = 1_000
const REPEATED_MS = 20_000
/** The busiest second that was seen has half as many. */
const A_SECOND_MAX = 100
/** A service that comes and goes says the same ten times. */
const REPEATED_MAX = 30

/**
 * Nobody is flooded, the administrator included: an answer that brings the next question with it goes round as fast as the network does, and two notes that
 * take turns are said with every event.
 */
export class PacePromises {
  private readonly done = new Map<string, number[]>()

  check({ name }: FakeNode, atMs: number, actions: Action[]): void {
    for (const action of actions) {
      this.count(`${name} ${action.do}`, atMs, SECOND_MS, A_SECOND_MAX)
      if (action.do === 'log') this.count(`${name} says "${action.text}"`, atMs, REPEATED_MS, REPEATED_MAX)
    }
  }

  private count(what: string, atMs: number, withinMs: number, max: number): void {
    const times = [...(this.done.get(what) ?? []).filter((each) => atMs - each < withinMs), atMs]
    if (times.length > max) throw new Error(`${what}: ${times.length} within ${withinMs} ms, at ${atMs}`)
    this.done.set(what, times)
  }
}
