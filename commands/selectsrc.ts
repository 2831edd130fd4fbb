import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { operateDangerous } from './dangerous'
import { fail } from './kit/fail'
import { findTarget, jobWord, nodeOfPair } from './operate'

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
    // `selectsrc NODE` alone is about the job in use; where none is, the one word is the job.
    const inUse = args.source === undefined && this.context.use.job !== null
    const [jobArg, word] = inUse ? [undefined, args.job] : [args.job, args.source]
    if (word === undefined) throw fail('E_USAGE', { what: 'The node whose data is right is missing.', usage })
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    const node = nodeOfPair(target, word, usage)
    return operateDangerous(this.context, this.output, target, 'selectsrc', flags, { node }, `Do you really want to declare the data of ${node} right?`)
  }
}
