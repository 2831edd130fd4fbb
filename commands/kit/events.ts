import { EVENTS_PAGE_MAX, EVENTS_WAIT_MS_MAX, type EventEntry, type EventLevel, type EventsAnswer, type StatusAnswer } from '../../src/wire'
import type { Report } from '../../src/report/report'
import type { Context } from '../context'
import { ANSWER_MS } from './client'
import { pause } from './clock'
import { reportOf } from './fail'
import { call, noAnswer } from './nodes'
import type { NodeEntry } from './store'
import { clean, nodeTime } from './text'

export interface EventFilter {
  last: number
  job: string | null
  level: EventLevel
  from: Bound
  /** null: to the end. */
  to: Bound | null
}

/** A time of the clock, or so long ago by the clock of the node that is asked: it may be hours from the one here. */
export type Bound = { atMs: number } | { agoMs: number }

export interface NodeEvent extends EventEntry {
  node: string
  utcOffsetMinutes: number
}

/** In the guide's form (guide 3 I): `2019-09-23 15:26:04 | text [RMHW131]`. */
export const eventLine = ({ atMs, utcOffsetMinutes, text, node }: NodeEvent): string => `${nodeTime(atMs, utcOffsetMinutes)} | ${clean(text)} [${node}]`

/** A node that does not answer is asked again after so long. */
const AGAIN_MS = 2_000

/** The event logs of several nodes as one, oldest first. */
export class EventReader {
  private readonly sinceOf = new Map<NodeEntry, number>()
  /** What the bounds come to at a node, looked at once. */
  private readonly boundsOf = new Map<NodeEntry, { from: number; to: number | null }>()

  constructor(
    private readonly context: Context,
    private readonly entries: NodeEntry[],
    private readonly filter: EventFilter
  ) {}

  /** The last events there are. At least one node must answer; the others' silence is a problem. */
  async first(): Promise<{ events: NodeEvent[]; problems: string[] }> {
    const asked = await Promise.allSettled(this.entries.map((entry) => this.ask(entry, 0)))
    const reports = asked.flatMap((each) => (each.status === 'rejected' ? [reportOf(each.reason)] : []))
    if (reports.length === asked.length)
      throw reports.length === 1
        ? (asked[0] as PromiseRejectedResult).reason
        : noAnswer(this.entries.map((entry, i) => ({ entry, report: reports[i] as Report })))
    const events = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])).sort(byTime)
    const problems = reports.map(({ message, tryThis }) => `The events of a node are missing: ${message} ${tryThis}`.trim())
    return { events: events.slice(-this.filter.last), problems }
  }

  /** Each node for itself, without polling, until Ctrl-C. */
  async follow(show: (event: NodeEvent) => void, tell: (problem: string) => void): Promise<void> {
    await Promise.all(this.entries.map((entry) => this.followOne(entry, show, tell)))
  }

  private async followOne(entry: NodeEntry, show: (event: NodeEvent) => void, tell: (problem: string) => void): Promise<void> {
    const { signal } = this.context.interrupt
    for (let silent = false; !signal.aborted; ) {
      try {
        const events = await this.ask(this.context.store.find(entry.address, entry.port) ?? entry, EVENTS_WAIT_MS_MAX, entry)
        if (signal.aborted) return
        if (silent) tell(`${entry.node} answers again.`)
        silent = false
        for (const event of events) show(event)
      } catch (thrown) {
        if (signal.aborted) return
        if (!silent) tell(reportOf(thrown).message)
        silent = true
        await pause(this.context, AGAIN_MS)
      }
    }
  }

  private async ask(entry: NodeEntry, waitMs: number, known = entry): Promise<NodeEvent[]> {
    const { last, job, level } = this.filter
    const { from, to } = await this.bounds(entry, known)
    const since = this.sinceOf.get(known)
    const query = new URLSearchParams({ level, from: String(from), max: String(since === undefined ? last : EVENTS_PAGE_MAX) })
    if (job !== null) query.set('job', job)
    if (to !== null) query.set('to', String(to))
    if (since !== undefined) query.set('since', String(since))
    if (since !== undefined) query.set('waitMs', String(waitMs))
    // Ctrl-C waits for no answer.
    const { signal } = this.context.interrupt
    const answer = await call<EventsAnswer>(entry, { method: 'GET', path: `/v1/events?${query}`, answerMs: waitMs + ANSWER_MS, paced: waitMs > 0, signal })
    this.sinceOf.set(known, answer.nextSince)
    return answer.events.map((event) => ({ ...event, node: answer.node, utcOffsetMinutes: answer.utcOffsetMinutes }))
  }

  private async bounds(entry: NodeEntry, known: NodeEntry): Promise<{ from: number; to: number | null }> {
    const kept = this.boundsOf.get(known)
    if (kept !== undefined) return kept
    const { from, to } = this.filter
    const ago = 'agoMs' in from || (to !== null && 'agoMs' in to)
    const { signal } = this.context.interrupt
    const wallMs = ago ? (await call<StatusAnswer>(entry, { method: 'GET', path: '/v1/status', signal })).wallMs : 0
    const msOf = (bound: Bound): number => Math.max(0, Math.floor('agoMs' in bound ? wallMs - bound.agoMs : bound.atMs))
    const bounds = { from: msOf(from), to: to === null ? null : msOf(to) }
    this.boundsOf.set(known, bounds)
    return bounds
  }
}

/** Events of one node keep their order, whatever its clock did. */
const byTime = (one: NodeEvent, other: NodeEvent): number =>
  one.node === other.node ? one.sequence - other.sequence : one.atMs - other.atMs || (one.node < other.node ? -1 : 1)
