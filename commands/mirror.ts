import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { actionOf, findTarget, jobAndWord, jobWord, operate, otherOf, type Target } from './operate'
import { partnersOf, printPartners } from './view/catalogue'
import { readJob } from './view/read'
import { printProblems } from './view/tables'
import { printWitness, witnessRowsOf } from './view/witness'
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
    usage: 'mirror JOB start|stop|pause|resume|status [--yes] [--dry-run] [--no-wait] [--timeout 60s]',
    example: 'mirror DB_Group start',
    guide: '6'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Mirror)
    const [jobArg, word] = jobAndWord(args.job, args.action, WORDS)
    if (word === 'status') return this.status(jobWord(this.context, jobArg, Mirror.about.usage), flags.node)
    const actionArg = actionOf(word, ACTIONS, 'mirror', Mirror.about.usage)
    const target = await findTarget(this.context, jobWord(this.context, jobArg, Mirror.about.usage), flags.node)
    const outcome = await operate(this.context, this.output, target, 'mirror', flags, { action: actionArg }, question(target, actionArg))
    if (actionArg === 'start' && flags.wait && !flags['dry-run']) await this.untilMirrored(target, flags.timeout)
    return outcome
  }

  /** The catalogue views of both sides and of the witness (the mirroring paper, tables 3 and 4). */
  private async status(job: string, node: string | undefined): Promise<Outcome> {
    const { cluster, now, problems } = await readJob(this.context, job, node)
    const partners = partnersOf(cluster, now)
    const witness = witnessRowsOf(cluster, now)
    printPartners(this.output, partners)
    printWitness(this.output, witness)
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { job, partners, witness, problems } }
  }

  private untilMirrored(target: Target, timeout: string | undefined): Promise<void> {
    const stopped = (state: string): Error => fail('E_MIRROR_STOPPED', { job: target.job, state })
    return followWalk(this.context, this.output, target, { title: 'Mirror', what: 'full mirror', timeout, read: (data) => data.mirror, stopped })
  }
}

function question(target: Target, action: Action): string {
  if (action !== 'start') return `Do you really want to ${action} the full mirror of ${target.job}?`
  return `The copy of ${target.job} on ${otherOf(target)} will be overwritten by a full mirror from ${target.now.owner}. Do you really want to start it?`
}
