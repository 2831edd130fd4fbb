import type { Context } from '../context'
import { askAll, openNodes, requireAnswer } from '../kit/nodes'
import { clustersOf, type ClusterView } from './cluster'

/** What the open nodes say now. */
export async function readClusters(context: Context, node: string | undefined): Promise<ClusterView[]> {
  const asked = await askAll(openNodes(context.store, node))
  requireAnswer(asked)
  return clustersOf(asked)
}
