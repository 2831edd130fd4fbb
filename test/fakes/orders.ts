import type { Action, Order, Outcome } from '../../src/core'
import { asServed } from '../../src/core/modeChange'
import { hasQuorum } from '../../src/model'
import { FakeLanes } from './fakeLanes'
import { type FakeFence, type FakeNode, machineOf, seatOf } from './fakeNode'
import { done, failed, statusOf } from './machine'
import { A, B } from './pairConfig'
import type { World } from './world'

type Ordered = Extract<Action, { do: 'order' }>

const FENCES: FakeFence = { afterMs: 0, fails: false, switchesOff: true }

/** What the engines order their machines to do. */
export class FakeOrders {
  readonly lanes = new FakeLanes()
  private fenceOf = ({ name }: FakeNode): FakeFence => this.world.fences.get(name) ?? FENCES

  constructor(private readonly world: World) {}

  /** As agent/perform.ts gives orders: what is not served under a lease yet is begun as if it needed none. */
  isLeased(node: FakeNode, job: string): boolean {
    return hasQuorum((node.state && asServed(node.state, job)?.mode) ?? 'guide')
  }

  private mayBegin(node: FakeNode, { order, job, roleSequence }: Ordered, leased: boolean): boolean {
    if (!leased || !['raise', 'start', 'source'].includes(order.do)) return true
    const { guard } = seatOf(node, job)
    return guard !== null && guard.roleSequence === roleSequence && this.world.localMs(node.name) < guard.killAtMs
  }

  order(node: FakeNode, action: Ordered): void {
    const { order, job, attempt, roleSequence, task } = action
    const { engineStarts } = node
    const leased = this.isLeased(node, job) || (order.do === 'reconfigure' && order.leased === true)
    const entered = this.lanes.enter(node.name, job, order, this.world.nowMs + this.world.delay('order') + this.slowFenceMs(node, order))
    const carryOut = (): Outcome => {
      node.underWay.delete(carryOut)
      if (entered.cancelled) return failed('it was stopped')
      if (!this.mayBegin(node, action, leased)) return failed('its lease is over', 'E_LEASE_ENDED')
      const why = this.world.fails(node.name, order)
      return why === null ? this.carryOut(node, action, leased) : failed(why)
    }
    node.underWay.add(carryOut)
    this.world.onNode(node, entered.endsAtMs - this.world.nowMs, () => {
      // What was under way when its engine ended was decided then (crashEngine).
      if (node.engineStarts !== engineStarts || !node.state || !node.underWay.has(carryOut)) return
      const outcome = carryOut()
      this.world.emit(node, { kind: 'orderEnded', job, attempt, roleSequence, task, outcome })
    })
  }

  private slowFenceMs(node: FakeNode, order: Order): number {
    return order.do === 'fence' ? this.fenceOf(node).afterMs : 0
  }

  private carryOut(node: FakeNode, { order, job, roleSequence }: Ordered, leased: boolean): Outcome {
    const { machine, guard } = seatOf(node, job)
    const data = this.world.jobs.dataOf(job)
    // It is configured with that before each of these.
    if (['observe', 'source', 'target', 'stopData', 'reconfigure'].includes(order.do)) data.lease(node, leased)
    switch (order.do) {
      case 'observe':
        machine.data.running = true
        return done({
          held: [...machine.vips],
          running: [...machine.applications],
          ...(guard === null ? {} : { leaseUntilMs: guard.untilMs }),
          data: node.config.jobs[job]?.data ? { ran: true, status: statusOf(machine.data), ...data.differs(node) } : null
        })
      case 'fence':
        if (this.fenceOf(node).switchesOff) this.world.kill(order.node)
        return this.fenceOf(node).fails ? failed('the fence agent says that it is on') : done(null)
      case 'probe':
        return done(this.answersThere(node, job, order.vip.name) ? '52:54:00:00:00:01' : null)
      case 'raise':
        if (this.world.network.nicLost.get(node.name) === 'other') this.world.network.nicLost.delete(node.name)
        this.world.network.tellPaths(node)
        if (this.answersThere(node, job, order.vip.name)) return failed('the address is in use on another machine')
        this.world.options.served?.(node, 'raises its VIP', job)
        machine.vips.add(order.vip.name)
        return done(null)
      case 'drop':
        machine.vips.delete(order.vip.name)
        return done(null)
      case 'start':
        this.world.options.served?.(node, 'starts an application', job)
        machine.applications.add(order.application)
        return done(null)
      case 'stop':
        machine.applications.delete(order.application)
        return done(null)
      case 'drain':
        return data.drain(node)
      case 'mirror':
      case 'verify':
      case 'bandwidth':
        return machine.data.connected ? done(null) : failed('not connected')
      case 'transmit':
        return data.transmit(node, order.action)
      case 'safety':
        return data.setSafety(node, order)
      case 'selectSource':
        return data.select(node)
      case 'reconfigure':
        return machine.data.running ? done(null) : failed('it does not run')
      case 'rebuild':
        return data.rebuild(node)
      case 'upgrade':
        return machine.data.running
          ? done({ version: '0.2.0', pausedMs: machine.data.role === 'source' ? 120 : null, silentMs: null })
          : failed('it does not run')
      default:
        return data.change(node, order, roleSequence)
    }
  }

  private answersThere(node: FakeNode, job: string, vip: string): boolean {
    const there = this.world.other(node)
    return (
      this.world.network.pathWorks('service') &&
      this.world.network.arrives(A, B) &&
      this.world.network.arrives(B, A) &&
      !there.paused &&
      machineOf(there, job).vips.has(vip)
    )
  }
}
