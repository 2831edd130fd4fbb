import type { HelloAnswer, LinkView } from '../../src/wire'
import type { Context } from '../context'
import { callAgent, type Door } from '../kit/client'
import { nowMs, pause } from '../kit/clock'
import { askAll } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'
import { doorOf } from '../simulation'
import { clustersOf, jobIn, type JobNow } from '../view/cluster'
import { type Look, Looks } from './looks'

const EVERY_MS = 200
/** Looks that have not come back; more would only be a crowd. */
const LOOKS_MAX = 15
const VIP_ANSWER_MS = 1_000

/** Looks at a job again and again, from outside: does its address answer, and does its owner say that all of it runs? */
export class Sampler {
  readonly looks = new Looks()
  private underWay = 0
  private stopped = false
  probesVip = false
  /** What the owner said last. */
  last: JobNow | null = null

  constructor(
    private readonly context: Context,
    private readonly entries: NodeEntry[],
    private readonly job: string,
    private readonly vip: { address: string; port: number } | null
  ) {}

  /** Whether the address can be looked at from here is seen before anything is done to it. */
  async begin(): Promise<void> {
    this.probesVip = this.vip !== null && (await this.vipAnswers(this.vip))
    void this.go()
  }

  stop(): void {
    this.stopped = true
  }

  /** The heartbeat links, as the owner said last. */
  links(): LinkView[] {
    return this.last?.seen?.view.links ?? []
  }

  private async go(): Promise<void> {
    while (!this.stopped && !this.context.interrupt.signal.aborted) {
      if (this.underWay < LOOKS_MAX) void this.look()
      await pause(this.context, EVERY_MS)
    }
  }

  private async look(): Promise<void> {
    const startedMs = nowMs(this.context)
    this.underWay += 1
    const [seen, answers] = await Promise.all([this.runs(), this.vip !== null && this.probesVip ? this.vipAnswers(this.vip) : true])
    this.underWay -= 1
    this.looks.add({ startedMs, endedMs: nowMs(this.context), served: seen.runs && answers, changedMs: seen.changedMs })
  }

  /** In the owner's own words, and not in old ones. */
  private async runs(): Promise<Pick<Look, 'changedMs'> & { runs: boolean }> {
    const now = jobIn(clustersOf(await askAll(this.entries)), this.job)?.now ?? null
    if (now === null || now.view === null || now.seen?.old !== false) return { runs: false, changedMs: null }
    this.last = now
    const { phase, applications, vips } = now.view
    const runs = phase === 'online' && applications.every(({ state }) => state === 'online') && vips.every(({ up }) => up)
    const changes = applications.flatMap(({ sinceMs }) => sinceMs ?? [])
    return { runs, changedMs: changes.length === 0 ? null : Math.max(...changes) }
  }

  private async vipAnswers({ address, port }: { address: string; port: number }): Promise<boolean> {
    const { simulation } = this.context
    const door: Door = simulation === null ? { address, port, fingerprint: null } : doorOf(simulation, address, port)
    try {
      const { node } = await callAgent<HelloAnswer>(door, { method: 'GET', path: '/v1/hello', answerMs: VIP_ANSWER_MS })
      return this.entries.some((entry) => entry.node === node)
    } catch {
      return false
    }
  }
}
