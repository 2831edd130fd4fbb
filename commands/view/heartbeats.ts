import type { LinkView } from '../../src/wire'
import type { Output } from '../context'
import { table } from '../kit/table'
import { aged, UNKNOWN, type ClusterView } from './cluster'
import { print } from './tables'

export interface LinkRow {
  name: string
  hbt: string
  /** The state as each node sees it, in the order of the columns. */
  states: Record<string, string>
  ageMs: Record<string, number | null>
}

/** One row for each heartbeat link, one column for each node's view of it. */
export function linkRows(cluster: ClusterView): LinkRow[] {
  const names = [...new Set([...cluster.seen.values()].flatMap((seen) => seen.view.links.map((link) => link.name)))]
  return names.map((name) => {
    const views = cluster.nodes.map((node) => ({ node, seen: cluster.seen.get(node), link: linkOf(cluster, node, name) }))
    return {
      name,
      hbt: ends(views[0]?.link, views[1]?.link),
      states: Object.fromEntries(views.map(({ node, seen, link }) => [node, aged(link?.state ?? UNKNOWN, seen)])),
      ageMs: Object.fromEntries(views.map(({ node, link }) => [node, link?.ageMs ?? null]))
    }
  })
}

const linkOf = (cluster: ClusterView, node: string, name: string): LinkView | undefined => cluster.seen.get(node)?.view.links.find((link) => link.name === name)

/** What is wrong with the links and nothing else: a pair whose links are ok is well connected, however its jobs are. */
export function linkProblems(cluster: ClusterView): string[] {
  const broken = cluster.nodes.flatMap((node) =>
    (cluster.seen.get(node)?.view.links ?? []).filter((link) => link.state !== 'ok').map((link) => broke(cluster, node, link))
  )
  const unheard = cluster.nodes.filter((node) => cluster.seen.get(node)?.old !== false)
  const quiet = unheard.map((node) => (cluster.seen.has(node) ? `${node} itself says nothing now: what it saw is old` : `nothing is known of ${node}`))
  return [...cluster.unanswered, ...broken, ...quiet]
}

function broke(cluster: ClusterView, node: string, { name, local, remote }: LinkView): string {
  const other = cluster.nodes.find((each) => each !== node) ?? 'the other node'
  return `${node} does not hear ${other} on link ${name} (${local} <-> ${remote})`
}

/** The first node's end stands on the left, whoever said it. */
function ends(first: LinkView | undefined, second: LinkView | undefined): string {
  if (first !== undefined) return `${first.local} <-> ${first.remote}`
  return second === undefined ? UNKNOWN : `${second.remote} <-> ${second.local}`
}

export function printLinks(output: Output, cluster: ClusterView, rows: LinkRow[]): void {
  const columns = [{ title: 'HBT', width: 50 }, ...cluster.nodes.map((node) => ({ title: node, width: 12 }))]
  print(
    output,
    table(
      columns,
      rows.map((row) => [row.hbt, ...cluster.nodes.map((node) => row.states[node] ?? UNKNOWN)]),
      output.paint.state
    )
  )
}
