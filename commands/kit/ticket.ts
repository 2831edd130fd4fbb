import { TICKET_WAIT_MS_MAX, type StepLine, type TicketAnswer } from '../../src/wire'
import type { Context, Output } from '../context'
import { nowMs, pause } from './clock'
import { fail, reportOf } from './fail'
import { ANSWER_MS } from './client'
import { call } from './nodes'
import { ReportError } from '../../src/report/report'
import { clean, COLUMNS, nodeClock, padTo, shortDuration } from './text'
import type { NodeEntry } from './store'

/** How long a node may be silent in the middle of a command before its outcome is called unknown. */
const SILENCE_MS = 30_000
const RETRY_MS = 500
/** An operation stops applications and databases, which may take minutes; past this somebody should look. */
export const TICKET_TIMEOUT_MS = 15 * 60_000

export interface Following {
  ticket: string
  job: string
  /** The node that took the command first, then the others, which know the steps too. */
  entries: NodeEntry[]
  timeoutMs: number
  utcOffsetMinutes: number
}

/** Waits for a ticket's end and shows its steps as they happen. */
export async function follow(context: Context, output: Output, following: Following): Promise<TicketAnswer> {
  const began = nowMs(context)
  const steps = new StepPrinter(output, following.utcOffsetMinutes, context.io.stdout.columns ?? COLUMNS)
  const all: StepLine[] = []
  let since = 0
  let turn = 0
  let heardAt = began
  let refused = 0
  for (;;) {
    const left = following.timeoutMs - (nowMs(context) - began)
    if (left <= 0) throw timedOut(following, all)
    const entry = following.entries[turn % following.entries.length] as NodeEntry
    const answer = await poll(context, entry, following.ticket, since, Math.min(left, TICKET_WAIT_MS_MAX)).catch((thrown: unknown) => {
      refused += 1
      return anotherMay(thrown, entry, following, refused)
    })
    if (answer === null) {
      if (nowMs(context) - heardAt > SILENCE_MS)
        throw fail('E_OUTCOME_UNKNOWN', { node: following.entries[0]?.node ?? '', ticket: following.ticket, job: following.job })
      turn += 1
      await pause(context, RETRY_MS)
      continue
    }
    heardAt = nowMs(context)
    refused = 0
    since = answer.nextSince
    all.push(...answer.steps)
    for (const step of answer.steps) steps.show(step)
    if (answer.state !== 'running') {
      steps.end()
      return { ...answer, steps: all }
    }
  }
}

/** A session may end while the command goes on: the other node knows the ticket too. */
function anotherMay(thrown: unknown, { node }: NodeEntry, { ticket, entries }: Following, refused: number): null {
  const report = reportOf(thrown)
  if (report.exitCode !== 4) throw thrown
  if (refused < entries.length) return null
  throw new ReportError({ ...report, message: `${report.message} What was begun goes on there.`, tryThis: `login ${node}, then wait ${ticket}` })
}

/** null: not to be had from this node now. A refusal that names the session or the certificate is told at once. */
async function poll(context: Context, entry: NodeEntry, ticket: string, since: number, waitMs: number): Promise<TicketAnswer | null> {
  if (context.interrupt.signal.aborted) throw fail('E_OUTCOME_UNKNOWN', { node: entry.node, ticket, job: 'JOB' })
  const path = `/v1/tickets/${encodeURIComponent(ticket)}?since=${since}&waitMs=${Math.floor(waitMs)}`
  try {
    return await call<TicketAnswer>(entry, { method: 'GET', path, answerMs: waitMs + ANSWER_MS })
  } catch (thrown) {
    if (reportOf(thrown).exitCode === 4) throw thrown
    return null
  }
}

function timedOut(following: Following, steps: StepLine[]): Error {
  const seen = steps.at(-1)?.text ?? 'no step yet'
  return fail('E_WAIT_TIMEOUT', {
    what: `The end of ${following.ticket}`,
    timeout: shortDuration(following.timeoutMs),
    seen,
    again: `wait ${following.ticket}`
  })
}

/** `11:47:32 RMHW131  Stop application POSTGRES ... done`; on a terminal the running step stands until its end is known. */
class StepPrinter {
  private open: StepLine | null = null
  private readonly begun = new Map<string, StepLine>()

  constructor(
    private readonly output: Output,
    private readonly utcOffsetMinutes: number,
    private readonly columns: number
  ) {}

  show(step: StepLine): void {
    const key = `${step.node} ${step.text}`
    if (step.state === 'begin') {
      this.begun.set(key, step)
      if (this.output.raw === null) return
      this.leave()
      this.open = step
      this.output.raw(this.text(step).slice(0, Math.max(20, this.columns - 1)))
      return
    }
    const begin = this.begun.get(key) ?? step
    this.begun.delete(key)
    if (this.open === begin) {
      this.open = null
      this.output.raw?.('\r\u001b[K')
    } else this.leave()
    this.output.line(`${this.text(begin)} ${this.output.paint.state(step.state)}`)
  }

  /** What began and never ended is said too. */
  end(): void {
    if (this.open !== null) this.output.raw?.('\r\u001b[K')
    this.open = null
    for (const step of this.begun.values()) this.output.line(this.text(step))
    this.begun.clear()
  }

  private leave(): void {
    if (this.open !== null) this.output.raw?.('\n')
    this.open = null
  }

  private text(step: StepLine): string {
    return `${nodeClock(step.atMs, this.utcOffsetMinutes)} ${padTo(clean(step.node), 7)}  ${clean(step.text)} ...`
  }
}
