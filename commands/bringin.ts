import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { findTarget, jobWord, operate, type Target } from './operate'

/** Starts the job's service on its owner (guide 4 and 9). */
export class Bringin extends CuiCommand {
  static override args = { job: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: "start the job's service on its owner; after detach, watch it again",
    usage: 'bringin JOB [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'bringin DB_Group',
    guide: '4, 9'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Bringin)
    const target = await findTarget(this.context, jobWord(this.context, args.job, Bringin.about.usage), flags.node)
    const does = target.now.view?.record.detached ? 'watch' : 'bring in'
    const question = `${overwritten(target)}Do you really want to ${does} ${target.job} on ${target.now.owner}?`
    return operate(this.context, this.output, target, 'bringin', flags, {}, question)
  }
}

/**
 * The folder has been an ordinary one since the job was brought out: nobody knows whether it is still equal to the standby's
 * copy. So the standby always gets all of it again, and cannot take over before that has ended.
 */
function overwritten(target: Target): string {
  const standby = target.cluster.nodes.find((node) => node !== target.now.owner)
  const view = standby === undefined ? undefined : target.cluster.seen.get(standby)?.view.jobs[target.job]
  const hasData = (target.now.view?.data ?? view?.data ?? null) !== null
  const to = standby ?? 'the standby'
  const held = target.now.view?.record.detached?.stopData === true && target.now.state === 'online'
  if (held)
    return `Overwritten: what has changed on ${target.now.owner} while replication was stopped overwrites the copy on ${to}; until it has all of it ${to} cannot take over. `
  if (!hasData || target.now.state === 'online') return ''
  return `The copy on ${to} will be overwritten by a full mirror from ${target.now.owner}; until it has ended ${to} cannot take over. `
}
