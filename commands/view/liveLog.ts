import type { Context } from '../context'
import { EventReader, eventLine, type NodeEvent } from '../kit/events'
import { reportOf } from '../kit/fail'
import type { NodeEntry } from '../kit/store'
import type { Paint } from '../kit/paint'
import { clean, wrap } from '../kit/text'

/** The screen of a large terminal, several times. */
const LINES_MAX = 500
const FIRST = 200

/** The event log of the open nodes, as it goes on. Read from the first time it is looked at. */
export class LiveLog {
  private readonly events: { line: string; event: NodeEvent | null }[] = []
  private readonly stopping = new AbortController()
  private started = false

  constructor(
    private readonly context: Context,
    private readonly entries: NodeEntry[],
    private readonly changed: () => void
  ) {}

  lines(width: number, paint: Paint): string[] {
    this.start()
    if (this.events.length === 0) return ['No event yet.']
    return this.events.flatMap(({ line, event }) => wrap(line, width).map(colourOf(event, paint)))
  }

  stop(): void {
    this.stopping.abort()
  }

  private start(): void {
    if (this.started) return
    this.started = true
    this.follow().catch((thrown) => this.add(clean(reportOf(thrown).message), null))
  }

  private async follow(): Promise<void> {
    const reader = new EventReader({ ...this.context, interrupt: this.stopping }, this.entries, {
      last: FIRST,
      job: null,
      level: 'info',
      from: { atMs: 0 },
      to: null
    })
    const { events, problems } = await reader.first()
    for (const event of events) this.add(eventLine(event), event)
    for (const problem of problems) this.add(clean(problem), null)
    await reader.follow(
      (event) => this.add(eventLine(event), event),
      (problem) => this.add(clean(problem), null)
    )
  }

  private add(line: string, event: NodeEvent | null): void {
    if (this.stopping.signal.aborted) return
    this.events.push({ line, event })
    if (this.events.length > LINES_MAX) this.events.shift()
    this.changed()
  }
}

/** What the shell itself says of a node that is silent is a warning. */
function colourOf(event: NodeEvent | null, paint: Paint): (line: string) => string {
  if (event?.level === 'info') return (line) => line
  return event?.level === 'error' ? (line) => paint.bad(line) : (line) => paint.paused(line)
}
