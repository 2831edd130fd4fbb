import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { confirmCode, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { wrap } from './kit/text'
import { checkConfirm, findTarget, jobWord, nodeOfPair, operate, send } from './operate'

/** Declares whose data is right after both sides have been written; the other side is made equal to it (guide 4, Select Data Source). */
export class Selectsrc extends CuiCommand {
  static override args = { job: Args.string(), source: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'declare whose data is right (Need to Verify: Manually), repair the other side from it',
    usage: 'selectsrc JOB NODE [--confirm JOB] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'selectsrc DB_Group RMHW131',
    guide: '4'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Selectsrc)
    const { usage } = Selectsrc.about
    // `selectsrc NODE` alone is about the job in use.
    const [jobArg, word] = args.source === undefined ? [undefined, args.job] : [args.job, args.source]
    if (word === undefined) throw fail('E_USAGE', { what: 'The node whose data is right is missing.', usage })
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    const node = nodeOfPair(target, word, usage)
    checkConfirm(target.job, flags.confirm)
    if (flags['dry-run']) return operate(this.context, this.output, target, 'selectsrc', flags, { node }, '')
    const shown = await send(target.entry, target.job, 'selectsrc', { node, dryRun: true })
    const danger = shown.dryRun ? shown.danger : undefined
    if (danger === undefined) throw fail('E_SHELL_BROKEN', { what: `${target.entry.node} did not say what may be lost` })
    await this.confirmed(target.job, node, danger.warning, flags.confirm)
    // The agent refuses when anything has changed since these sentences were true.
    return operate(this.context, this.output, target, 'selectsrc', { ...flags, yes: true }, { node, confirm: danger.state }, '')
  }

  private async confirmed(job: string, node: string, warning: string[], confirm: string | undefined): Promise<void> {
    if (confirm !== job && !isTerminal(this.context)) {
      throw fail('E_CONFIRM_NEEDED', { job, why: warning.join(' '), command: `selectsrc ${job} ${node}` })
    }
    const columns = this.output.raw === null ? Infinity : (this.context.io.stdout.columns ?? 80)
    for (const sentence of warning.flatMap((one) => wrap(one, columns))) this.output.line(this.output.paint.bad(sentence))
    if (confirm !== job) await confirmCode(this.context)
  }
}
