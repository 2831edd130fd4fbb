import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { linkProblems, linkRows, printLinks } from './view/heartbeats'
import { readClusters } from './view/read'
import { printProblems } from './view/tables'

/** One row for each heartbeat link, one column for each node's view of it (guide 9). */
export class Hbtstate extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'each heartbeat link, as each node sees it (also: hotstate)',
    usage: 'hbtstate [--node NODE] [--json]',
    example: 'hbtstate',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(Hbtstate)
    const clusters = await readClusters(this.context, flags.node)
    const shown = clusters.map((cluster) => ({ cluster, rows: linkRows(cluster) }))
    shown.forEach(({ cluster, rows }, i) => {
      if (i > 0) this.output.line()
      printLinks(this.output, cluster, rows)
    })
    const problems = [...new Set(clusters.flatMap(linkProblems))]
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { links: shown.flatMap(({ rows }) => rows), problems } }
  }
}
