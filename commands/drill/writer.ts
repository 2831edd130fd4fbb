import type { ProbeAnswer } from '../../src/wire'
import type { Context } from '../context'
import { pause } from '../kit/clock'
import { call } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'

const EVERY_MS = 100
/** Longer than the agent lets one write wait. */
const ANSWER_MS = 20_000
const LAST_TRIES = 50
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
  writes = 0
  lost = 0

  constructor(
    private readonly context: Context,
    private readonly entries: NodeEntry[],
    private readonly job: string
  ) {}

  /** Answers whether anything can be written at all. */
  async begin(): Promise<boolean> {
    if (!(await this.write())) return false
    this.going = this.go()
    return true
  }

  /** Once more, to see what is there at the end; then the probe is taken away. */
  async end(): Promise<void> {
    this.stopped = true
    await this.going
    for (let tries = 0; tries < LAST_TRIES && !(await this.write()); tries++) await pause(this.context, EVERY_MS)
    await this.ask({ remove: true }).catch(() => undefined)
  }

  private async go(): Promise<void> {
    while (!this.stopped && !this.context.interrupt.signal.aborted) {
      await this.write()
      await pause(this.context, EVERY_MS)
    }
  }

  private async write(): Promise<boolean> {
    const sequence = ++this.sequence
    try {
      const { before } = await this.ask({ sequence })
      if (sequence > 1) this.compare(before ?? 0)
      this.writes += 1
      this.acknowledged.push(sequence)
      return true
    } catch {
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

  private ask(body: { sequence: number } | { remove: true }): Promise<ProbeAnswer> {
    const entry = this.entries[this.turn % this.entries.length] as NodeEntry
    return call<ProbeAnswer>(entry, { method: 'POST', path: `/v1/jobs/${encodeURIComponent(this.job)}/probe`, body, answerMs: ANSWER_MS })
  }
}
