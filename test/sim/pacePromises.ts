import type { Action } from '../../src/core'
import type { FakeNode } from '../fakes/fakeNode'

const WINDOW_MS = 1_000
/** The busiest second that was seen has half as many. */
const A_WINDOW_MAX = 100

/** Nobody is flooded: an answer that brings the next question with it goes round as fast as the network does. */
export class PacePromises {
  private readonly done = new Map<string, number[]>()

  check({ name }: FakeNode, atMs: number, actions: Action[]): void {
    for (const action of actions) {
      const what = `${name} ${action.do}`
      const times = [...(this.done.get(what) ?? []).filter((each) => atMs - each < WINDOW_MS), atMs]
      if (times.length > A_WINDOW_MAX) throw new Error(`${what}: ${times.length} within ${WINDOW_MS} ms, at ${atMs}`)
      this.done.set(what, times)
    }
  }
}
