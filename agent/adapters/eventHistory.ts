import { EVENT_LEVELS, EVENTS_PAGE_MAX, EVENTS_WAIT_MS_MAX, type EventEntry, type EventsAnswer, type EventsQuery } from '../../src/wire'
import { EventFile } from './eventFile'

/** Kept in memory, so that who follows the log costs no read. */
const RECENT_MAX = 1_000
/** Read at the start, for the last sequence and the newest events. */
const START_BYTES = 256 * 1024
/** A power cut can take the newest lines: their numbers are not given again. */
const SEQUENCES_SKIPPED = 1_000_000
/** Who follows beyond so many is answered at once. */
const WAITERS_MAX = 200

type Found = Omit<EventsAnswer, 'node' | 'utcOffsetMinutes'>

/** The events of a node as they can be asked for: one JSON line each, in files of bounded size. */
export class EventHistory {
  private readonly file: EventFile
  private readonly recent: EventEntry[]
  private last: number
  private readonly waiting = new Set<() => void>()

  constructor(file: string) {
    this.file = new EventFile(file)
    this.recent = entriesIn(this.file.newest(START_BYTES)).slice(-RECENT_MAX)
    const newest = this.recent.at(-1)
    this.last = newest === undefined ? 0 : newest.sequence + SEQUENCES_SKIPPED
  }

  add(event: Omit<EventEntry, 'sequence'>): void {
    const entry = { sequence: ++this.last, ...event }
    this.recent.push(entry)
    if (this.recent.length > RECENT_MAX) this.recent.shift()
    this.file.append(JSON.stringify(entry))
    for (const answer of [...this.waiting]) answer()
  }

  flushed(): Promise<void> {
    return this.file.flushed()
  }

  /** Answers at once what there is, or, with `since` and `waitMs`, when something new has happened. */
  async find(query: EventsQuery): Promise<Found> {
    const { since } = query
    // Another history than that which the caller knows: it begins anew.
    if (since !== null && since > this.last) return this.find({ ...query, since: 0, waitMs: 0 })
    if (since === this.last && query.waitMs > 0 && this.waiting.size < WAITERS_MAX) await this.news(query.waitMs)
    const from = since ?? 0
    const known = since !== null && (this.recent[0]?.sequence ?? 1) <= from + 1
    const entries = known ? this.recent : entriesIn(await this.file.lines())
    const wanted = entries.filter((entry) => entry.sequence > from && matches(entry, query))
    const max = Math.min(query.max, EVENTS_PAGE_MAX)
    const events = since === null ? wanted.slice(Math.max(0, wanted.length - max)) : wanted.slice(0, max)
    const all = since === null || wanted.length <= max
    return { events, nextSince: all ? this.last : events.at(-1)!.sequence, forgottenTo: (entries[0]?.sequence ?? 1) - 1 }
  }

  private news(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const answer = (): void => {
        clearTimeout(timer)
        this.waiting.delete(answer)
        resolve()
      }
      const timer = setTimeout(answer, Math.min(waitMs, EVENTS_WAIT_MS_MAX))
      this.waiting.add(answer)
    })
  }
}

export const matches = (entry: EventEntry, { level, job, fromMs, toMs }: EventsQuery): boolean =>
  EVENT_LEVELS.indexOf(entry.level) >= EVENT_LEVELS.indexOf(level) && (job === null || entry.job === job) && entry.atMs >= fromMs && entry.atMs <= toMs

/** What is no entry (cut off by a crash, or a word about lines left out) is passed over. */
function entriesIn(lines: string[]): EventEntry[] {
  return lines.flatMap((line) => {
    try {
      const entry = JSON.parse(line) as EventEntry
      return Number.isSafeInteger(entry.sequence) && Number.isFinite(entry.atMs) && EVENT_LEVELS.includes(entry.level) ? [entry] : []
    } catch {
      return []
    }
  })
}
