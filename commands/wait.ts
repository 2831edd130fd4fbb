import { Args } from '@oclif/core'
import { CuiCommand, everywhere, parseDurationMs, timeoutFlag, type HelpText } from './base'
import type { Outcome } from './context'
import { fail, reportOf } from './kit/fail'
import { askAll, call, openNodes, requireAnswer, type Asked } from './kit/nodes'
import { shortDuration } from './kit/text'
import { nowMs, pause } from './kit/clock'
import { follow } from './kit/ticket'
import { jobWord } from './operate'
import { clustersOf, knownJob, standbyOf, type JobNow } from './view/cluster'
import { reached, seenWords, WAIT_STATES, type WaitState } from './view/reached'
import { ReportError } from '../src/report/report'

const TIMEOUT_MS = 60_000
const POLL_MS = 500

/** Waits until a job is in a state, or for the outcome of a ticket. */
export class Wait extends CuiCommand {
  static override args = { what: Args.string({ required: true }), state: Args.string() }
  static override flags = { ...everywhere, timeout: timeoutFlag }
  static override about: HelpText = {
    summary: 'wait until a job is in a state, or for a ticket to end',
    usage: 'wait JOB online|offline|synchronized|verified [--timeout 60s], or wait TICKET',
    example: 'wait DB_Group online --timeout 60s'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Wait)
    const timeoutMs = flags.timeout === undefined ? TIMEOUT_MS : parseDurationMs(flags.timeout)
    if (isState(args.state)) return this.untilState(args.what, args.state, timeoutMs, flags.node)
    if (args.state !== undefined) throw fail('E_USAGE', { what: `"${args.state}" is not a state to wait for.`, usage: Wait.about.usage })
    if (isState(args.what)) return this.untilState(jobWord(this.context, undefined, Wait.about.usage), args.what, timeoutMs, flags.node)
    return this.untilTicket(args.what, timeoutMs, flags.node)
  }

  private async untilState(job: string, state: WaitState, timeoutMs: number, node: string | undefined): Promise<Outcome> {
    const began = nowMs(this.context)
    let seen = 'no answer'
    for (;;) {
      const now = await this.look(job, node, seen === 'no answer')
      if (now !== null) {
        seen = seenWords(now)
        if (reached(now, state)) {
          this.output.line(`${job} is ${state} on ${now.now.owner}`)
          return { exitCode: 0, json: { job, state, node: now.now.owner, waitedMs: Math.round(nowMs(this.context) - began) } }
        }
      }
      if (nowMs(this.context) - began > timeoutMs || this.context.interrupt.signal.aborted) {
        throw fail('E_WAIT_TIMEOUT', { what: `${job} ${state}`, timeout: shortDuration(timeoutMs), seen, again: `jobstate ${job}` })
      }
      await pause(this.context, POLL_MS)
    }
  }

  /** A pair that does not answer just now may answer in a moment; a job that nobody knows will not come. */
  private async look(job: string, node: string | undefined, first: boolean): Promise<{ now: JobNow; standby: JobNow['view'] } | null> {
    const asked = await askAll(openNodes(this.context.store, node))
    if (first && asked.every((one) => one.report?.exitCode === 4)) requireAnswer(asked)
    const clusters = clustersOf(asked)
    if (clusters.length === 0) return null
    const { cluster, now } = knownJob(clusters, job)
    return { now, standby: standbyOf(cluster, now).view ?? null }
  }

  private async untilTicket(ticket: string, timeoutMs: number, node: string | undefined): Promise<Outcome> {
    const entries = openNodes(this.context.store, node)
    const asked = await askAll(entries)
    requireAnswer(asked)
    await requireKnown(ticket, asked)
    const utcOffsetMinutes = asked.find((one) => one.status !== null)?.status?.utcOffsetMinutes ?? 0
    const answer = await follow(this.context, this.output, {
      ticket,
      job: 'JOB',
      entries: asked.filter((one) => one.status !== null).map((one) => one.entry),
      timeoutMs,
      utcOffsetMinutes
    })
    if (answer.error !== null) throw new ReportError({ ...answer.error, exitCode: answer.error.exitCode as 1 })
    this.output.line(`${ticket} is ${answer.state}`)
    return { exitCode: answer.state === 'failed' ? 1 : 0, json: { ticket, job: answer.job, state: answer.state, steps: answer.steps } }
  }
}

/** A ticket that none of the nodes that answer knows has no end to wait for: it is mistyped, or of an engine that has been started again since. */
async function requireKnown(ticket: string, asked: Asked[]): Promise<void> {
  const path = `/v1/tickets/${encodeURIComponent(ticket)}?since=0&waitMs=0`
  const heard = asked.filter(({ status }) => status !== null)
  const unknown = await Promise.all(
    heard.map(({ entry }) =>
      call(entry, { method: 'GET', path }).then(
        () => null,
        (thrown: unknown) => (reportOf(thrown).code === 'E_TICKET_UNKNOWN' ? thrown : null)
      )
    )
  )
  if (unknown.every((each) => each !== null)) throw unknown[0]
}

const isState = (word: string | undefined): word is WaitState => WAIT_STATES.includes(word as WaitState)
