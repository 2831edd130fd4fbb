import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { findTarget, jobWord, nodeOfPair, operate, type Target } from './operate'

/** Clears the error flag that a failed node keeps; without it the job cannot start or come there (guide 4, Clear Error Flag). */
export class Clearerr extends CuiCommand {
  static override args = { job: Args.string(), of: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'clear the error flag that a failed node keeps for the job',
    usage: 'clearerr JOB [NODE] [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'clearerr DB_Group RMHW132',
    guide: '4'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Clearerr)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Clearerr.about.usage), flags.node)
    const node = args.of === undefined ? undefined : nodeOfPair(target, args.of, Clearerr.about.usage)
    const flagged = node ?? flaggedNode(target)
    const where = flagged === undefined ? '' : ` on ${flagged}`
    const question = `The cause should be repaired first: the job may start there again. Do you really want to clear the error flag of ${target.job}${where}?`
    return operate(this.context, this.output, target, 'clearerr', flags, node === undefined ? {} : { node }, question)
  }
}

const flaggedNode = (target: Target): string | undefined =>
  target.cluster.nodes.find((node) => (target.cluster.seen.get(node)?.view.jobs[target.job]?.record.errorFlag ?? null) !== null)
