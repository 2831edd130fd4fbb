import type { Context } from '../context'
import { nowMs, pause } from './clock'
import { reportOf } from './fail'
import { askNode, type Asked } from './nodes'
import type { NodeEntry } from './store'

/** Ages are drawn anew so often; a node that has nothing new answers after so long. */
export const REFRESH_MS = 1_000
/** Between two answers, while everything changes all the time. */
const LEAST_MS = 100

/** Follows each node for itself, without polling: one that does not answer makes nobody else's values old. */
export class Live {
  private readonly last: { entry: NodeEntry; asked: Asked; at: number }[]
  private readonly stopping = new AbortController()

  /** `first`: what the nodes have just answered. */
  constructor(
    private readonly context: Context,
    first: Asked[],
    private readonly answered: () => void
  ) {
    const at = nowMs(context)
    this.last = first.map((asked) => ({ entry: asked.entry, asked, at }))
  }

  start(): void {
    for (const node of this.last) void this.ask(node)
  }

  stop(): void {
    this.stopping.abort()
  }

  /** The newest answer of each node, with its age. */
  asked(): Asked[] {
    const now = nowMs(this.context)
    return this.last.map(({ asked, at }) => ({ ...asked, agoMs: now - at }))
  }

  private async ask(node: { entry: NodeEntry; asked: Asked; at: number }): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      const began = nowMs(this.context)
      const known = node.asked.status?.digest
      const asked = await this.answerOf(node.entry, known)
      if (signal.aborted) return
      Object.assign(node, { asked, at: nowMs(this.context) })
      this.answered()
      // A node that is silent, or of a version that cannot wait with its answer, is asked once a second.
      const gapMs = known === undefined || asked.status === null ? REFRESH_MS - (nowMs(this.context) - began) : LEAST_MS
      await pause({ ...this.context, interrupt: this.stopping }, Math.max(0, gapMs), true)
    }
  }

  private async answerOf(entry: NodeEntry, known: string | undefined): Promise<Asked> {
    try {
      // Another shell of the same user may have logged in again meanwhile.
      return await askNode(
        this.context.store.find(entry.address, entry.port) ?? entry,
        known === undefined ? undefined : { known, waitMs: REFRESH_MS, signal: this.stopping.signal }
      )
    } catch (thrown) {
      return { entry, status: null, agoMs: 0, report: reportOf(thrown) }
    }
  }
}
