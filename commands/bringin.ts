import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { findTarget, jobWord, operate, type Target } from './operate'

/** Starts the job's service on its owner (guide 4 and 9). */
export class Bringin extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: "start the job's service on its owner",
    usage: 'bringin JOB [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'bringin DB_Group',
    guide: '4, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Bringin)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Bringin.about.usage), flags.node)
    const question = `${overwritten(target)}Do you really want to bring in ${target.job} on ${target.now.owner}?`
    return operate(this.context, this.output, target, 'bringin', flags, {}, question)
  }
}

/** A standby whose copy is not whole gets all of it again as soon as the service runs. */
function overwritten(target: Target): string {
  const standby = target.cluster.nodes.find((node) => node !== target.now.owner)
  const view = standby === undefined ? undefined : target.cluster.seen.get(standby)?.view.jobs[target.job]
  const hasData = (target.now.view?.data ?? view?.data ?? null) !== null
  const whole = view?.record.copyComplete === true && view.record.needToVerify === 'No'
  return hasData && !whole ? `The copy on ${standby ?? 'the standby'} will be overwritten by a full mirror from ${target.now.owner}. ` : ''
}
