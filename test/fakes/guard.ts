import type { Action } from '../../src/core'
import { type FakeNode, type Seat, seatOf, seatsOf } from './fakeNode'
import type { World } from './world'

/** What outlives an engine: it ends what has no lease any more. */
export class FakeGuard {
  constructor(private readonly world: World) {}

  private isOver({ name }: FakeNode, { guard }: Seat): boolean {
    return guard !== null && this.world.localMs(name) + 1 >= guard.killAtMs
  }

  setGuard(node: FakeNode, { job, roleSequence, untilMs, killAtMs }: Extract<Action, { do: 'lease' }>): void {
    const seat = seatOf(node, job)
    seat.guard = { roleSequence, untilMs, killAtMs }
    const trueMs = killAtMs / (this.world.options.clockRate?.(node.name) ?? 1)
    this.world.onNode(node, Math.max(0, trueMs - this.world.nowMs), () => this.guardLooks(node, job))
    // The data program waits for its lease, and has it again.
    if (!seat.machine.data.connected) this.world.jobs.dataOf(job).later()
  }

  /** What it kills takes its time to be gone. */
  private guardLooks(node: FakeNode, job: string): void {
    const { boots } = node
    const killMs = this.world.options.killMs?.() ?? 0
    if (killMs === 0 || !this.isOver(node, seatOf(node, job))) this.endOf(node, job)
    else this.world.after(killMs, () => node.boots === boots && node.up && this.endOf(node, job))
  }

  endWhatIsOver(node: FakeNode): void {
    for (const [job] of seatsOf(node)) this.endOf(node, job)
  }

  private endOf(node: FakeNode, job: string): void {
    const seat = seatOf(node, job)
    const { guard, machine } = seat
    if (guard === null || !this.isOver(node, seat)) return
    // What has no lease sends nothing either: it would overwrite the copy of who is about to take over.
    this.world.after(Math.max(0, guard.untilMs - this.world.localMs(node.name)) + 1, () => this.world.jobs.dataOf(job).later())
    machine.vips.clear()
    for (const application of [...machine.applications]) this.world.applicationDies(node.name, application, job)
  }

  /** In the modes with quorum nothing begins to serve, and nothing is acknowledged, without a lease that runs. */
  maySource(node: FakeNode, job: string): boolean {
    const { machine, guard } = seatOf(node, job)
    return node.up && !node.paused && (!machine.data.leased || (guard !== null && this.world.localMs(node.name) < guard.untilMs))
  }
}
