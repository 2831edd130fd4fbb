import type { Action } from '../../src/core'
import type { FakeNode } from './fakeNode'
import type { World } from './world'

/** What outlives an engine: it ends what has no lease any more. */
export class FakeGuard {
  private isOver = ({ name, guard }: FakeNode): boolean => guard !== null && this.world.localMs(name) + 1 >= guard.killAtMs

  constructor(private readonly world: World) {}

  setGuard(node: FakeNode, { roleSequence, untilMs, killAtMs }: Extract<Action, { do: 'lease' }>): void {
    node.guard = { roleSequence, untilMs, killAtMs }
    const trueMs = killAtMs / (this.world.options.clockRate?.(node.name) ?? 1)
    this.world.onNode(node, Math.max(0, trueMs - this.world.nowMs), () => this.guardLooks(node))
    // The data program waits for its lease, and has it again.
    if (!node.machine.data.connected) this.world.data.later()
  }

  /** What it kills takes its time to be gone. */
  private guardLooks(node: FakeNode): void {
    const { boots } = node
    const killMs = this.world.options.killMs?.() ?? 0
    if (killMs === 0 || !this.isOver(node)) this.endWhatIsOver(node)
    else this.world.after(killMs, () => node.boots === boots && node.up && this.endWhatIsOver(node))
  }

  endWhatIsOver(node: FakeNode): void {
    if (node.guard === null || !this.isOver(node)) return
    // What has no lease sends nothing either: it would overwrite the copy of who is about to take over.
    this.world.after(Math.max(0, node.guard.untilMs - this.world.localMs(node.name)) + 1, () => this.world.data.later())
    node.machine.vips.clear()
    for (const application of [...node.machine.applications]) this.world.applicationDies(node.name, application)
  }

  /** In the modes with quorum nothing begins to serve, and nothing is acknowledged, without a lease that runs. */
  maySource(node: FakeNode): boolean {
    return node.up && !node.paused && (!node.machine.data.leased || (node.guard !== null && this.world.localMs(node.name) < node.guard.untilMs))
  }
}
