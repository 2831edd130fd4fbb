import { explain, type State, whyNotStill } from '../../src/core'
import { jobReport } from '../../src/report/job'
import { ReportError } from '../../src/report/report'
import type * as z from 'zod'
import type { DecisionView, HistoryAnswer, PeerMessage, TakeoverView, WhyAnswer } from '../../src/wire'
import { decisionsSchema, takeoversSchema } from '../../src/wire/apiSchemas'
import { outcomeOf } from '../perform'
import type { Ports } from '../ports'

/** Somebody waits at a terminal; a peer that is away must not keep him. */
const PEER_ANSWER_MS = 2_000

/** Questions about the state that change nothing. */
export class Inquiries {
  constructor(
    private readonly ports: Pick<Ports, 'clock' | 'peer' | 'history'>,
    /** On disk: what may be spoken of. */
    private readonly published: () => State
  ) {}

  /** What this node would decide now: the decisions' own conditions, by the time of the clock. */
  decisions(name: string): DecisionView[] {
    this.known(name)
    const state = { ...this.published(), atMs: this.ports.clock.nowMs() }
    const job = state.jobs[name]
    return job === undefined ? [] : explain(state, job)
  }

  /** Why a drill must not let this node stand still now. */
  whyNotStill(name: string): string[] {
    this.known(name)
    const state = { ...this.published(), atMs: this.ports.clock.nowMs() }
    const job = state.jobs[name]
    return job === undefined ? [`there is no job ${name}`] : whyNotStill(state, job)
  }

  /** What this node has kept of the changes of owner. */
  async takeovers(name: string): Promise<TakeoverView[]> {
    this.known(name)
    return await this.ports.history.read(name)
  }

  async history(job: string): Promise<HistoryAnswer> {
    const own = await this.takeovers(job)
    const { answer, unheard } = await this.askPeer({ kind: 'history', job }, takeoversSchema)
    return {
      job,
      node: this.published().node,
      entries: [...own, ...(answer ?? [])].sort((a, b) => a.roleSequence - b.roleSequence || a.atMs - b.atMs),
      unheard
    }
  }

  async why(job: string): Promise<WhyAnswer> {
    const own = this.decisions(job)
    const { answer, unheard } = await this.askPeer({ kind: 'why', job }, decisionsSchema)
    const { node, jobs } = this.published()
    return { job, node, owner: jobs[job]?.record.owner ?? node, decisions: [...own, ...(answer ?? [])], unheard }
  }

  /** The other node's own words, or in words why there are none. */
  private async askPeer<T>(message: PeerMessage, schema: z.ZodType<T>): Promise<{ answer: T | null; unheard: string | null }> {
    const sent = await outcomeOf(this.ports.peer.send(message, PEER_ANSWER_MS))
    const error = sent.ok ? (sent.result.ok ? null : sent.result.error) : sent.error
    if (error !== null) return { answer: null, unheard: error.message }
    const parsed = schema.safeParse(sent.ok && sent.result.ok ? sent.result.result : null)
    if (parsed.success) return { answer: parsed.data, unheard: null }
    return { answer: null, unheard: `${this.published().peerNode} gave an answer that this version does not understand` }
  }

  private known(name: string): void {
    const { node, jobs } = this.published()
    if (jobs[name] === undefined) throw new ReportError(jobReport('E_JOB_UNKNOWN', { job: name, node, known: Object.keys(jobs).join(', ') || 'none' }))
  }
}
