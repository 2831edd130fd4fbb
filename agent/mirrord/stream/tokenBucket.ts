import { setTimeout as delay } from 'node:timers/promises'

/** How much may go out at once: what the limit allows in this time. */
const BURST_MS = 100
const SECOND_MS = 1_000
/** A new limit, or the end, is noticed within this time. */
const NAP_MS = 50

/** A speed limit. What was sent is taken out of the bucket, into debt if need be; the next batch waits until the debt is paid. */
export class TokenBucket {
  private tokens = 0
  private filledAtMs = performance.now()

  constructor(private bytesPerSecond: number | null) {}

  setLimit(bytesPerSecond: number | null): void {
    this.bytesPerSecond = bytesPerSecond
    this.tokens = 0
    this.filledAtMs = performance.now()
  }

  limit(): number | null {
    return this.bytesPerSecond
  }

  /** How much one batch should have. */
  burstBytes(most: number): number {
    return this.bytesPerSecond === null ? most : Math.max(1, Math.min(most, (this.bytesPerSecond * BURST_MS) / SECOND_MS))
  }

  /** Resolves when the limit allows more than these. */
  async spend(bytes: number, stopped: () => boolean): Promise<void> {
    if (this.bytesPerSecond === null) return
    this.fill()
    this.tokens -= bytes
    while (this.bytesPerSecond !== null && this.tokens < 0 && !stopped()) {
      await delay(Math.min(NAP_MS, Math.ceil((-this.tokens * SECOND_MS) / this.bytesPerSecond)))
      this.fill()
    }
  }

  private fill(): void {
    const nowMs = performance.now()
    const rate = this.bytesPerSecond ?? 0
    this.tokens = Math.min((rate * BURST_MS) / SECOND_MS, this.tokens + (rate * (nowMs - this.filledAtMs)) / SECOND_MS)
    this.filledAtMs = nowMs
  }
}
