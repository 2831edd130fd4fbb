import { explain, type State } from '../../src/core'
import { jobReport } from '../../src/report/job'
import { ReportError } from '../../src/report/report'
import type { DecisionView, WhyAnswer } from '../../src/wire'
import { decisionsSchema } from '../../src/wire/apiSchemas'
import { outcomeOf } from '../perform'
import type { Ports } from '../ports'

/** Somebody waits at a terminal; a peer that is away must not keep him. */
const PEER_ANSWER_MS = 2_000

/** Questions about the state that change nothing. */
export class Inquiries {
  constructor(
    private readonly ports: Pick<Ports, 'clock' | 'peer'>,
    /** On disk: what may be spoken of. */
    private readonly published: () => State
  ) {}

  /** What this node would decide now: the decisions' own conditions, by the time of the clock. */
  decisions(name: string): DecisionView[] {
    const state = { ...this.published(), atMs: this.ports.clock.nowMs() }
    const job = state.jobs[name]
    if (job === undefined)
      throw new ReportError(jobReport('E_JOB_UNKNOWN', { job: name, node: state.node, known: Object.keys(state.jobs).join(', ') || 'none' }))
    return explain(state, job)
  }

  async why(job: string): Promise<WhyAnswer> {
    const own = this.decisions(job)
    const sent = await outcomeOf(this.ports.peer.send({ kind: 'why', job }, PEER_ANSWER_MS))
    const theirs = sent.ok && sent.result.ok ? decisionsSchema.safeParse(sent.result.result) : null
    const { node, peerNode, jobs } = this.published()
    const error = sent.ok ? (sent.result.ok ? null : sent.result.error) : sent.error
    const unheard = theirs?.success ? null : (error?.message ?? `${peerNode} gave an answer that this version does not understand`)
    return { job, node, owner: jobs[job]?.record.owner ?? node, decisions: [...own, ...(theirs?.success ? theirs.data : [])], unheard }
  }
}
