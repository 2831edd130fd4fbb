import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { findTarget, jobWord, operate, otherOf } from './operate'

/** Moves ownership; a job that is offline stays offline (guide 4, Take Over). */
export class Takeover extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'move the ownership of a job to the other node; what is offline stays offline',
    usage: 'takeover JOB [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'takeover DB_Group',
    guide: '4'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Takeover)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Takeover.about.usage), flags.node)
    const { job, now } = target
    const question = `Do you really want to take over the application service? ${job} moves from ${now.owner} to ${otherOf(target)}.`
    return operate(this.context, this.output, target, 'takeover', flags, {}, question)
  }
}
