import { askWitness, startWitness, type Witness } from '../../src/core/quorum/witness'
import type { Ballot, VoteReply } from '../../src/wire'
import type { WitnessQuestion } from '../../src/wire/witness'
import type { ClockPort } from '../ports'
import { type KeptBallot, saveBallot } from './ballotFile'

/** A pair has a handful of jobs; a cluster that invents names must not fill the memory. */
export const JOBS_OF_CLUSTER_MAX = 512
/** Questions about one job that wait for its disk write: two nodes ask five times a lease each. */
export const WAITING_OF_JOB_MAX = 16

export interface WitnessJobsOptions {
  /** Changes at every start, and when a pair has made this witness its own again. */
  incarnation: () => string
  clock: Pick<ClockPort, 'nowMs'>
  /** Of the cluster's ballots. */
  directory: string
  kept: KeptBallot[]
}

/** A question that gets no vote, and why. */
export class WitnessRefusal extends Error {
  override name = 'WitnessRefusal'
}

export interface WitnessJobView {
  job: string
  ballot: Ballot | null
  leasedTo: string | null
  leaseLeftMs: number | null
  /** How long ago each node has asked. */
  askedAgoMs: Record<string, number>
}

interface VotedJob {
  witness: Witness
  leaseMs: number
  driftMs: number
  since: number
  askedAtMs: Map<string, number>
  waiting: number
  /** A write has failed, and may have reached the disk all the same. */
  unsure: boolean
  /** One question after the other: the next one sees what this one has left on the disk. */
  turn: Promise<unknown>
}

/** The jobs of one cluster. What a question changes is on the disk before its answer goes out; when that fails, it has not happened. */
export class WitnessJobs {
  private readonly jobs = new Map<string, VotedJob>()
  private readonly startedAtMs: number

  constructor(private readonly options: WitnessJobsOptions) {
    this.startedAtMs = options.clock.nowMs()
    for (const kept of options.kept) this.jobs.set(kept.job, this.startJob(kept.job, kept, kept.ballot))
  }

  async ask(question: WitnessQuestion): Promise<VoteReply> {
    const { message } = question
    const job = this.jobs.get(message.job) ?? this.newJob(question)
    if (job.waiting >= WAITING_OF_JOB_MAX) throw new WitnessRefusal(`more than ${WAITING_OF_JOB_MAX} questions about ${message.job} wait for the disk`)
    job.waiting += 1
    const answer = job.turn
      .then(() => this.vote(job, question))
      .finally(() => {
        job.waiting -= 1
      })
    job.turn = answer.catch(() => undefined)
    return await answer
  }

  view(): WitnessJobView[] {
    const nowMs = this.options.clock.nowMs()
    return [...this.jobs].map(([job, { witness, askedAtMs }]) => {
      const voter = witness.voters[job]
      const grant = voter?.grant && nowMs < voter.grant.untilMs ? voter.grant : null
      const askedAgoMs = Object.fromEntries([...askedAtMs].map(([node, atMs]) => [node, nowMs - atMs]))
      return { job, ballot: voter?.ballot ?? null, leasedTo: grant?.holder ?? null, leaseLeftMs: grant && grant.untilMs - nowMs, askedAgoMs }
    })
  }

  private newJob({ message, leaseMs, driftMs, since }: WitnessQuestion): VotedJob {
    if (this.jobs.size >= JOBS_OF_CLUSTER_MAX) throw new WitnessRefusal(`the cluster has ${JOBS_OF_CLUSTER_MAX} jobs here already`)
    const job = this.startJob(message.job, { leaseMs, driftMs, since }, null)
    this.jobs.set(message.job, job)
    return job
  }

  private startJob(name: string, { leaseMs, driftMs, since }: Pick<KeptBallot, 'leaseMs' | 'driftMs' | 'since'>, ballot: Ballot | null): VotedJob {
    const witness = startWitness(this.options.incarnation(), ballot === null ? {} : { [name]: ballot }, this.startedAtMs, { leaseMs, driftMs })
    return { witness, leaseMs, driftMs, since, askedAtMs: new Map(), waiting: 0, unsure: false, turn: Promise.resolve() }
  }

  private async vote(job: VotedJob, question: WitnessQuestion): Promise<VoteReply> {
    const { message, since } = question
    if (since < job.since) throw new WitnessRefusal(`${message.from} has a configuration from before this witness became the pair's`)
    const nowMs = this.options.clock.nowMs()
    // Another one was the pair's witness in between: what this one holds says nothing about now.
    const times = { leaseMs: question.leaseMs, driftMs: question.driftMs }
    const before = since > job.since ? startWitness(this.options.incarnation(), {}, nowMs, times) : { ...job.witness, times }
    const { witness, persist, reply } = askWitness(before, message, nowMs)
    const leaseMs = Math.max(job.leaseMs, times.leaseMs)
    const driftMs = Math.max(job.driftMs, times.driftMs)
    const longer = leaseMs > job.leaseMs || driftMs > job.driftMs
    // What nobody was told would count after a restart, beside what was answered since: it is written over first.
    const ballot = persist?.ballot ?? (longer || job.unsure ? reply.ballot : null)
    if (ballot !== null) await this.save(job, { job: message.job, ballot, leaseMs, driftMs, since })
    Object.assign(job, { witness, leaseMs, driftMs, since })
    job.askedAtMs.set(message.from, nowMs)
    return reply
  }

  private async save(job: VotedJob, kept: KeptBallot): Promise<void> {
    job.unsure = true
    await saveBallot(this.options.directory, kept)
    job.unsure = false
  }
}
