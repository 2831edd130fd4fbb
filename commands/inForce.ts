import { fail } from './kit/fail'
import { nowMs, pause } from './kit/clock'
import { askAll, openNodes } from './kit/nodes'
import { shortDuration } from './kit/text'
import type { Context, Output } from './context'
import { clustersOf, type ClusterView } from './view/cluster'

/** A few messages between the nodes, and the first lease; longer only where a voter is away. */
export const IN_FORCE_MS = 60_000
const POLL_MS = 250

export interface Awaited {
  /** What is waited for, in words. */
  what: string
  /** What is told when it is so. */
  done: string
  /** The command that shows how far it is. */
  again: string
  node: string | undefined
  timeoutMs: number
  /** Why it is not so yet, as the nodes that answer say; null: it is. */
  whyNot(clusters: ClusterView[]): string | null
}

/** A change is agreed on; it is true when every node that can be asked says so. How long that took. */
export async function untilInForce(context: Context, output: Output, { what, done, again, node, timeoutMs, whyNot }: Awaited): Promise<number> {
  const began = nowMs(context)
  for (;;) {
    const why = whyNot(clustersOf(await askAll(openNodes(context.store, node))))
    const waitedMs = Math.round(nowMs(context) - began)
    if (why === null) {
      output.line(done)
      return waitedMs
    }
    if (waitedMs > timeoutMs || context.interrupt.signal.aborted) throw fail('E_WAIT_TIMEOUT', { what, timeout: shortDuration(timeoutMs), seen: why, again })
    await pause(context, POLL_MS)
  }
}
