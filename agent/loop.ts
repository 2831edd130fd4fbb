import { step, TICK_MS, type Action, type Event, type Happening, type State } from '../src/core'
import type { Ports } from './ports'

/** Persisting failed: what was promised is not on disk, so the engine ends and recovers from what is. */
export const EXIT_PERSIST_FAILED = 71
/** So many events are never waiting unless something is badly wrong (a disk that hangs); the engine then ends and recovers from disk. */
export const QUEUE_EVENTS_MAX = 10_000

export interface LoopHands {
  persist(action: Extract<Action, { do: 'persist' }>): Promise<void>
  perform(action: Exclude<Action, { do: 'persist' }>): void
  /** A state that is on disk: what may be spoken of. */
  published(state: State): void
  /** The engine cannot go on; it is never called twice. */
  fatal(why: unknown): void
}

/**
 * event → step → persist → perform, one at a time. The step of the next event begins when the persist of the one before
 * is on disk and its actions are given out. So no decision is ever made on, and no word spoken of, what is not on disk.
 */
export class Loop {
  private readonly queue: Happening[] = []
  private running = false
  private ended = false
  private cancelTick: (() => void) | null = null

  constructor(
    private state: State,
    private readonly ports: Pick<Ports, 'clock' | 'heartbeat'>,
    private readonly hands: LoopHands
  ) {}

  emit(happening: Happening): void {
    if (this.ended) return
    this.queue.push(happening)
    if (this.queue.length > QUEUE_EVENTS_MAX) this.fail(new Error(`${QUEUE_EVENTS_MAX} events wait to be decided`))
    else if (!this.running) void this.run()
  }

  /** Time passes, also when nothing else happens. */
  tick(): void {
    // While one waits, another one says nothing new: a slow disk is no reason for a long queue.
    if (!this.queue.some(({ kind }) => kind === 'ticked')) this.emit({ kind: 'ticked', heartbeat: this.ports.heartbeat.view() })
    this.cancelTick = this.ports.clock.after(TICK_MS, () => this.tick())
  }

  end(): void {
    this.ended = true
    this.cancelTick?.()
    this.queue.length = 0
  }

  private async run(): Promise<void> {
    this.running = true
    try {
      for (let next = this.queue.shift(); next && !this.ended; next = this.queue.shift()) await this.turn(next)
    } catch (error) {
      this.fail(error)
    }
    this.running = false
  }

  /** The time of an event is when it is looked at: one that waited for a slow disk, or slept with this process, must not be taken for a fresh one. */
  private async turn(happening: Happening): Promise<void> {
    const event = { ...happening, atMs: this.ports.clock.nowMs(), wallMs: this.ports.clock.wallMs() } as Event
    const { state, actions } = step(this.state, event)
    this.state = state
    for (const action of actions) if (action.do === 'persist') await this.hands.persist(action)
    if (this.ended) return
    this.hands.published(state)
    // What was granted is told before anything is begun under it.
    for (const action of actions) if (action.do === 'lease') this.hands.perform(action)
    for (const action of actions) if (action.do !== 'persist' && action.do !== 'lease') this.hands.perform(action)
  }

  private fail(error: unknown): void {
    if (this.ended) return
    this.end()
    this.hands.fatal(error)
  }
}
