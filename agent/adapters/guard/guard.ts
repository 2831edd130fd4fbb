import { type Guarded, replaces } from './guarded'

/** While a lease runs: so late the guard is at most, also after a suspended machine has woken up (timers do not count that time). */
const LOOK_MS = 50
/** Past the end, with nothing left: something that was begun late is still found. */
const LOOK_AGAIN_MS = 250
/** What does not end is killed again so often. */
const KILL_AGAIN_MS = 500

export interface GuardHands {
  nowMs(): number
  /** What of the job is still there, in words. */
  alive(guarded: Guarded): string[]
  /** Everything of it, at once. */
  end(guarded: Guarded): void
  /** Something was still there at the end of its lease. */
  killed(guarded: Guarded, what: string[]): void
}

interface Entry {
  guarded: Guarded
  /** Ended for this lease; then again while something is there. */
  endedAtMs: number | null
}

/** Ends what is served without a lease, whoever lives or hangs: it needs nobody to be told so, only not to be told a later end. */
export class Guard {
  private readonly entries = new Map<string, Entry>()

  constructor(private readonly hands: GuardHands) {}

  /** False: an older one, which changes nothing. */
  tell(guarded: Guarded): boolean {
    const entry = this.entries.get(guarded.job)
    if (!replaces(guarded, entry?.guarded)) return false
    this.entries.set(guarded.job, { guarded, endedAtMs: null })
    return true
  }

  /** The job's mode has no quorum any more. */
  forget(job: string): void {
    this.entries.delete(job)
  }

  /** Answers how soon it has to look again; null: there is nothing to guard. */
  look(): number | null {
    const waits = [...this.entries.values()].map((entry) => this.lookAt(entry))
    return waits.length === 0 ? null : Math.min(...waits)
  }

  private lookAt(entry: Entry): number {
    const { guarded } = entry
    const nowMs = this.hands.nowMs()
    if (nowMs < guarded.killAtMs) return Math.max(1, Math.min(LOOK_MS, guarded.killAtMs - nowMs))
    const alive = this.hands.alive(guarded)
    const again = entry.endedAtMs !== null && nowMs - entry.endedAtMs >= KILL_AGAIN_MS && alive.length > 0
    if (entry.endedAtMs === null && alive.length > 0) this.hands.killed(guarded, alive)
    // Also what cannot be seen from here (a service of systemd) is ended once.
    if (entry.endedAtMs === null || again) {
      entry.endedAtMs = nowMs
      this.hands.end(guarded)
    }
    return alive.length > 0 ? LOOK_MS : LOOK_AGAIN_MS
  }

  /** Is something of a job there that could outlive its lease if nobody looked for so long? Where the lease still runs for longer, nothing has to be looked at. */
  mayOutlive(forMs: number): boolean {
    const nowMs = this.hands.nowMs()
    return [...this.entries.values()].some(({ guarded }) => nowMs + forMs > guarded.untilMs && this.hands.alive(guarded).length > 0)
  }

  /** Some lease runs, or something is there without one. */
  isOnDuty(): boolean {
    const nowMs = this.hands.nowMs()
    return [...this.entries.values()].some(({ guarded }) => nowMs < guarded.untilMs || this.hands.alive(guarded).length > 0)
  }
}
