import type { Action, Event } from '../../src/core'
import { DEFAULT_RESTART_LIMIT } from '../../src/model'
import type { KeptRestarts } from '../../src/wire/keptRestarts'
import { JOB } from '../fakes/pairConfig'
import type { FakeNode } from '../fakes/fakeNode'

/** In one boot of a node no more is restarted than the limit allows (a life is shorter than its window), however often the engine is another one. */
export class RestartPromises {
  private readonly onDisk = new Map<string, () => void>()
  private readonly seen = new Map<string, { boots: number; times: Set<number> }>()

  constructor(private readonly job = JOB) {}

  check(node: FakeNode, event: Event, actions: Action[]): void {
    if (saysToBegin(event, actions, this.job)) this.seen.delete(node.name)
    const [first] = actions
    if (first?.do !== 'persist') return
    const done = (first.records[this.job]?.restarts as KeptRestarts | undefined)?.done ?? []
    const isDataLost = event.kind === 'dataLost' && event.job === this.job
    this.onDisk.set(node.name, () => this.count(node, done, isDataLost))
  }

  /** What does not get to the disk is not done either. */
  saved({ name }: FakeNode): void {
    this.onDisk.get(name)?.()
    this.onDisk.delete(name)
  }

  private count(node: FakeNode, done: KeptRestarts['done'], isDataLost: boolean): void {
    const times = this.timesOf(node)
    // The data program died with it: that is one restart, and not two.
    if (isDataLost) for (const atMs of times) if (!done.some((each) => each.atMs === atMs)) times.delete(atMs)
    for (const { atMs } of done) times.add(atMs)
    if (times.size > DEFAULT_RESTART_LIMIT.max) throw new Error(`${node.name} has restarted it ${times.size} times`)
  }

  private timesOf({ name, boots }: FakeNode): Set<number> {
    const known = this.seen.get(name)
    if (known?.boots === boots) return known.times
    const times = new Set<number>()
    this.seen.set(name, { boots, times })
    return times
  }
}

/** Whoever types something may have said that it begins anew, and so may the end of a detachment. */
const saysToBegin = (event: Event, actions: Action[], job: string): boolean =>
  (event.kind === 'commandGiven' && event.job === job) ||
  actions.some((action) => action.do === 'log' && action.job === job && action.text.includes('is watched again:'))
