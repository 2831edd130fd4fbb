import { Args, Flags } from '@oclif/core'
import { type CommandOptions, DETACH_MS } from '../src/wire'
import { changing, CuiCommand, everywhere, parseDurationMs, type HelpText } from './base'
import type { Outcome } from './context'
import { askYesNo, isTerminal } from './kit/confirm'
import { findTarget, jobWord, operate, otherOf, type ChangeFlags, type Target } from './operate'

/** Stops the monitoring of a job; its service goes on (guide 4, Detach). */
export class Detach extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = {
    ...everywhere,
    ...changing,
    'stop-data': Flags.boolean({ description: 'replication stops too: the other copy stays as it is', exclusive: ['keep-data'] }),
    'keep-data': Flags.boolean({ description: 'replication goes on (scripts that say neither get this)' }),
    for: Flags.string({ description: 'watch it again by itself after this long (30m, 2h, 1d)' })
  }
  static override about: HelpText = {
    summary: 'stop monitoring: no fault of the job acts until bringin; its service goes on',
    usage: 'detach JOB [--stop-data|--keep-data] [--for 2h] [--reason TEXT] [--yes] [--dry-run] [--no-wait] [--timeout 60s]',
    example: 'detach DB_Group --keep-data --for 2h --reason "patch 15.4"',
    guide: '4'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Detach)
    const { usage } = Detach.about
    const forMs = flags.for === undefined ? {} : { forMs: parseDurationMs(flags.for, [DETACH_MS.min, DETACH_MS.max], usage) }
    const target = await findTarget(this.context, jobWord(this.context, args.job, usage), flags.node)
    const stopData = await this.dataStops(target, flags)
    const until = flags.for === undefined ? `until bringin ${target.job}` : `for ${flags.for}`
    const question = `No fault of ${target.job} will act ${until}: it is not restarted, and it does not fail over. Do you really want to detach it?`
    const options: CommandOptions = { ...forMs, ...(stopData === null ? {} : { stopData }) }
    return operate(this.context, this.output, target, 'detach', flags, options, question)
  }

  /** The guide's question. */
  private async dataStops(target: Target, flags: ChangeFlags & { 'stop-data': boolean; 'keep-data': boolean }): Promise<boolean | null> {
    if (flags['stop-data'] || flags['keep-data']) return flags['stop-data'] === true
    const asks = isTerminal(this.context) && !flags.yes && !flags['dry-run'] && (target.now.view?.data ?? null) !== null
    if (!asks) return null
    const other = otherOf(target)
    const means = `Yes: nothing is sent until bringin, and the copy on ${other} stays as it is now; No: it goes on.`
    return askYesNo(this.context, `Stop the replication of ${target.job} too? ${means}`, '--stop-data or --keep-data')
  }
}
