import type { StoodStill } from '../../src/wire'
import type { ClockPort, LogPort } from '../ports'

/** The answer gets so long to leave the machine before nothing moves any more. */
const BEGIN_MS = 200

export interface StillnessPorts {
  node: string
  clock: ClockPort
  log: LogPort
  /** What is in the way of it now, by the decisions' own state. */
  whyNot(job: string): string[]
  /** Everything of this node but what it serves, for so long; says what did not, or would not. Resolves when all of it moves again. */
  standStill(forMs: number): Promise<string[]>
}

/** This node hangs for a while, because a drill has asked for it. */
export class Stillness {
  last: StoodStill | null = null

  constructor(private readonly ports: StillnessPorts) {}

  get isNow(): boolean {
    return this.last !== null && this.last.lastedMs === null
  }

  /** It has been looked at whether it may; it is looked at once more in the very moment. */
  begin(job: string, forMs: number): void {
    const { clock, log, node } = this.ports
    this.last = { job, forMs, lastedMs: null, whyNot: [] }
    log.event('warning', `Drill: ${node} stands still for ${forMs} ms`, job)
    clock.after(BEGIN_MS, () => void this.stand(job, forMs))
  }

  private async stand(job: string, forMs: number): Promise<void> {
    const { clock, log, node } = this.ports
    const inTheWay = this.ports.whyNot(job)
    const beganMs = clock.nowMs()
    const whyNot = inTheWay.length > 0 ? inTheWay : await this.ports.standStill(forMs).catch((error: Error) => [error.message])
    const lastedMs = Math.round(clock.nowMs() - beganMs)
    this.last = { job, forMs, lastedMs, whyNot }
    log.event(whyNot.length === 0 ? 'info' : 'warning', `Drill: ${node} goes on after ${lastedMs} ms${whyNot.map((why) => `; ${why}`).join('')}`, job)
  }
}
