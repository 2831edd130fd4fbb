import { Args } from '@oclif/core'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { askAll } from './kit/nodes'
import { findTarget, jobWord, nodeOfPair, operate, type Target } from './operate'
import { clustersOf } from './view/cluster'

/** The data program of one node hands over to the installed one, with the job online (mirrorpair-agent(8), Upgrading). */
export class Upgrade extends CuiCommand {
  static override args = { job: Args.string(), of: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: "replace a node's data program by the installed one, with the job online",
    usage: 'upgrade JOB NODE [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'upgrade DB_Group RMHW132'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Upgrade)
    const { usage } = Upgrade.about
    const [jobArg, of] = args.of === undefined && this.context.use.job !== null ? [undefined, args.job] : [args.job, args.of]
    const job = jobWord(this.context, jobArg, usage)
    if (of === undefined) throw fail('E_USAGE', { what: 'The node is missing: the standby first, then the owner.', usage })
    const target = await findTarget(this.context, job, flags.node)
    const node = nodeOfPair(target, of, usage)
    const outcome = await operate(this.context, this.output, target, 'upgrade', flags, { node }, question(target, node))
    if (flags['dry-run'] || !flags.wait) return outcome
    return { ...outcome, json: { ...outcome.json, program: await this.program(target, node) } }
  }

  /** As the node itself says it; null: it cannot be asked. */
  private async program(target: Target, node: string): Promise<object | null> {
    const open = this.context.store.open().filter((entry) => target.cluster.nodes.includes(entry.node))
    const cluster = clustersOf(await askAll(open)).find((one) => one.cluster === target.cluster.cluster)
    return cluster?.seen.get(node)?.view.jobs[target.job]?.data?.program ?? null
  }
}

function question({ job, now }: Target, node: string): string {
  const waits =
    node === now.owner
      ? `Applications in the folders of ${job} wait for a moment, and see no error.`
      : `${node} receives nothing of ${job} for a moment; with safety FULL what is made durable waits for it.`
  return `${waits} Do you really want to replace the data program on ${node} by the installed one?`
}
