import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { askShared, newSeat, type SharedSeat, type SharedVoter } from '../../src/core/quorum/shared'
import type { VoterTimes } from '../../src/core/quorum/voter'
import type { EtcdConfig } from '../../src/model'
import type { VoteMessage, VoteReply } from '../../src/wire'
import { ballotSchema } from '../../src/wire/voteSchemas'
import type { ClockPort } from '../ports'
import type { WitnessClient } from './client'
import { EtcdFailure, EtcdStore } from './etcdStore'
import { Troubles } from './troubles'

/** The two nodes of a pair get into each other's way seldom. */
const TRIES_MAX = 4
const WORD_BYTES = 8

export interface EtcdWitnessOptions {
  etcd: EtcdConfig
  /** Of this pair and no other one: the cluster, and who it is. */
  prefix: string
  clock: Pick<ClockPort, 'nowMs'>
  times(): { leaseMs: number; driftMs: number }
  since(job: string): number
  troubled?(why: string | null): void
}

const sharedSchema: z.ZodType<SharedVoter> = z.object({
  incarnation: z.string(),
  ballot: ballotSchema.nullable(),
  grant: z.object({ holder: z.string(), sender: z.string().optional(), forMs: z.number().positive(), word: z.string() }).nullable() as z.ZodType<
    SharedVoter['grant']
  >,
  heard: z.record(z.string(), z.object({ sender: z.string(), number: z.int() })),
  reports: z.record(z.string(), ballotSchema)
})

interface Job {
  /** Another one: nothing that was seen under the one before counts. */
  key: string
  seat: SharedSeat
  busy: boolean
  /** Asked while the one before is under way. */
  next: Question | null
}

interface Question {
  message: VoteMessage
  /** As they were when it was decided on. */
  times: VoterTimes
  deadlineMs: number
  settle(reply: VoteReply | null): void
}

/** An etcd cluster as the third voter: what a witness would decide is decided here, on what is there, and counts when it is there (src/core/quorum/shared.ts). */
export function createEtcdWitness(options: EtcdWitnessOptions): WitnessClient {
  const witness = new EtcdWitness(options)
  return { ask: (message, timeoutMs) => witness.ask(message, timeoutMs), close: () => void witness.close() }
}

class EtcdWitness {
  private readonly jobs = new Map<string, Job>()
  private store: EtcdStore | null = null
  private readonly troubles: Troubles

  constructor(private readonly options: EtcdWitnessOptions) {
    this.troubles = new Troubles((why) => options.troubled?.(why))
  }

  async close(): Promise<void> {
    await this.store?.close()
  }

  /**
   * One question about a job after the other: none is overtaken by one that was asked later. Of those that come meanwhile only the newest is asked, which
   * wants all that the others wanted: where the answers are slow, who stood in a queue would have no time left when it is his turn.
   */
  ask(message: VoteMessage, timeoutMs: number): Promise<VoteReply | null> {
    const job: Job = this.jobs.get(message.job) ?? { key: '', seat: newSeat(), busy: false, next: null }
    this.jobs.set(message.job, job)
    return new Promise((settle) => {
      job.next?.settle(null)
      job.next = { message, times: this.options.times(), deadlineMs: performance.now() + timeoutMs, settle }
      if (!job.busy) void this.answer(job)
    })
  }

  private async answer(job: Job): Promise<void> {
    job.busy = true
    for (let question = job.next; question !== null; question = job.next) {
      job.next = null
      question.settle(await this.vote(job, question).catch((error: unknown) => this.failed(question.message.job, error)))
    }
    job.busy = false
  }

  private async vote(job: Job, { message, times, deadlineMs }: Question): Promise<VoteReply | null> {
    this.store ??= new EtcdStore(this.options.etcd)
    const key = `${this.options.prefix}/${this.options.since(message.job)}/${message.job}`
    if (job.key !== key) Object.assign(job, { key, seat: newSeat() })
    for (let tries = 0; tries < TRIES_MAX && performance.now() < deadlineMs; tries++) {
      const stored = await this.store.read(key, deadlineMs)
      const now = { atMs: this.options.clock.nowMs(), word: randomBytes(WORD_BYTES).toString('hex'), times }
      const { reply, write, seat } = askShared(stored && sharedSchema.parse(JSON.parse(stored.text)), job.seat, message, now)
      job.seat = seat
      if (write === null || (await this.written(job, key, stored?.revision ?? '0', write, deadlineMs))) {
        this.troubles.heard(message.job, null)
        return reply
      }
    }
    return null
  }

  /** While it is not known what has become of it, it is in doubt; so it is before it is sent. */
  private async written(job: Job, key: string, revision: string, write: SharedVoter, deadlineMs: number): Promise<boolean> {
    const { inDoubt } = job.seat
    job.seat = { ...job.seat, inDoubt: true }
    try {
      const done = await this.store?.swap(key, revision, JSON.stringify(write), deadlineMs)
      job.seat = { ...job.seat, inDoubt: done ? false : inDoubt }
      return done === true
    } catch (error) {
      if (error instanceof EtcdFailure && !error.inDoubt) job.seat = { ...job.seat, inDoubt }
      throw error
    }
  }

  private failed(job: string, error: unknown): null {
    const foreign = error instanceof z.ZodError || error instanceof SyntaxError
    this.troubles.heard(job, foreign ? 'what is there was not written by mirrorpair' : (error as Error).message)
    return null
  }
}
