import type { StatusAnswer } from '../../src/wire'
import type { ClockPort } from '../ports'
import { LongPolls } from './longPolls'

/** While data runs its counters change all the time: nobody reads faster than this. */
const LOOK_EVERY_MS = 100

/** Long polls of those who follow the pair: answered when it is another one than they know, or when the time is up. */
export class StatusWaiters {
  /** Each with the digest that it knows. */
  private readonly polls: LongPolls<string>
  private looks = false

  constructor(
    private readonly clock: ClockPort,
    private readonly status: () => StatusAnswer
  ) {
    this.polls = new LongPolls(clock)
  }

  async wait(known: string, waitMs: number): Promise<StatusAnswer> {
    if (waitMs > 0 && this.status().digest === known) await this.polls.wait(known, waitMs)
    return this.status()
  }

  changed(): void {
    if (this.polls.isEmpty() || this.looks) return
    this.looks = true
    this.clock.after(LOOK_EVERY_MS, () => this.look())
  }

  private look(): void {
    this.looks = false
    const { digest } = this.status()
    this.polls.answer((known) => known !== digest)
  }
}
