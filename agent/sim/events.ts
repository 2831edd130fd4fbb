import { EVENTS_PAGE_MAX, EVENTS_WAIT_MS_MAX, type EventEntry, type EventsAnswer, type EventsQuery } from '../../src/wire'
import { matches } from '../adapters/eventHistory'

const KEPT_MAX = 10_000

/** A simulated node's event log: as agent/adapters/eventHistory keeps it, without a disk. */
export class SimEvents {
  private readonly entries: EventEntry[] = []
  private last = 0
  private readonly waiting = new Set<() => void>()

  constructor(private readonly after: (delayMs: number, run: () => void) => void) {}

  add(event: Omit<EventEntry, 'sequence'>): void {
    this.entries.push({ sequence: ++this.last, ...event })
    if (this.entries.length > KEPT_MAX) this.entries.shift()
    for (const answer of [...this.waiting]) answer()
  }

  async find(query: EventsQuery): Promise<Omit<EventsAnswer, 'node' | 'utcOffsetMinutes'>> {
    const { since } = query
    if (since !== null && since >= this.last && query.waitMs > 0) await this.news(query.waitMs)
    const wanted = this.entries.filter((entry) => entry.sequence > (since ?? 0) && matches(entry, query))
    const max = Math.min(query.max, EVENTS_PAGE_MAX)
    const events = since === null ? wanted.slice(Math.max(0, wanted.length - max)) : wanted.slice(0, max)
    const all = since === null || wanted.length <= max
    return { events, nextSince: all ? this.last : (events.at(-1)?.sequence ?? this.last), forgottenTo: (this.entries[0]?.sequence ?? 1) - 1 }
  }

  private news(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const answer = (): void => {
        this.waiting.delete(answer)
        resolve()
      }
      this.waiting.add(answer)
      this.after(Math.min(waitMs, EVENTS_WAIT_MS_MAX), answer)
    })
  }
}
