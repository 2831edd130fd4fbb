import { askWitness, startWitness, type Witness } from '../../src/core/quorum/witness'
import type { Config } from '../../src/model'
import type { Ballot, VoteMessage, VoteReply } from '../../src/wire'

interface Seat {
  running: Witness | null
  disk: Record<string, Ballot>
}

/** The third host: the witness's own decisions, and what its disk holds. An etcd cluster is simulated as one witness with the same rules. */
export class SimWitness {
  up = false
  private starts = 0
  /** By the version of the configuration in which it became the pair's witness: one that was replaced knows nothing. */
  private readonly seats = new Map<number, Seat>()

  constructor(private readonly nowMs: () => number) {}

  start(): void {
    if (this.up) return
    this.up = true
    this.starts += 1
  }

  kill(): void {
    this.up = false
    for (const seat of this.seats.values()) seat.running = null
  }

  ask({ witness, quorum }: Config, message: VoteMessage): VoteReply | null {
    if (!this.up || !witness || !quorum) return null
    const since = witness.since ?? 0
    const seat = this.seats.get(since) ?? { running: null, disk: {} }
    this.seats.set(since, seat)
    const running = seat.running ?? startWitness(`witness-${this.starts}-${since}`, seat.disk, this.nowMs(), quorum)
    const answer = askWitness({ ...running, times: quorum }, message, this.nowMs())
    if (answer.persist) seat.disk = { ...seat.disk, [answer.persist.job]: answer.persist.ballot }
    seat.running = answer.witness
    return answer.reply
  }
}
