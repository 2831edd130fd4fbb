import { hasLeft, leaveLines, nextTold, type State } from '../../src/core'
import { outcomeOf } from '../perform'
import type { Ports } from '../ports'

/** What a machine that shuts down still does; asked again and again by who waits for it. */
export interface LeaveView {
  left: boolean
  lines: string[]
}

/** The other node is told on every link before the heartbeats end; it takes over when it has heard it. */
const TELL_TIMEOUT_MS = 3_000

/** The machine shuts down in order: what this node serves stops here, the other node is told, and then the programs that outlive an engine end too. */
export class Leaving {
  private begun = false
  private ending = false
  private left = false

  constructor(
    private readonly ports: Pick<Ports, 'heartbeat' | 'peer' | 'data' | 'log'>,
    private readonly published: () => State,
    private readonly begin: () => void
  ) {}

  /** Asked once or often, it is the same. */
  leave(): LeaveView {
    if (!this.begun) {
      this.begun = true
      // First: what the other node hears after it counts as said by one that leaves.
      this.ports.heartbeat.leaving()
      this.begin()
    }
    return { left: this.left, lines: leaveLines(this.published()) }
  }

  publishedIs(state: State): void {
    if (this.ending || !this.begun || !state.leaving || !hasLeft(state)) return
    this.ending = true
    void this.end(state)
  }

  private async end(state: State): Promise<void> {
    const { heartbeat, peer, data, log } = this.ports
    if (state.peerAlive === 'up') await outcomeOf(peer.send({ kind: 'state', state: nextTold(state) }, TELL_TIMEOUT_MS))
    const jobs = Object.values(state.config.jobs).filter((job) => job.data !== null)
    await Promise.all(jobs.map(({ name }) => outcomeOf(data.end(name))))
    await outcomeOf(heartbeat.close(true))
    this.left = true
    log.event('info', `${state.node} has left: nothing of its jobs runs here`)
  }
}
