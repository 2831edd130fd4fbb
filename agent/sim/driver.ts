import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { VirtualTime } from './virtualTime'

/** Somebody watches: so much virtual time in so much real time. */
const PACE_MS = 50

/**
 * Lets virtual time pass while somebody waits for something, as fast as the decisions can be made, and stand still otherwise. All that a moment leads to has
 * happened before the next one: nothing here waits for a disk or a network.
 */
export class Driver {
  private open = 0
  private paced = 0
  private pumping = false

  constructor(readonly time: VirtualTime) {}

  /** Until this is settled. `paced`: as time really passes, for who looks on. */
  async until<Result>(work: Promise<Result>, paced = false): Promise<Result> {
    this.open += 1
    if (paced) this.paced += 1
    const end = (): void => {
      this.open -= 1
      if (paced) this.paced -= 1
    }
    work.then(end, end)
    if (!this.pumping) void this.pump()
    return await work
  }

  async pass(forMs: number, paced = false): Promise<void> {
    await this.until(new Promise<void>((resolve) => this.time.after(forMs, resolve)), paced)
  }

  private async pump(): Promise<void> {
    this.pumping = true
    for (await turn(); this.open > 0; await turn()) {
      if (this.open === this.paced) await this.pace()
      else this.time.step()
    }
    this.pumping = false
  }

  private async pace(): Promise<void> {
    await delay(PACE_MS)
    const untilMs = this.time.nowMs + PACE_MS
    while ((this.time.nextAtMs ?? Infinity) <= untilMs) {
      this.time.step()
      await turn()
    }
    this.time.run(untilMs - this.time.nowMs)
  }
}
