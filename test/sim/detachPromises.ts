import { isDeepStrictEqual } from 'node:util'
import type { Action } from '../../src/core'
import type { Detached, JobRecord } from '../../src/model'
import { JOB } from '../fakes/pairConfig'
import type { FakeNode } from '../fakes/fakeNode'
import type { World } from '../fakes/world'

/** What two clocks differ by. */
const DRIFT_PART = 0.03

/** Its engine may have started since, and knows no other clock of before. */
const isSet = ({ wallOffMs }: FakeNode): boolean => wallOffMs !== 0

/** From when somebody is told "detached" until it is said otherwise, or its time is over, nothing acts by itself. */
export class DetachPromises {
  /** What was answered to who typed it. */
  private told: { owner: string; roleSequence: number; detachSequence: number; detached: Detached; alone: boolean } | null = null
  /** How often it was: a life in which it never happens proves nothing. */
  count = 0

  constructor(private readonly job = JOB) {}

  check(node: FakeNode, actions: Action[]): void {
    const job = node.state?.jobs[this.job]
    if (!job) return
    if (actions.length === 0) return
    const started = actions.flatMap((action) =>
      action.do === 'order' && action.job === this.job && action.order.do === 'start' ? [action.order.application] : []
    )
    const off = started.find((name) => job.record.resources?.[name]?.word === 'offline')
    if (off !== undefined) throw new Error(`${node.name} starts ${off}, which was taken offline`)
    const byHand = job.plan?.kind === 'resource' && job.plan.cause === 'command'
    if (started.length > 0 && job.record.detached && !job.yielded && !byHand) throw new Error(`${node.name} starts an application of a job that is detached`)
  }

  private learn(world: World, node: FakeNode, record: JobRecord): void {
    const { roleSequence, detachSequence = 0, detached } = record
    if (record.owner !== node.name || !detached || this.told?.detachSequence === detachSequence) return
    // Detached in another way was refused, and it is as it was before: what was said of it meanwhile, elsewhere, still counts.
    if (this.told?.roleSequence === roleSequence && isDeepStrictEqual(this.told.detached, detached)) return
    const theirs = world.other(node).disk?.[this.job]
    // The guide's mode, and the other node was lost: it is told that it could not be told.
    const knows = theirs?.roleSequence === roleSequence && (theirs.detachSequence ?? 0) >= detachSequence && theirs.detached != null
    const alone = !world.hasQuorum(node, this.job) && !knows
    this.told = { owner: node.name, roleSequence, detachSequence, detached, alone }
    this.count += 1
  }

  /** An engine whose disk fails has said nothing. Whoever takes it by itself has it on its own disk that it is watched again. */
  saved(world: World, node: FakeNode, records: Record<string, JobRecord>): void {
    const [before, now] = [node.disk?.[this.job], records[this.job]]
    if (now && node.state?.jobs[this.job]?.detaching === null) this.learn(world, node, now)
    const takes = before && now && before.owner !== node.name && now.owner === node.name && now.takeReason === 'failover'
    if (!this.told || !takes || this.told.alone || before.roleSequence !== this.told.roleSequence) return
    // The owner itself may have ended it, unheard by one that had never heard of it either.
    const theirs = world.other(node).disk?.[this.job]
    const { detachSequence } = this.told
    const ended = [before, theirs].some((word) => word?.roleSequence === before.roleSequence && (word.detachSequence ?? 0) > detachSequence)
    const { untilMs } = this.told.detached
    const over = untilMs !== null && (isSet(node) || world.wallMs(node) + DRIFT_PART * (untilMs - this.told.detached.sinceMs) >= untilMs)
    if (!ended && !over) throw new Error(`${node.name} takes over a job that ${this.told.owner} had told to be detached`)
  }
}
