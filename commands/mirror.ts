import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { confirmCode, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { actionOf, findTarget, jobWord, operate, type ChangeFlags, type Target } from './operate'
import { partnersOf, printPartners } from './view/catalogue'
import { readJob } from './view/read'
import { printProblems } from './view/tables'
import { followWalk } from './walk'

const ACTIONS = ['start', 'stop', 'pause', 'resume'] as const
type Action = (typeof ACTIONS)[number]
const WORDS: readonly string[] = [...ACTIONS, 'status']

/** Full mirror, source to target (guide 6). */
export class Mirror extends CuiCommand {
  static override args = { job: Args.string(), action: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'full mirror of the data, source to target; status: the mirroring session as both sides see it',
    usage: 'mirror JOB start|stop|pause|resume|status [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--confirm JOB]',
    example: 'mirror DB_Group start',
    guide: '6'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Mirror)
    // `mirror start` alone is about the job in use.
    const [jobArg, word] = args.action === undefined && WORDS.includes(args.job ?? '') ? [undefined, args.job] : [args.job, args.action]
    if (word === 'status') return this.status(jobWord(this.context, jobArg, Mirror.about.usage), flags.node)
    const actionArg = actionOf(word, ACTIONS, 'mirror', Mirror.about.usage)
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
    if (actionArg === 'start' && flags.wait && !flags['dry-run']) await this.untilMirrored(target, flags.timeout)
    return outcome
  }

  /** The catalogue view of both sides (the mirroring paper, table 3). */
  private async status(job: string, node: string | undefined): Promise<Outcome> {
    const { cluster, now, problems } = await readJob(this.context, job, node)
    const partners = partnersOf(cluster, now)
    printPartners(this.output, partners)
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { job, partners, problems } }
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

  private untilMirrored(target: Target, timeout: string | undefined): Promise<void> {
    const stopped = (state: string): Error => fail('E_MIRROR_STOPPED', { job: target.job, state })
    return followWalk(this.context, this.output, target, { title: 'Mirror', what: 'full mirror', timeout, read: (data) => data.mirror, stopped })
  }
}

const otherOf = (target: Target): string => target.cluster.nodes.find((node) => node !== target.now.owner) ?? 'the other node'

function needsDecision(target: Target): boolean {
  const views = [...target.cluster.seen.values()].map((seen) => seen.view.jobs[target.job])
  return views.some((view) => view?.record.needToVerify === 'Manually' || view?.data?.needToVerify === 'Manually')
}

function question(target: Target, action: Action): string {
  if (action !== 'start') return `Do you really want to ${action} the full mirror of ${target.job}?`
  return `The copy of ${target.job} on ${otherOf(target)} will be overwritten by a full mirror from ${target.now.owner}. Do you really want to start it?`
}
