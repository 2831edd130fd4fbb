import type { VoterTimes } from '../../src/core/quorum/voter'
import { startVoter } from '../../src/core/quorum/voter'
import { askWitness, startWitness, type Witness } from '../../src/core/quorum/witness'
import type { Config } from '../../src/model'
import type { Ballot, VoteMessage, VoteReply } from '../../src/wire'
import type { FakeNode } from './fakeNode'
import type { World } from './world'

export const W = 'witness'

/** The third host: real decisions, its own clock and its own disk. */
export class FakeWitness {
  state: Witness | null = null
  disk: Record<string, Ballot> = {}
  /** The version in which each job was made, as it was asked last; and as it is on the disk, with the ballot. */
  private since: Record<string, number> = {}
  private sinceOnDisk: Record<string, number> = {}
  private starts = 0
  /** The longest lease that it has ever granted, on its disk with the ballots. */
  private longest: VoterTimes = { leaseMs: 0, driftMs: 0 }
  private queue: (() => void)[] = []
  private busy = false
  /** On the way to its disk. */
  saving = false
  pausedUntilMs = 0
  /** Planted bugs of the tests: other decisions, and a disk that keeps only the first vote. */
  asks = askWitness
  begins = startWitness
  forgets = false

  constructor(
    private readonly world: World,
    private readonly config: Config
  ) {}

  boot(): void {
    const { quorum } = this.config
    if (this.state || !quorum) return
    this.starts += 1
    this.queue = []
    this.busy = false
    const { leaseMs, driftMs } = this.longest
    const times = { leaseMs: Math.max(leaseMs, quorum.leaseMs), driftMs: Math.max(driftMs, quorum.driftMs) }
    this.since = { ...this.sinceOnDisk }
    this.state = this.begins(`${W}-${this.starts}`, this.disk, this.world.localMs(W), times)
  }

  /** A crash and a power cut are the same for it: what is not on its disk has not happened, and was not said. */
  kill(): void {
    if (this.state) this.world.options.happened?.(this.saving ? 'the witness dies in the middle of a disk write' : 'the witness dies')
    this.saving = false
    this.state = null
  }

  wipe(): void {
    this.world.options.happened?.('the witness loses its memory')
    this.kill()
    this.disk = {}
    this.sinceOnDisk = {}
    this.world.options.wiped?.()
  }

  /** As a version of before had written it: without what was added since. */
  ageDisk(): void {
    const aged = Object.entries(this.disk).map(([job, { safetySequence: _s, ...ballot }]) => [job, ballot])
    this.disk = Object.fromEntries(aged)
  }

  pause(forMs: number): void {
    if (this.state) this.world.options.happened?.('the witness sleeps')
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.world.nowMs + forMs)
  }

  /** One question at a time: the answer goes out when what it promises is on the disk. */
  ask(from: FakeNode, message: VoteMessage, times: VoterTimes, answer: (reply: VoteReply) => void): void {
    const { starts } = this
    if (!this.state) return
    const since = sinceOf(from, message.job)
    this.queue.push(() => this.decide(message, times, since, (reply) => starts === this.starts && this.state && answer(reply)))
    if (!this.busy) this.next()
  }

  private next(): void {
    const { starts } = this
    const turn = this.queue.shift()
    this.busy = turn !== undefined
    if (!turn) return
    this.world.after(Math.max(0, this.pausedUntilMs - this.world.nowMs), () => starts === this.starts && this.state && turn())
  }

  /** As agent/witness/jobs.ts does it: what it holds of a job of before that had the name says nothing about this one. */
  private ofNow(state: Witness, job: string, since: number, times: VoterTimes): Witness {
    if (since === (this.since[job] ?? 0)) return { ...state, times }
    const voter = startVoter(`${state.incarnation}-${since}`, null, this.world.localMs(W), times)
    return { ...state, times, voters: { ...state.voters, [job]: voter } }
  }

  private decide(message: VoteMessage, times: VoterTimes, since: number, answer: (reply: VoteReply) => void): void {
    const { starts, state } = this
    if (!state) return
    if (since < (this.since[message.job] ?? 0)) return this.next()
    const { witness, persist, reply } = this.asks(this.ofNow(state, message.job, since, times), message, this.world.localMs(W))
    const end = (): void => {
      if (starts !== this.starts || !this.state) return
      if (persist && !(this.forgets && this.disk[persist.job])) this.keep(persist.job, persist.ballot, since)
      this.longest = { leaseMs: Math.max(times.leaseMs, this.longest.leaseMs), driftMs: Math.max(times.driftMs, this.longest.driftMs) }
      if (persist) this.world.options.witnessed?.(persist.ballot, persist.job, since)
      this.since = { ...this.since, [message.job]: since }
      this.state = witness
      this.world.options.answered?.(reply)
      answer(reply)
      this.next()
    }
    const diskMs = persist ? (this.world.options.diskMs?.() ?? 0) : 0
    if (diskMs === 0) return end()
    this.saving = true
    this.world.after(diskMs, () => {
      if (starts === this.starts) this.saving = false
      end()
    })
  }

  private keep(job: string, ballot: Ballot, since: number): void {
    this.disk = { ...this.disk, [job]: ballot }
    this.sinceOnDisk = { ...this.sinceOnDisk, [job]: since }
  }
}

/** As agent/witness/ofNode.ts asks. */
export const sinceOf = ({ config }: FakeNode, job: string): number => Math.max(config.witness?.since ?? 0, config.jobs[job]?.since ?? 0)
