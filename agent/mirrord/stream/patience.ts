/** Between two rounds over all links. */
const RETRY_MS = 500
/** A connection that had lasted is made again almost at once: the next link may carry it. */
const LOST_RETRY_MS = 20
const LASTED_MS = 5_000
/** After the target has refused us: it will not change its mind at once. */
const REFUSED_RETRY_MS = 2_000
/** Redo has failed: each try begins a full mirror, so the next one waits twice as long, at most so long. */
export const FAULT_RETRY_MS_MAX = 60_000

export type Outcome = 'unreachable' | 'lost' | 'refused' | 'fault'

/** How long the source waits before it connects again. */
export class Patience {
  private faults = 0

  /** The target is whole again. */
  reset(): void {
    this.faults = 0
  }

  waitMs(outcome: Outcome, lastedMs: number): number {
    if (outcome === 'fault') return Math.min(FAULT_RETRY_MS_MAX, REFUSED_RETRY_MS * 2 ** this.faults++)
    if (outcome === 'refused') return REFUSED_RETRY_MS
    return outcome === 'lost' && lastedMs >= LASTED_MS ? LOST_RETRY_MS : RETRY_MS
  }
}
