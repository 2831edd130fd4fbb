import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { askAll, nodeNamed, openNodes, requireAnswer } from './kit/nodes'
import { clustersOf } from './view/cluster'

/** Makes a node or a job the default for the next commands of this shell or runbook (guide 9, help). */
export class Use extends CuiCommand {
  static override args = { what: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'make a node or a job the default for the next commands',
    usage: 'use NODE|JOB|none',
    example: 'use DB_Group',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { args } = await this.read(Use)
    const { use } = this.context
    if (args.what === 'none') Object.assign(use, { node: null, job: null })
    else if (args.what !== undefined) await this.choose(args.what)
    this.output.line(`node: ${use.node ?? 'the owner of the job'}, job: ${use.job ?? 'none'}`)
    return { exitCode: 0, json: { node: use.node, job: use.job } }
  }

  private async choose(word: string): Promise<void> {
    const open = openNodes(this.context.store, undefined)
    const entry = nodeNamed(open, word)
    if (entry !== undefined) {
      this.context.use.node = entry.node
      return
    }
    const asked = await askAll(open)
    requireAnswer(asked)
    const jobs = clustersOf(asked).flatMap((cluster) => cluster.jobs)
    if (!jobs.includes(word))
      throw fail('E_USAGE', {
        what: `"${word}" is neither an open node (${open.map((one) => one.node).join(', ')}) nor a job (${jobs.join(', ') || 'none'}).`,
        usage: Use.about.usage
      })
    this.context.use.job = word
  }
}
