import { Flags } from '@oclif/core'
import { EVENT_LEVELS, EVENTS_PAGE_MAX, type EventLevel } from '../src/wire'
import { CuiCommand, everywhere, parseDurationMs, type HelpText } from './base'
import type { Outcome } from './context'
import { type Bound, EventReader, eventLine, type EventFilter, type NodeEvent } from './kit/events'
import { fail } from './kit/fail'
import { openNodes } from './kit/nodes'
import { clean } from './kit/text'
import { printProblems } from './view/tables'

const LAST = 50

/** The event log of all open nodes, merged by time (guide 3 I). */
export class Log extends CuiCommand {
  static override args = {}
  static override flags = {
    ...everywhere,
    follow: Flags.boolean({ char: 'f', description: 'go on with what happens; Ctrl-C ends it' }),
    last: Flags.string({ description: `so many of the last events, at most ${EVENTS_PAGE_MAX} (${LAST})` }),
    job: Flags.string({ description: 'only what concerns this job' }),
    level: Flags.string({ description: 'this level and worse: info, warning, error' }),
    since: Flags.string({ description: 'not older than this: 30m, 2h, or a time such as "2019-09-23 15:26"' }),
    until: Flags.string({ description: 'not newer than this' })
  }
  static override about: HelpText = {
    summary: 'the event log of all open nodes, merged by time',
    usage: 'log [--follow] [--last N] [--job JOB] [--level info|warning|error] [--since 30m|TIME] [--until 10m|TIME] [--node NODE] [--json]',
    example: 'log --level warning --since 2h',
    guide: '3'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(Log)
    const filter: EventFilter = {
      last: countOf(flags.last),
      job: flags.job ?? null,
      level: levelOf(flags.level),
      from: flags.since === undefined ? { atMs: 0 } : boundOf(flags.since),
      to: flags.until === undefined ? null : boundOf(flags.until)
    }
    if (flags.follow && filter.to !== null) throw usage('--follow goes on, so it cannot end --until a time.')
    if (flags.follow && this.context.depth > 0) throw usage('--follow has no end, so a runbook would stop here.')
    const reader = new EventReader(this.context, openNodes(this.context.store, flags.node), filter)
    const { events, problems } = await reader.first()
    for (const event of events) this.print(event)
    if (flags.follow) return this.follow(reader)
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { events: events.map(objectOf), problems } }
  }

  private async follow(reader: EventReader): Promise<Outcome> {
    const { io, interrupt, interactive } = this.context
    // At `cui>` the line has its own Ctrl-C.
    const stop = interactive ? () => undefined : io.onInterrupt(() => interrupt.abort())
    await reader.follow(
      (event) => this.print(event, true),
      (problem) => this.tell(problem)
    )
    stop()
    return { exitCode: 0, json: {} }
  }

  /** With --json one object an event: a log that goes on has no end to wait for. */
  private print(event: NodeEvent, live = false): void {
    if (this.output.json && live) this.context.io.stdout.write(`${JSON.stringify(objectOf(event))}\n`)
    const line = eventLine(event)
    const { paint } = this.output
    this.output.line(event.level === 'error' ? paint.bad(line) : event.level === 'warning' ? paint.paused(line) : line)
  }

  private tell(problem: string): void {
    this.context.io.stderr.write(`${clean(problem)}\n`)
  }
}

const objectOf = ({ node, sequence, atMs, level, job, text }: NodeEvent): object => ({ node, sequence, time: new Date(atMs).toISOString(), level, job, text })

const usage = (what: string): Error => fail('E_USAGE', { what, usage: Log.about.usage })

function countOf(text: string | undefined): number {
  const count = text === undefined ? LAST : Number(text)
  if (!Number.isInteger(count) || count < 1 || count > EVENTS_PAGE_MAX) throw usage(`"${text}" is not a number of events between 1 and ${EVENTS_PAGE_MAX}.`)
  return count
}

function levelOf(text: string | undefined): EventLevel {
  const level = EVENT_LEVELS.find((each) => each === (text ?? 'info'))
  if (level === undefined) throw usage(`"${text}" is no level: ${EVENT_LEVELS.join(', ')}.`)
  return level
}

const TIME = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$/

/** As it was typed: so long ago by each node's own clock, or a time of this machine's. */
function boundOf(text: string): Bound {
  if (/^\d+(\.\d+)?(ms|s|m|h)?$/.test(text)) return { agoMs: parseDurationMs(text) }
  const atMs = TIME.test(text) ? new Date(text.length === 10 ? `${text} 00:00` : text).getTime() : Number.NaN
  if (Number.isNaN(atMs)) throw usage(`"${text}" is no time: 30m, 2h, or "2019-09-23 15:26".`)
  return { atMs }
}
