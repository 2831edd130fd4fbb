import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { operateDangerous } from './dangerous'
import { findTarget, jobWord } from './operate'

/** Starts the job on the node in use although the other one cannot be asked (guide 4, Force Start). */
export class Forcetake extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'start the job on the node in use while the other one cannot be reached; the data may go apart',
    usage: 'forcetake JOB [--node NODE] [--confirm JOB] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'forcetake DB_Group',
    guide: '4, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Forcetake)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Forcetake.about.usage), flags.node)
    return operateDangerous(this.context, this.output, target, 'forcetake', flags, {}, `Do you really want to force ${target.job} on ${target.entry.node}?`)
  }
}
