import { monitorTest, type State, testedEvents, testedKeys } from '../../src/core'
import { conditionText, parseCondition } from '../../src/model'
import { changeReport } from '../../src/report/change'
import { ReportError } from '../../src/report/report'
import { MONITOR_HISTORY_MAX, type MonitorHistoryAnswer, type MonitorTestAnswer, type PeerMessage } from '../../src/wire'
import { monitorHistorySchema, monitorTestSchema } from '../../src/wire/monitorSchemas'
import { failureOf } from '../perform'
import type { Ports } from '../ports'
import type * as z from 'zod'

/** The other node looks for as long as its own samples take, and the way there and back. */
const PEER_LOOK_MS = 10_000

type MonitorPorts = Pick<Ports, 'clock' | 'peer' | 'usage' | 'monitor'>

/** Questions about a node's system resource monitor, answered here or by the other node. */
export class Monitoring {
  constructor(
    private readonly ports: MonitorPorts,
    private readonly published: () => State
  ) {}

  /** `typed` null: the conditions of the events. */
  async test(node: string | null, typed: string[] | null): Promise<MonitorTestAnswer> {
    const conditions = typed?.map((text) => this.condition(text)) ?? null
    if (this.isOther(node)) return await this.ask({ kind: 'monitorTest', conditions }, monitorTestSchema)
    return await this.testHere(conditions)
  }

  async testHere(typed: string[] | null): Promise<MonitorTestAnswer> {
    const events = testedEvents(this.published(), typed)
    const values = await this.ports.usage.look(testedKeys(events))
    const state = { ...this.published(), atMs: this.ports.clock.nowMs() }
    return { node: state.node, ...this.clock(), events: monitorTest(state, events, values) }
  }

  async history(node: string | null): Promise<MonitorHistoryAnswer> {
    return this.isOther(node) ? await this.ask({ kind: 'monitorHistory' }, monitorHistorySchema) : await this.historyHere()
  }

  async historyHere(): Promise<MonitorHistoryAnswer> {
    const { utcOffsetMinutes } = this.clock()
    return { node: this.published().node, utcOffsetMinutes, entries: await this.ports.monitor.history(MONITOR_HISTORY_MAX) }
  }

  private clock(): Pick<MonitorTestAnswer, 'wallMs' | 'utcOffsetMinutes'> {
    const wallMs = this.ports.clock.wallMs()
    return { wallMs, utcOffsetMinutes: -new Date(wallMs).getTimezoneOffset() }
  }

  private condition(text: string): string {
    const condition = parseCondition(text)
    if (typeof condition !== 'string') return conditionText(condition)
    throw new ReportError(changeReport('E_MONITOR_CONDITION', { node: this.published().node, text, expected: condition }))
  }

  private isOther(node: string | null): boolean {
    const { node: own, peerNode } = this.published()
    if (node === null || node === own) return false
    if (node === peerNode) return true
    throw new ReportError(changeReport('E_MONITOR_NODE', { node: own, named: node, peer: peerNode }))
  }

  private async ask<T>(message: PeerMessage, schema: z.ZodType<T>): Promise<T> {
    const { peerNode, node } = this.published()
    const reply = await this.ports.peer.send(message, PEER_LOOK_MS)
    if (!reply.ok) throw new ReportError({ node: peerNode, ...reply.error } as never)
    const parsed = schema.safeParse(reply.result)
    if (parsed.success) return parsed.data
    throw new ReportError(failureOf(new Error(`${peerNode} gave an answer that ${node} does not understand`)) as never)
  }
}
