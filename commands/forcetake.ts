import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { operateDangerous } from './dangerous'
import { fail } from './kit/fail'
import { findTarget, jobWord, send, type Target } from './operate'

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
    await refuseServed(target)
    return operateDangerous(this.context, this.output, target, 'forcetake', flags, {}, `Do you really want to force ${target.job} on ${target.entry.node}?`)
  }
}

/** This shell may reach the other node where its partner does not: what serves there is known then, and forcing would make two of it. */
async function refuseServed(target: Target): Promise<void> {
  const { job, entry, asked } = target
  const other = asked.find(({ entry: each, status }) => each !== entry && status?.peerNode === entry.node)?.status
  const theirs = other?.self.jobs[job]
  if (!other || theirs?.phase !== 'online' || theirs.record.owner !== other.node) return
  // Whatever else stands in the way is told by the node itself.
  const shown = await send(entry, job, 'forcetake', { dryRun: true })
  if (!shown.dryRun || shown.danger === undefined) return
  throw fail('E_FORCE_SEEN_SERVING', { job, node: entry.node, peer: other.node, roleSequence: theirs.record.roleSequence })
}
