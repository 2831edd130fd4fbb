import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { operateDangerous } from './dangerous'
import { findTarget, jobWord } from './operate'

/** Stops the job's service; its owner stays (guide 4 and 9). */
export class Bringout extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: "stop the job's service, its owner stays",
    usage: 'bringout JOB [--yes] [--confirm JOB] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'bringout DB_Group',
    guide: '4, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Bringout)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Bringout.about.usage), flags.node)
    return operateDangerous(this.context, this.output, target, 'bringout', flags, {}, `Do you really want to bring out ${target.job} on ${target.now.owner}?`)
  }
}
