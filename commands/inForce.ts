import type { JobMode } from '../src/model'
import type { Context, Output } from './context'
import { nowMs, pause } from './kit/clock'
import { fail } from './kit/fail'
import { askAll, openNodes } from './kit/nodes'
import { shortDuration } from './kit/text'
import { clustersOf } from './view/cluster'

/** A few messages between the nodes, and the first lease; longer only where a voter is away. */
export const IN_FORCE_MS = 60_000
const POLL_MS = 250

interface Awaited {
  job: string
  mode: JobMode
  node: string | undefined
  timeoutMs: number
}

/** The change is agreed on; it is true when every node that can be asked says so. How long that took. */
export async function untilInForce(context: Context, output: Output, { job, mode, node, timeoutMs }: Awaited): Promise<number> {
  const began = nowMs(context)
  for (;;) {
    const why = await whyNot(context, job, mode, node)
    const waitedMs = Math.round(nowMs(context) - began)
    if (why === null) {
      output.line(`The mode of ${job} is ${mode}.`)
      return waitedMs
    }
    if (waitedMs > timeoutMs || context.interrupt.signal.aborted)
      throw fail('E_WAIT_TIMEOUT', { what: `the mode ${mode} of ${job}`, timeout: shortDuration(timeoutMs), seen: why, again: `jobstate ${job}` })
    await pause(context, POLL_MS)
  }
}

async function whyNot(context: Context, job: string, mode: JobMode, node: string | undefined): Promise<string | null> {
  const clusters = clustersOf(await askAll(openNodes(context.store, node)))
  const cluster = clusters.find(({ jobs }) => jobs.includes(job))
  const views = [...(cluster?.seen.values() ?? [])].flatMap(({ view }) => view.jobs[job] ?? [])
  if (views.length === 0) return 'no answer'
  return views.map(({ mode: known, modePending }) => (known === mode ? (modePending ?? null) : `${known} still`)).find((why) => why !== null) ?? null
}
