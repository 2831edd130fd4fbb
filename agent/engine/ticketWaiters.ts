import { ticketAnswer, type State } from '../../src/core'
import type { TicketAnswer } from '../../src/wire'
import type { ClockPort } from '../ports'
import { LongPolls } from './longPolls'

/** Long polls: answered when the ticket has something new, when it has ended, or when the time is up. */
export class TicketWaiters {
  private readonly polls: LongPolls<{ id: string; since: number }>

  constructor(
    clock: ClockPort,
    private readonly state: () => State
  ) {
    this.polls = new LongPolls(clock)
  }

  /** null: no such ticket here. */
  async wait(id: string, since: number, waitMs: number): Promise<TicketAnswer | null> {
    if (!this.hasNews(id, since)) await this.polls.wait({ id, since }, waitMs)
    const ticket = this.state().tickets[id]
    return ticket ? ticketAnswer(this.state(), ticket, since) : null
  }

  changed(): void {
    this.polls.answer(({ id, since }) => this.hasNews(id, since))
  }

  private hasNews(id: string, since: number): boolean {
    const ticket = this.state().tickets[id]
    return ticket?.state !== 'running' || ticket.steps.length > since
  }
}
