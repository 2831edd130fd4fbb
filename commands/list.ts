import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { where } from './kit/client'
import { askAll, openNodes, type Asked } from './kit/nodes'
import { table } from './kit/table'
import { clustersOf, jobsNow } from './view/cluster'
import { print } from './view/tables'

/** The open nodes; the star marks the owner (guide 9, list). */
export class List extends CuiCommand {
  static override args = {}
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'the open nodes, * marks the owner, State shows the session',
    usage: 'list',
    example: 'list',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.read(List)
    const asked = await askAll(openNodes(this.context.store, flags.node))
    const owners = new Set(jobsNow(clustersOf(asked)).map((now) => now.owner))
    const nodes = asked.map((one) => ({
      node: one.entry.node,
      owner: owners.has(one.entry.node),
      address: where(one.entry),
      state: stateOf(one),
      account: one.entry.account,
      reason: one.report?.message ?? null
    }))
    const columns = [
      { title: 'Node', width: 14 },
      { title: 'IP:Port', width: 26 },
      { title: 'State', width: 0 }
    ]
    print(
      this.output,
      table(
        columns,
        nodes.map((one) => [`${one.owner ? '*' : ''}${one.node}`, one.address, one.state]),
        this.output.paint.state
      )
    )
    const away = nodes.filter((one) => one.reason !== null).length
    return { exitCode: away === 0 ? 0 : away === nodes.length ? 3 : 1, json: { nodes } }
  }
}

function stateOf(one: Asked): string {
  if (one.status !== null) return `on line(${one.entry.role})`
  return one.report?.exitCode === 3 ? 'unreachable' : one.report?.code === 'E_FINGERPRINT_CHANGED' ? 'error (certificate)' : 'off line'
}
