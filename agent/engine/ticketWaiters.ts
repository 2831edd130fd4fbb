import { ticketAnswer, type State } from '../../src/core'
import type { TicketAnswer } from '../../src/wire'
import type { ClockPort } from '../ports'

/** More long polls than this are answered at once. */
export const WAITERS_MAX = 200

interface Waiter {
  id: string
  since: number
  answer(): void
}

/** Long polls: answered when the ticket has something new, when it has ended, or when the time is up. */
export class TicketWaiters {
  private readonly waiting = new Set<Waiter>()

  constructor(
    private readonly clock: ClockPort,
    private readonly state: () => State
  ) {}

  /** null: no such ticket here. */
  async wait(id: string, since: number, waitMs: number): Promise<TicketAnswer | null> {
    if (!this.hasNews(id, since) && waitMs > 0 && this.waiting.size < WAITERS_MAX) await this.news(id, since, waitMs)
    const ticket = this.state().tickets[id]
    return ticket ? ticketAnswer(this.state(), ticket, since) : null
  }

  changed(): void {
    for (const waiter of [...this.waiting]) if (this.hasNews(waiter.id, waiter.since)) waiter.answer()
  }

  private hasNews(id: string, since: number): boolean {
    const ticket = this.state().tickets[id]
    return ticket?.state !== 'running' || ticket.steps.length > since
  }

  private news(id: string, since: number, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const answer = (): void => {
        cancel()
        this.waiting.delete(waiter)
        resolve()
      }
      const waiter: Waiter = { id, since, answer }
      const cancel = this.clock.after(waitMs, answer)
      this.waiting.add(waiter)
    })
  }
}
