import type { Context, Outcome, Output } from '../context'
import { fail } from '../kit/fail'
import { askAll } from '../kit/nodes'
import type { NodeEntry } from '../kit/store'
import { findTarget, type Target } from '../operate'
import { clustersOf, jobIn, standbyOf } from '../view/cluster'
import { reached } from '../view/reached'
import { followWalk } from '../walk'

/** The new job is started, and its first copy followed to its end. */
export async function bringinNew(context: Context, output: Output, job: string, { node }: NodeEntry): Promise<Outcome> {
  const outcome = await context.runLine(context, ['bringin', job, '--node', node, '--yes', ...(output.json ? ['--json'] : [])], output.json)
  const target = await findTarget(context, job, node)
  if ((target.now.view?.dataSettings ?? null) === null) return outcome
  await followWalk(context, output, target, {
    title: 'Mirror',
    what: 'first copy',
    timeout: undefined,
    read: (data) => data.mirror,
    stopped: (state) => fail('E_MIRROR_STOPPED', { job, state }),
    // Before the two are connected it stands still as well.
    ended: () => isWhole(context, target)
  })
  output.line(`The first copy of ${job} is whole.`)
  return outcome
}

async function isWhole(context: Context, { job, cluster }: Target): Promise<boolean> {
  const found = jobIn(clustersOf(await askAll(context.store.open())), job, cluster)
  return found !== null && reached({ now: found.now, standby: standbyOf(found.cluster, found.now).view ?? null }, 'synchronized')
}
