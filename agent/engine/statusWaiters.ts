import type { StatusAnswer } from '../../src/wire'
import type { ClockPort } from '../ports'
import { WAITERS_MAX } from './ticketWaiters'

/** While data runs its counters change all the time: nobody reads faster than this. */
const LOOK_EVERY_MS = 100

interface Waiter {
  known: string
  answer(): void
}

/** Long polls of those who follow the pair: answered when it is another one than they know, or when the time is up. */
export class StatusWaiters {
  private readonly waiting = new Set<Waiter>()
  private looks = false

  constructor(
    private readonly clock: ClockPort,
    private readonly status: () => StatusAnswer
  ) {}

  async wait(known: string, waitMs: number): Promise<StatusAnswer> {
    if (waitMs > 0 && this.waiting.size < WAITERS_MAX && this.status().digest === known) await this.news(known, waitMs)
    return this.status()
  }

  changed(): void {
    if (this.waiting.size === 0 || this.looks) return
    this.looks = true
    this.clock.after(LOOK_EVERY_MS, () => this.look())
  }

  private look(): void {
    this.looks = false
    const { digest } = this.status()
    for (const waiter of [...this.waiting]) if (waiter.known !== digest) waiter.answer()
  }

  private news(known: string, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const answer = (): void => {
        cancel()
        this.waiting.delete(waiter)
        resolve()
      }
      const waiter: Waiter = { known, answer }
      const cancel = this.clock.after(waitMs, answer)
      this.waiting.add(waiter)
    })
  }
}
