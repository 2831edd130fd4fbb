import { randomUUID } from 'node:crypto'
import { ReportError } from '../../src/report/report'
import type { ProbeAnswer, ProbeSeen } from '../../src/wire'
import type { Context } from '../context'
import { nowMs, pause, until } from '../kit/clock'
import { call } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'

const EVERY_MS = 100
/** Longer than the agent lets one write wait. */
const ANSWER_MS = 20_000
const LAST_TRIES = 50
/** What the other copy has taken on is applied by then. */
const APPLIED_MS = 10_000
/** No queue holds more of them than are written in a drill. */
const REMEMBERED_MAX = 10_000

/** Writes one number after the other into the job's folder, as an application would, and looks each time whether the one before is there. */
export class Writer {
  /** Acknowledged, and not found to be missing. */
  private acknowledged: number[] = []
  private sequence = 0
  private turn = 0
  private stopped = false
  private going: Promise<void> = Promise.resolve()
  private readonly drill: string = randomUUID()
  /** Of the write that is under way, from its first try on. */
  private sinceMs: number | null = null
  private longestMs = 0
  writes = 0
  lost = 0

  constructor(
    private readonly context: Context,
    private readonly entries: NodeEntry[],
    private readonly job: string
  ) {}

  /** From the first try until it was acknowledged, the longest; null: the last one never was. */
  get waitMs(): number | null {
    return this.sinceMs === null ? Math.round(this.longestMs) : null
  }

  /** Answers whether anything can be written at all. Rejects where another drill is under way. */
  async begin(): Promise<boolean> {
    if (!(await this.write((why) => why instanceof ReportError && why.report.code === 'E_DRILL_RUNS'))) return false
    this.going = this.go()
    return true
  }

  /** Once more, to see what is there at the end, and on the other copy too, where it is named; then the probe is taken away. */
  async end(copyOn: NodeEntry | null): Promise<void> {
    this.stopped = true
    await this.going
    for (let tries = 0; tries < LAST_TRIES && !(await this.write()); tries++) await pause(this.context, EVERY_MS)
    if (copyOn !== null) await this.compareCopy(copyOn)
    await this.ask({ remove: true }).catch(() => undefined)
  }

  private async go(): Promise<void> {
    while (!this.stopped && !this.context.interrupt.signal.aborted) {
      await this.write()
      await pause(this.context, EVERY_MS)
    }
  }

  /** It holds no less than what was acknowledged; one that cannot be read holds nothing. */
  private async compareCopy(entry: NodeEntry): Promise<void> {
    const last = this.acknowledged.at(-1) ?? 0
    let there = 0
    await until(this.context, APPLIED_MS, EVERY_MS, async () => {
      there = await call<ProbeSeen>(entry, { method: 'GET', path: this.path }).then(
        ({ sequence }) => sequence ?? 0,
        () => 0
      )
      return there >= last
    })
    this.lost += this.acknowledged.filter((sequence) => sequence > there).length
  }

  private async write(isFatal: (thrown: unknown) => boolean = () => false): Promise<boolean> {
    const sequence = ++this.sequence
    this.sinceMs ??= nowMs(this.context)
    try {
      const { before } = await this.ask({ sequence })
      if (sequence > 1) this.compare(before ?? 0)
      this.longestMs = Math.max(this.longestMs, nowMs(this.context) - this.sinceMs)
      this.sinceMs = null
      this.writes += 1
      this.acknowledged.push(sequence)
      return true
    } catch (thrown) {
      if (isFatal(thrown)) throw thrown
      // It is being moved, or started: the other node may have it.
      this.turn += 1
      return false
    }
  }

  /** The number that stands there is the last one of all that were written there. */
  private compare(before: number): void {
    // That a node has its own writes says nothing about the other one: all of them are looked for each time.
    const there = this.acknowledged.filter((sequence) => sequence <= before)
    this.lost += this.acknowledged.length - there.length
    this.acknowledged = there.slice(-REMEMBERED_MAX)
  }

  private get path(): string {
    return `/v1/jobs/${encodeURIComponent(this.job)}/probe`
  }

  private ask(body: { sequence: number } | { remove: true }): Promise<ProbeAnswer> {
    const entry = this.entries[this.turn % this.entries.length] as NodeEntry
    return call<ProbeAnswer>(entry, { method: 'POST', path: this.path, body: { drill: this.drill, ...body }, answerMs: ANSWER_MS })
  }
}
