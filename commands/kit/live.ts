import type { Context } from '../context'
import { nowMs, pause } from './clock'
import { reportOf } from './fail'
import { askNode, type Asked } from './nodes'
import type { NodeEntry } from './store'

export const REFRESH_MS = 1_000

/** Asks each node once a second, each for itself: one that does not answer makes nobody else's values old. */
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
      const asked = await this.answerOf(node.entry)
      if (signal.aborted) return
      Object.assign(node, { asked, at: nowMs(this.context) })
      this.answered()
      await pause({ ...this.context, interrupt: this.stopping }, Math.max(0, REFRESH_MS - (nowMs(this.context) - began)), true)
    }
  }

  private async answerOf(entry: NodeEntry): Promise<Asked> {
    try {
      // Another shell of the same user may have logged in again meanwhile.
      return await askNode(this.context.store.find(entry.address, entry.port) ?? entry)
    } catch (thrown) {
      return { entry, status: null, agoMs: 0, report: reportOf(thrown) }
    }
  }
}
