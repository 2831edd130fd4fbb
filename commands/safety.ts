import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { actionOf, findTarget, jobAndWord, jobWord, operate, otherOf, type Target } from './operate'

const LEVELS = ['full', 'off'] as const

/** Synchronous or asynchronous replication, changed while the job runs (the mirroring paper's SET SAFETY). */
export class Safety extends CuiCommand {
  static override args = { job: Args.string(), level: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'full: what is durable is hard on both nodes; off: no write waits for the target',
    usage: 'safety JOB full|off [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'safety DB_Group full'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Safety)
    const { usage } = Safety.about
    const [jobArg, word] = jobAndWord(args.job, args.level, (one) => /^(full|off)$/i.test(one))
    const safety = actionOf(word?.toLowerCase(), LEVELS, 'safety', usage)
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    return operate(this.context, this.output, target, 'safety', flags, { safety }, question(target, safety))
  }
}

function question(target: Target, safety: (typeof LEVELS)[number]): string {
  const { job, now } = target
  const other = otherOf(target)
  const means =
    safety === 'full'
      ? `What applications of ${job} make durable will wait until it is on the disk of ${other} too.`
      : `Applications of ${job} will not wait for ${other}: what has not been sent is lost with ${now.owner}.`
  return `${means} Do you really want safety ${safety.toUpperCase()}?`
}
