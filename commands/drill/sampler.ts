import type { HelloAnswer, LinkView } from '../../src/wire'
import type { Context } from '../context'
import { callAgent, type Door } from '../kit/client'
import { nowMs, pause } from '../kit/clock'
import { askAll } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'
import { doorOf } from '../simulation'
import { clustersOf, jobIn, type JobNow } from '../view/cluster'

const EVERY_MS = 200
/** Looks that have not come back; more would only be a crowd. */
const LOOKS_MAX = 15
const VIP_ANSWER_MS = 1_000

interface Look {
  startedMs: number
  endedMs: number
  served: boolean
}

/** Looks at a job again and again, from outside: does its address answer, and does its owner say that all of it runs? */
export class Sampler {
  private readonly looks: Look[] = []
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

  /** A look that was begun after this moment saw it served. */
  servedSince(sinceMs: number): boolean {
    return this.looks.some(({ startedMs, served }) => served && startedMs >= sinceMs)
  }

  /** One that was begun after this moment saw it not served. */
  missedSince(sinceMs: number): boolean {
    return this.looks.some(({ startedMs, served }) => !served && startedMs >= sinceMs)
  }

  /** From the last look that saw it served until the first one that saw it again; the longest of them. null: it has not come back. */
  outageMs(): number | null {
    let lastMs: number | null = null
    let missing = false
    let longestMs = 0
    for (const { startedMs, endedMs, served } of [...this.looks].sort((a, b) => a.startedMs - b.startedMs)) {
      if (served && missing && lastMs !== null) longestMs = Math.max(longestMs, endedMs - lastMs)
      missing = !served
      if (served) lastMs = startedMs
    }
    return missing ? null : Math.round(longestMs)
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
    const [runs, answers] = await Promise.all([this.runs(), this.vip !== null && this.probesVip ? this.vipAnswers(this.vip) : true])
    this.underWay -= 1
    this.looks.push({ startedMs, endedMs: nowMs(this.context), served: runs && answers })
  }

  /** In the owner's own words, and not in old ones. */
  private async runs(): Promise<boolean> {
    const now = jobIn(clustersOf(await askAll(this.entries)), this.job)?.now ?? null
    if (now === null || now.view === null || now.seen?.old !== false) return false
    this.last = now
    const { phase, applications, vips } = now.view
    return phase === 'online' && applications.every(({ state }) => state === 'online') && vips.every(({ up }) => up)
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
