import type { Context } from '../context'
import { askAll, openNodes, requireAnswer } from '../kit/nodes'
import { clustersOf, knownJob, problemsOf, type ClusterView, type JobNow } from './cluster'

/** What the open nodes say now. */
export async function readClusters(context: Context, node: string | undefined): Promise<ClusterView[]> {
  const asked = await askAll(openNodes(context.store, node))
  requireAnswer(asked)
  return clustersOf(asked)
}

/** One job as the open nodes see it now. */
export async function readJob(context: Context, job: string, node: string | undefined): Promise<{ cluster: ClusterView; now: JobNow; problems: string[] }> {
  const clusters = await readClusters(context, node)
  return { ...knownJob(clusters, job), problems: problemsOf(clusters) }
}
