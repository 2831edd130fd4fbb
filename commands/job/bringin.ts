import type { Context, Outcome, Output } from '../context'
import { fail } from '../kit/fail'
import { askAll } from '../kit/nodes'
import { findTarget } from '../operate'
import { clustersOf, jobIn, standbyOf } from '../view/cluster'
import { reached } from '../view/reached'
import { followWalk } from '../walk'

/** The new job is started, and its first copy followed to its end. */
export async function bringinNew(context: Context, output: Output, job: string): Promise<Outcome> {
  const outcome = await context.runLine(context, ['bringin', job, '--yes', ...(output.json ? ['--json'] : [])], output.json)
  const target = await findTarget(context, job, undefined)
  if ((target.now.view?.dataSettings ?? null) === null) return outcome
  await followWalk(context, output, target, {
    title: 'Mirror',
    what: 'first copy',
    timeout: undefined,
    read: (data) => data.mirror,
    stopped: (state) => fail('E_MIRROR_STOPPED', { job, state }),
    // Before the two are connected it stands still as well.
    ended: () => isWhole(context, job)
  })
  output.line(`The first copy of ${job} is whole.`)
  return outcome
}

async function isWhole(context: Context, job: string): Promise<boolean> {
  const found = jobIn(clustersOf(await askAll(context.store.open())), job)
  return found !== null && reached({ now: found.now, standby: standbyOf(found.cluster, found.now).view ?? null }, 'synchronized')
}
