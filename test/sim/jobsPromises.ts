import type { Action, Event } from '../../src/core'
import type { Records, FakeNode } from '../fakes/fakeNode'
import type { World } from '../fakes/world'
import { DetachPromises } from './detachPromises'
import { QuorumPromises } from './quorumPromises'
import { RestartPromises } from './restartPromises'

class OfJob {
  readonly quorum: QuorumPromises
  readonly detached: DetachPromises
  readonly restarted: RestartPromises

  constructor(job: string) {
    this.quorum = new QuorumPromises(job)
    this.detached = new DetachPromises(job)
    this.restarted = new RestartPromises(job)
  }
}

/** What is promised of each job of a pair. One that was taken out and made again is another one: nothing of before counts. */
export class JobsPromises {
  private readonly jobs = new Map<string, OfJob>()
  /** What is on a disk is of this one. */
  private readonly sinceOnDisk = new Map<string, number>()

  private of(job: string, since = 0): OfJob {
    const key = `${since}/${job}`
    const known = this.jobs.get(key) ?? new OfJob(job)
    this.jobs.set(key, known)
    return known
  }

  check(world: World, node: FakeNode, event: Event, actions: Action[]): void {
    for (const [job, { since }] of jobsOf(node)) {
      const { quorum, detached, restarted } = this.of(job, since)
      quorum.check(world, node, actions)
      detached.check(node, actions)
      restarted.check(node, event, actions)
    }
  }

  saved(world: World, node: FakeNode, records: Records): void {
    for (const [job, { since = 0 }] of jobsOf(node)) {
      const { quorum, detached, restarted } = this.of(job, since)
      quorum.saved(world, node, records)
      detached.saved(world, node, records)
      restarted.saved(node)
      const key = `${node.name}/${job}`
      if (node.disk?.[job] && (this.sinceOnDisk.get(key) ?? 0) !== since) throw new Error(`${node.name} takes the record of an earlier ${job} for its own`)
      if (records[job]) this.sinceOnDisk.set(key, since)
    }
  }

  witnessed(ballot: Parameters<QuorumPromises['witnessed']>[0], job: string, since: number): void {
    this.of(job, since).quorum.witnessed(ballot)
  }

  witnessWiped(): void {
    for (const { quorum } of this.jobs.values()) quorum.witnessWiped()
  }

  served(world: World, node: FakeNode, what: string, job: string): void {
    this.of(job, node.config.jobs[job]?.since).quorum.served(world, node, what)
  }

  checkWhole(world: World, startsFailed: boolean): void {
    for (const node of Object.values(world.nodes)) if (!node.state) throw new Error('I3: an engine is away in peace')
    for (const node of Object.values(world.nodes))
      for (const [job, { since }] of jobsOf(node)) world.jobs.aim(job, () => this.of(job, since).quorum.checkWhole(world, startsFailed))
  }

  /** How often one of them was detached. */
  get detached(): number {
    return [...this.jobs.values()].reduce((count, { detached }) => count + detached.count, 0)
  }
}

/** As its engine goes by them. */
const jobsOf = ({ state }: FakeNode) => Object.entries(state?.config.jobs ?? {})
