import { Args, Flags } from '@oclif/core'
import { VERIFY_PAGE_MAX, type VerifyAnswer, type VerifyReport } from '../src/wire'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { call } from './kit/nodes'
import type { NodeEntry } from './kit/store'
import { shortDuration } from './kit/text'
import { actionOf, findTarget, jobAndWord, jobWord, operate, otherOf, type ChangeFlags, type Target } from './operate'
import { differenceRows, differencesText, printReport } from './view/differences'
import { followWalk } from './walk'

const ACTIONS = ['start', 'stop', 'report'] as const
const MODES = ['full', 'difference'] as const

/** Compares both sides while writes go on, and repairs the target (guide 6, Verify). */
export class Verify extends CuiCommand {
  static override args = { job: Args.string(), action: Args.string() }
  static override flags = {
    ...everywhere,
    ...changing,
    mode: Flags.string({ options: [...MODES], description: 'full: everything, block by block (default); difference: what may differ' })
  }
  static override about: HelpText = {
    summary: 'compare both sides while writes go on, and repair; report: what was found',
    usage: 'verify JOB start|stop|report [--mode full|difference] [--yes] [--dry-run] [--no-wait] [--timeout 60s]',
    example: 'verify DB_Group start --mode full',
    guide: '6'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Verify)
    const { usage } = Verify.about
    const [jobArg, word] = jobAndWord(args.job, args.action, ACTIONS)
    const action = actionOf(word, ACTIONS, 'verify', usage)
    if (flags.mode !== undefined && action !== 'start') throw fail('E_USAGE', { what: '--mode belongs to verify JOB start.', usage })
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    if (action === 'report') return this.report(target)
    const mode = MODES.find((one) => one === flags.mode)
    const extra = mode === undefined ? { action } : { action, mode }
    const before = action === 'start' ? ((await lastReport(target))?.startedAtMs ?? null) : null
    const outcome = await operate(this.context, this.output, target, 'verify', flags, extra, question(target, action, mode ?? 'full'))
    if (action === 'stop' || !flags.wait || flags['dry-run']) return outcome
    return this.untilVerified(target, flags, before, outcome)
  }

  private async report(target: Target): Promise<Outcome> {
    const answer = await wholeReport(target)
    const rows = differenceRows(answer)
    printReport(this.output, answer, rows, target.now.utcOffsetMinutes)
    const { differences: _, from: __, ...report } = answer.report
    return { exitCode: 0, json: { job: answer.job, node: answer.node, ...report, listed: answer.report.differences.length, differences: rows } }
  }

  /** `before`: when the last comparison had begun; the one that is waited for began later. */
  private async untilVerified(target: Target, flags: ChangeFlags, before: number | null, outcome: Outcome): Promise<Outcome> {
    let report: VerifyReport | null = null
    const ended = async (): Promise<boolean> => {
      report = await lastReport(target)
      return report !== null && report.startedAtMs !== before && report.endedAtMs !== null
    }
    const stopped = (state: string): Error => fail('E_VERIFY_STOPPED', { job: target.job, state })
    await followWalk(this.context, this.output, target, {
      title: 'Verify',
      what: 'comparison',
      timeout: flags.timeout,
      read: (data) => data.verify,
      stopped,
      ended
    })
    const { mode, state, startedAtMs, endedAtMs, total } = report as unknown as VerifyReport
    // It stands still, and it has not come to its end: nothing is known of what it did not reach.
    if (state !== 'Idle') throw stopped(state)
    const repaired = total === 0 ? 'both copies are equal' : `repaired; verify ${target.job} report lists them`
    this.output.line(`${differencesText(total)} found in ${shortDuration((endedAtMs ?? 0) - (startedAtMs ?? 0))}: ${repaired}`)
    return { ...outcome, json: { ...outcome.json, verify: { mode, state, startedAtMs, endedAtMs, differences: total } } }
  }
}

const page = (entry: NodeEntry, job: string, from: number, max: number): Promise<VerifyAnswer> =>
  call<VerifyAnswer>(entry, { method: 'GET', path: `/v1/jobs/${encodeURIComponent(job)}/verify?from=${from}&max=${max}`, answerMs: 15_000 })

/** The whole list, page by page; a comparison that begins anew meanwhile begins the list anew. */
async function wholeReport({ entry, job }: Target): Promise<VerifyAnswer> {
  const first = await page(entry, job, 0, VERIFY_PAGE_MAX)
  const differences = [...first.report.differences]
  for (let last = differences.length; last === VERIFY_PAGE_MAX; ) {
    const next = await page(entry, job, differences.length, VERIFY_PAGE_MAX)
    if (next.report.startedAtMs !== first.report.startedAtMs) return wholeReport({ entry, job } as Target)
    differences.push(...next.report.differences)
    last = next.report.differences.length
  }
  return { ...first, report: { ...first.report, differences } }
}

/** null: none yet, or nobody can say now. */
async function lastReport({ entry, job }: Target): Promise<VerifyReport | null> {
  try {
    return (await page(entry, job, 0, 0)).report
  } catch {
    return null
  }
}

function question(target: Target, action: 'start' | 'stop', mode: (typeof MODES)[number]): string {
  if (action === 'stop') return `Do you really want to stop the comparison of ${target.job}?`
  const what = mode === 'full' ? 'All data' : 'What may differ in the data'
  const { owner } = target.now
  return `${what} of ${target.job} will be compared, and the copy on ${otherOf(target)} made equal to ${owner}. Do you really want to start it?`
}
