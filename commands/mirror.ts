import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, parseDurationMs, type HelpText } from './base'
import type { Outcome } from './context'
import { confirmCode, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { askAll } from './kit/nodes'
import { createProgress } from './kit/progress'
import { pause, TICKET_TIMEOUT_MS } from './kit/ticket'
import { shortDuration } from './kit/text'
import { findTarget, jobWord, operate, type ChangeFlags, type Target } from './operate'
import { clustersOf, jobNow } from './view/cluster'

const POLL_MS = 500
/** The walk may not have begun when its command has already been answered. */
const BEGIN_MS = 2_000
const ACTIONS = ['start', 'stop', 'pause', 'resume'] as const
type Action = (typeof ACTIONS)[number]

/** Full mirror, source to target (guide 6). */
export class Mirror extends CuiCommand {
  static override args = { job: Args.string(), action: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'full mirror of the data, source to target',
    usage: 'mirror JOB start|stop|pause|resume [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--confirm JOB]',
    example: 'mirror DB_Group start',
    guide: '6'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Mirror)
    // `mirror start` alone is about the job in use.
    const [jobArg, actionArg] = args.action === undefined && isAction(args.job) ? [undefined, args.job] : [args.job, args.action]
    if (!isAction(actionArg))
      throw fail('E_USAGE', {
        what: `${actionArg === undefined ? 'The action is missing' : `"${actionArg}" is not an action`} of mirror.`,
        usage: Mirror.about.usage
      })
    const target = await findTarget(this.context, jobWord(this.context, jobArg, Mirror.about.usage), flags.node)
    const doubt = actionArg === 'start' && needsDecision(target)
    if (doubt && !flags['dry-run']) await this.decide(target, flags)
    const outcome = await operate(
      this.context,
      this.output,
      target,
      'mirror',
      doubt ? { ...flags, yes: true } : flags,
      { action: actionArg },
      question(target, actionArg)
    )
    if (actionArg === 'start' && flags.wait && !flags['dry-run']) await this.watchMirror(target, flags.timeout)
    return outcome
  }

  /** Both sides may hold changes of their own: whoever overwrites one must say so. */
  private async decide(target: Target, flags: ChangeFlags): Promise<void> {
    const { job } = target
    const why = `Need to Verify of ${job} is Manually: both sides may hold changes of their own, and a full mirror overwrites those of ${otherOf(target)}.`
    if (flags.confirm === job) return
    if (!isTerminal(this.context)) throw fail('E_CONFIRM_NEEDED', { job, why, command: `mirror ${job} start` })
    this.output.line(why)
    await confirmCode(this.context)
  }

  private async watchMirror(target: Target, timeout: string | undefined): Promise<void> {
    const timeoutMs = timeout === undefined ? TICKET_TIMEOUT_MS : parseDurationMs(timeout)
    const progress = await createProgress(this.output.raw === null ? { ...this.context.io.stdout, isTTY: false } : this.context.io.stdout, 'Mirror')
    try {
      await this.untilMirrored(target, timeoutMs, timeout !== undefined, progress)
    } finally {
      progress.stop()
    }
  }

  private async untilMirrored(
    target: Target,
    timeoutMs: number,
    limited: boolean,
    progress: { update(percent: number, left: number, leftMs: number | null): void }
  ): Promise<void> {
    const began = performance.now()
    let movedAt = began
    let lastLeft = -1
    let running = false
    for (;;) {
      if (this.context.interrupt.signal.aborted) throw fail('E_OUTCOME_UNKNOWN', { node: target.entry.node, ticket: target.job, job: target.job })
      const clusters = clustersOf(await askAll(this.context.store.open()))
      const cluster = clusters.find((one) => one.jobs.includes(target.job))
      const mirror = cluster === undefined ? undefined : jobNow(cluster, target.job)?.view?.data?.mirror
      const now = performance.now()
      if (mirror !== undefined) {
        progress.update(mirror.state === 'Idle' ? 100 : mirror.percent, mirror.leftBytes, mirror.leftMs)
        if (mirror.leftBytes !== lastLeft) movedAt = now
        lastLeft = mirror.leftBytes
        running ||= mirror.state === 'Mirror'
        if (mirror.state === 'Idle' && (running || now - began > BEGIN_MS)) return
        if (mirror.state === 'Stop' || mirror.state === 'Pause') throw fail('E_MIRROR_STOPPED', { job: target.job, state: mirror.state })
      }
      // A long mirror that moves is not given up unless somebody asked for a limit.
      if (now - (limited ? began : movedAt) > timeoutMs) {
        const seen = mirror === undefined ? 'no answer' : `${mirror.state}, ${mirror.leftBytes} bytes left`
        throw fail('E_WAIT_TIMEOUT', {
          what: `The end of the full mirror of ${target.job}`,
          timeout: shortDuration(timeoutMs),
          seen,
          again: `jobstate ${target.job}`
        })
      }
      await pause(this.context, POLL_MS)
    }
  }
}

const isAction = (word: string | undefined): word is Action => ACTIONS.includes(word as Action)
const otherOf = (target: Target): string => target.cluster.nodes.find((node) => node !== target.now.owner) ?? 'the other node'

function needsDecision(target: Target): boolean {
  const views = [...target.cluster.seen.values()].map((seen) => seen.view.jobs[target.job])
  return views.some((view) => view?.record.needToVerify === 'Manually' || view?.data?.needToVerify === 'Manually')
}

function question(target: Target, action: Action): string {
  if (action !== 'start') return `Do you really want to ${action} the full mirror of ${target.job}?`
  return `The copy of ${target.job} on ${otherOf(target)} will be overwritten by a full mirror from ${target.now.owner}. Do you really want to start it?`
}
