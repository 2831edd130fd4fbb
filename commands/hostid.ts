import type { HostIdAnswer } from '../src/wire'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { reportOf } from './kit/fail'
import { askEach, call, openNodes } from './kit/nodes'
import { table } from './kit/table'
import { print, printProblems } from './view/tables'

const COLUMNS = [
  { title: 'host', width: 14 },
  { title: 'hostId', width: 24 },
  { title: 'network cards', width: 0 }
]

/** What each open node is known by to who issues licences (guide, annex 2). */
export class Hostid extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: "each node's host id, made of its network cards, for who issues licences",
    usage: 'hostid [--node NODE] [--json]',
    example: 'hostid',
    guide: 'annex 2'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(Hostid)
    const nodes = openNodes(this.context.store, flags.node)
    const { answers, refused } = await askEach(nodes.map((entry) => call<HostIdAnswer>(entry, { method: 'GET', path: '/v1/hostid' })))
    const problems = [
      ...refused.map((thrown) => reportOf(thrown).message),
      ...answers.filter(({ hostId }) => hostId === null).map(({ node }) => `${node} has no network card, and so no host id`)
    ]
    print(this.output, table(COLUMNS, answers.flatMap(rowsOf)))
    printProblems(this.output, problems)
    return { exitCode: problems.length > 0 ? 1 : 0, json: { nodes: answers, problems } }
  }
}

/** The id stands beside the first card. */
const rowsOf = ({ node, hostId, cards }: HostIdAnswer): string[][] =>
  (cards.length === 0 ? [''] : cards.map(({ name, hardware }) => `${name} ${hardware}`)).map((card, i) =>
    i === 0 ? [node, hostId ?? '-', card] : ['', '', card]
  )
