import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { findTarget, jobWord, operate, otherOf } from './operate'

/** Manual failover: stops the job on its owner and starts it on the other node (guide 4, Fail Over). */
export class Switch extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'stop the job on its owner, start it on the other node',
    usage: 'switch JOB [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'switch DB_Group',
    guide: '4, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Switch)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Switch.about.usage), flags.node)
    const question = `Do you really want to switch ${target.job} from ${target.now.owner} to ${otherOf(target)}?`
    return operate(this.context, this.output, target, 'switch', flags, {}, question)
  }
}
