import type { ClockPort } from '../ports'

/** More long polls than this are answered at once. */
const WAITERS_MAX = 200

interface Waiter<T> {
  awaited: T
  answer(): void
}

/** Those who wait for something new, each for its own; nobody longer than it wants to. */
export class LongPolls<T> {
  private readonly waiting = new Set<Waiter<T>>()

  constructor(private readonly clock: ClockPort) {}

  isEmpty(): boolean {
    return this.waiting.size === 0
  }

  async wait(awaited: T, waitMs: number): Promise<void> {
    if (waitMs <= 0 || this.waiting.size >= WAITERS_MAX) return
    await new Promise<void>((resolve) => {
      const answer = (): void => {
        cancel()
        this.waiting.delete(waiter)
        resolve()
      }
      const waiter: Waiter<T> = { awaited, answer }
      const cancel = this.clock.after(waitMs, answer)
      this.waiting.add(waiter)
    })
  }

  answer(isThere: (awaited: T) => boolean): void {
    for (const { awaited, answer } of [...this.waiting]) if (isThere(awaited)) answer()
  }
}
