import type { Action, Order, Outcome } from '../../src/core'
import { asServed } from '../../src/core/modeChange'
import { hasQuorum } from '../../src/model'
import { FakeLanes } from './fakeLanes'
import type { FakeFence, FakeNode } from './fakeNode'
import { done, failed, statusOf } from './machine'
import { A, B, JOB } from './pairConfig'
import type { World } from './world'

const FENCES: FakeFence = { afterMs: 0, fails: false, switchesOff: true }

/** What the engines order their machines to do. */
export class FakeOrders {
  readonly lanes = new FakeLanes()
  private fenceOf = ({ name }: FakeNode): FakeFence => this.world.fences.get(name) ?? FENCES

  constructor(private readonly world: World) {}

  /** As agent/perform.ts gives orders: what is not served under a lease yet is begun as if it needed none. */
  isLeased(node: FakeNode): boolean {
    return hasQuorum((node.state && asServed(node.state, JOB)?.mode) ?? 'guide')
  }

  private whyNotBegin(node: FakeNode, order: Order, roleSequence: number, leased: boolean): string | null {
    if (!leased || !['raise', 'start', 'source'].includes(order.do)) return null
    const { guard } = node
    const runs = guard !== null && guard.roleSequence === roleSequence && this.world.localMs(node.name) < guard.killAtMs
    return runs ? null : 'its lease is over'
  }

  order(node: FakeNode, action: Extract<Action, { do: 'order' }>): void {
    const { order, job, attempt, roleSequence, task } = action
    const { engineStarts } = node
    const leased = this.isLeased(node) || (order.do === 'reconfigure' && order.leased === true)
    const entered = this.lanes.enter(node.name, order, this.world.nowMs + this.world.delay('order') + (order.do === 'fence' ? this.fenceOf(node).afterMs : 0))
    const carryOut = (): Outcome => {
      node.underWay.delete(carryOut)
      const why = entered.cancelled ? 'it was stopped' : (this.whyNotBegin(node, order, roleSequence, leased) ?? this.world.fails(node.name, order))
      return why === null ? this.carryOut(node, order, roleSequence, leased) : failed(why)
    }
    node.underWay.add(carryOut)
    this.world.onNode(node, entered.endsAtMs - this.world.nowMs, () => {
      // What was under way when its engine ended was decided then (crashEngine).
      if (node.engineStarts !== engineStarts || !node.state || !node.underWay.has(carryOut)) return
      const outcome = carryOut()
      this.world.emit(node, { kind: 'orderEnded', job, attempt, roleSequence, task, outcome })
    })
  }

  private carryOut(node: FakeNode, order: Order, roleSequence: number, leased: boolean): Outcome {
    const { machine } = node
    // It is configured with that before each of these.
    if (['observe', 'source', 'target', 'stopData', 'reconfigure'].includes(order.do)) this.world.data.lease(node, leased)
    switch (order.do) {
      case 'observe':
        machine.data.running = true
        return done({
          held: [...machine.vips],
          running: [...machine.applications],
          ...(node.guard === null ? {} : { leaseUntilMs: node.guard.untilMs }),
          data: node.config.jobs[JOB]?.data ? { ran: true, status: statusOf(machine.data), ...this.world.data.differs(node) } : null
        })
      case 'fence':
        if (this.fenceOf(node).switchesOff) this.world.kill(order.node)
        return this.fenceOf(node).fails ? failed('the fence agent says that it is on') : done(null)
      case 'probe':
        return done(this.answersThere(node, order.vip.name) ? '52:54:00:00:00:01' : null)
      case 'raise':
        if (this.world.network.nicLost.get(node.name) === 'other') this.world.network.nicLost.delete(node.name)
        this.world.network.tellPaths(node)
        if (this.answersThere(node, order.vip.name)) return failed('the address is in use on another machine')
        this.world.options.served?.(node, 'raises its VIP')
        machine.vips.add(order.vip.name)
        return done(null)
      case 'drop':
        machine.vips.delete(order.vip.name)
        return done(null)
      case 'start':
        this.world.options.served?.(node, 'starts an application')
        machine.applications.add(order.application)
        return done(null)
      case 'stop':
        machine.applications.delete(order.application)
        return done(null)
      case 'drain':
        return this.world.data.drain(node)
      case 'mirror':
      case 'verify':
      case 'bandwidth':
        return machine.data.connected ? done(null) : failed('not connected')
      case 'transmit':
        return this.world.data.transmit(node, order.action)
      case 'safety':
        return this.world.data.setSafety(node, order)
      case 'selectSource':
        return this.world.data.select(node)
      case 'reconfigure':
        return machine.data.running ? done(null) : failed('it does not run')
      case 'rebuild':
        return this.world.data.rebuild(node)
      case 'upgrade':
        return machine.data.running
          ? done({ version: '0.2.0', pausedMs: machine.data.role === 'source' ? 120 : null, silentMs: null })
          : failed('it does not run')
      default:
        return this.world.data.change(node, order, roleSequence)
    }
  }

  private answersThere(node: FakeNode, vip: string): boolean {
    const there = this.world.other(node)
    return (
      this.world.network.pathWorks('service') &&
      this.world.network.arrives(A, B) &&
      this.world.network.arrives(B, A) &&
      !there.paused &&
      there.machine.vips.has(vip)
    )
  }
}
