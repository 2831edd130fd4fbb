import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { actionOf, findTarget, jobAndWord, jobWord, operate, otherOf } from './operate'

const ACTIONS = ['pause', 'resume'] as const

/** Holds back what is sent to the target, or sends it (guide 6, Transmit). */
export class Transmit extends CuiCommand {
  static override args = { job: Args.string(), action: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'hold back or resume sending to the target; writes queue meanwhile',
    usage: 'transmit JOB pause|resume [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'transmit DB_Group pause',
    guide: '6'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Transmit)
    const { usage } = Transmit.about
    const [jobArg, word] = jobAndWord(args.job, args.action, ACTIONS)
    const action = actionOf(word, ACTIONS, 'transmit', usage)
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    const risk = `Until transmit is resumed ${otherOf(target)} gets nothing new: ${target.job} is exposed. `
    const question = `${action === 'pause' ? risk : ''}Do you really want to ${action} transmit of ${target.job}?`
    return operate(this.context, this.output, target, 'transmit', flags, { action }, question)
  }
}
