import type { Order } from '../../src/core'

interface Beginning {
  cancelled: boolean
  endsAtMs: number
}

/** The order of orders for one thing, as agent/engine/lanes.ts keeps it: what ends a thing overrules what began it, the rest waits. */
export class FakeLanes {
  private readonly begun = new Map<string, Beginning>()

  /** When it will have ended, and whether something overruled it until then. */
  enter(node: string, job: string, order: Order, endsAtMs: number): Beginning {
    const lane = `${node}/${job}/${thingOf(order)}`
    const before = this.begun.get(lane)
    if (before && endsThing(order)) before.cancelled = true
    const waits = before && !endsThing(order) ? before.endsAtMs + 1 : 0
    const entered = { cancelled: false, endsAtMs: Math.max(endsAtMs, waits) }
    if (order.do === 'raise' || order.do === 'start' || order.do === 'source' || order.do === 'target') this.begun.set(lane, entered)
    return entered
  }

  /** The engine of the node has ended: its lanes with it. */
  forget(node: string): void {
    for (const lane of this.begun.keys()) if (lane.startsWith(`${node}/`)) this.begun.delete(lane)
  }
}

const endsThing = (order: Order): boolean => order.do === 'drop' || (order.do === 'stop' && order.kill) || (order.do === 'stopData' && order.force)

function thingOf(order: Order): string {
  if (order.do === 'observe') return 'observe'
  if (order.do === 'raise' || order.do === 'drop') return order.vip.name
  if (order.do === 'probe') return `probe ${order.vip.name}`
  return order.do === 'start' || order.do === 'stop' ? order.application : 'data'
}
