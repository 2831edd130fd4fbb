import type { JobConfig } from '../../src/model'
import type { Context, Output } from '../context'
import { reportOf } from '../kit/fail'
import { askAll } from '../kit/nodes'
import { until } from '../kit/clock'
import type { NodeEntry } from '../kit/store'
import { findTarget, send } from '../operate'
import { type ClusterView, clustersOf, jobNow, type JobNow, standbyOf } from '../view/cluster'

/** Both engines go by a new configuration within a moment; more is a node that is away. */
const SEEN_MS = 10_000
const POLL_MS = 200

/** What is left of a removed job, and why its copies may not be the same. */
export interface Stays {
  nodes: { node: string; folders: string[]; copy: string }[]
  differ: string[]
}

/** That of the node which was asked for the change: other pairs may be open too. */
async function clusterNow(context: Context, node: string): Promise<ClusterView | null> {
  return clustersOf(await askAll(context.store.open())).find(({ nodes }) => nodes.includes(node)) ?? null
}

/** Until the open nodes show it, or show it no more. */
export async function awaitJob(context: Context, { node }: NodeEntry, job: string, there: boolean): Promise<void> {
  await until(context, SEEN_MS, POLL_MS, async () => {
    const seen = [...((await clusterNow(context, node))?.seen.values() ?? [])]
    return seen.length > 0 && seen.every(({ view }) => (view.jobs[job] !== undefined) === there)
  })
}

/** A new job is looked for on its owner first, and takes no command before it is known what runs of it. */
export async function awaitIdle(context: Context, { node }: NodeEntry, job: string): Promise<void> {
  await until(context, SEEN_MS, POLL_MS, async () => !(await isBusy(context, node, job)))
}

async function isBusy(context: Context, node: string, job: string): Promise<boolean> {
  try {
    const { entry } = await findTarget(context, job, node)
    await send(entry, job, 'bringin', { dryRun: true })
    return false
  } catch (thrown) {
    return reportOf(thrown).code === 'E_JOB_BUSY'
  }
}

/** Asked before it is removed: afterwards nobody knows it any more. */
export async function staysOf(context: Context, entry: NodeEntry, job: string, config: JobConfig | null): Promise<Stays> {
  const cluster = await clusterNow(context, entry.node)
  const now = cluster === null ? null : jobNow(cluster, job)
  if (cluster === null || now === null || config?.data == null) return { nodes: [], differ: [] }
  const { folders } = config.data
  const nodes = cluster.nodes.map((node) => ({
    node,
    folders: folders.map(({ path, nodePaths }) => nodePaths?.[node] ?? path),
    copy: copyWord(cluster, now, node)
  }))
  return { nodes, differ: whyDiffer(cluster, now) }
}

function copyWord(cluster: ClusterView, now: JobNow, node: string): string {
  if (node === now.owner) return 'the data that the job has served'
  const record = cluster.seen.get(node)?.view.jobs[now.job]?.record
  if (record === undefined) return 'a copy that nobody knows about now'
  if (record.needToVerify === 'Manually') return 'a copy with changes of its own'
  return record.copyComplete ? 'a copy, as of when the job was brought out' : 'a copy that is not whole'
}

function whyDiffer(cluster: ClusterView, now: JobNow): string[] {
  const { node = 'the other node', view } = standbyOf(cluster, now)
  const [mine, theirs] = [now.view?.record, view?.record]
  if (mine?.needToVerify === 'Manually' || theirs?.needToVerify === 'Manually')
    return [`Both nodes hold changes of ${now.job} of their own (Need to Verify: Manually), and nobody has said whose data is right.`, FORGOTTEN]
  if (theirs === undefined) return [`It is not known what ${node} holds of ${now.job}.`, FORGOTTEN]
  if (!theirs.copyComplete || mine?.needToVerify === 'Yes') return [`The copy of ${now.job} on ${node} is not that of ${now.owner}.`, FORGOTTEN]
  return []
}

const FORGOTTEN = 'Once the job is removed, nobody remembers which of the two is the right one.'

export function printStays(output: Output, { nodes }: Stays): void {
  for (const { node, folders, copy } of nodes) output.line(`${node} keeps ${folders.join(', ')}: ${copy}.`)
  if (nodes.length > 0) output.line('No data is deleted. What the nodes noted about it is put aside under removed in their state directories.')
}

/** What an administrator does next, in the words of the shell. */
export async function printNext(
  context: Context,
  output: Output,
  { action, job, entry }: { action: 'create' | 'modify' | 'remove'; job: string; entry: NodeEntry }
): Promise<string[]> {
  if (action === 'remove') return []
  const cluster = await clusterNow(context, entry.node)
  const now = cluster === null ? null : jobNow(cluster, job)
  if (cluster === null || now === null) return []
  output.line(`${job} is ${now.state} on ${now.owner}, which owns it.`)
  if (now.state !== 'offline') return []
  const next = [`bringin ${job}`]
  const { node = 'the other node' } = standbyOf(cluster, now)
  const withData = now.view?.dataSettings !== null && now.view?.dataSettings !== undefined
  output.line(`Next: bringin ${job} starts it on ${now.owner}.`)
  if (!withData) return next
  output.line(`Its first copy to ${node}, a full mirror, begins then.`)
  output.line(`Until that has ended ${node} cannot take over.`)
  output.line(`watch, or jobstate ${job}, shows how far it is; wait ${job} synchronized waits for it.`)
  return [...next, `wait ${job} synchronized`]
}
