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
  private readonly done = new Map<string, Counts>()
  private readonly said = new Map<string, Counts>()

  check({ name }: FakeNode, atMs: number, actions: Action[]): void {
    for (const action of actions) {
      const of = 'job' in action && action.job !== null ? ` of ${action.job}` : ''
      this.count(this.done, name, `${action.do}${of}`, Math.floor(atMs / SECOND_MS), A_SECOND_MAX)
      if (action.do === 'log') this.count(this.said, name, action.text, Math.floor(atMs / REPEATED_MS), REPEATED_MAX)
    }
  }

  private count(of: Map<string, Counts>, node: string, what: string, window: number, max: number): void {
    let counts = of.get(node)
    if (counts?.window !== window) of.set(node, (counts = { window, times: new Map() }))
    const times = (counts.times.get(what) ?? 0) + 1
    if (times > max) throw new Error(`flooded: ${node} ${what}: more than ${max} times`)
    counts.times.set(what, times)
  }
}

interface Counts {
  window: number
  times: Map<string, number>
}
