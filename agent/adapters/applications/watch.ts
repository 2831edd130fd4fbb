/** Death must be noticed within 200 ms; a look costs some microseconds. */
const ALIVE_POLL_MS = 100
/** One failed check may be a busy moment; this many in a row are a failure. */
export const CHECK_FAILURES_MAX = 2
const CARE_MS = 10_000

export interface Watched {
  /** null: it lives, or that is not seen this way; else why not. */
  death: () => string | null
  /** null: met; else why not. `certain`: no second try needed. Absent: nothing to check. Called off when the watch ends: nothing of it stays behind. */
  check?: (abort: AbortSignal) => Promise<{ why: string; certain: boolean } | null>
  checkIntervalMs: number
  /** Something has changed: it is checked now, not at the next interval. */
  isStirred?: () => boolean
  /** Housekeeping from time to time, such as cutting its log. */
  care?: () => Promise<void>
}

/** Watches one application until it fails (said once) or until it is ended. */
export class Watch {
  private over = false
  private failures = 0
  private checking = false
  private again = false
  private readonly timers: NodeJS.Timeout[] = []
  private nextCheck: NodeJS.Timeout | undefined
  private readonly checks = new AbortController()

  constructor(
    private readonly watched: Watched,
    private readonly failed: (why: string) => void
  ) {
    this.timers.push(setInterval(() => this.look(), ALIVE_POLL_MS))
    if (watched.care !== undefined) this.timers.push(setInterval(() => void watched.care?.(), CARE_MS))
    this.checkLater()
  }

  /** Looks now: somebody knows that it has just changed. */
  look(): void {
    const why = this.over ? null : this.watched.death()
    if (why !== null) this.fail(why)
    else if (!this.over && this.watched.isStirred?.() === true) this.checkNow()
  }

  end(): void {
    this.over = true
    for (const timer of this.timers) clearInterval(timer)
    clearTimeout(this.nextCheck)
    this.checks.abort()
  }

  private fail(why: string): void {
    this.end()
    this.failed(why)
  }

  private checkLater(): void {
    if (this.over || this.watched.check === undefined) return
    this.nextCheck = setTimeout(() => void this.check(), this.watched.checkIntervalMs)
  }

  /** One that is under way may have looked before it happened. */
  private checkNow(): void {
    if (this.checking) this.again = true
    else {
      clearTimeout(this.nextCheck)
      void this.check()
    }
  }

  private async check(): Promise<void> {
    this.checking = true
    const failure = (await this.watched.check?.(this.checks.signal)) ?? null
    this.checking = false
    if (this.over) return
    if (failure === null && this.again) {
      this.again = false
      return void this.check()
    }
    this.failures = failure === null ? 0 : this.failures + 1
    if (failure !== null && (failure.certain || this.failures >= CHECK_FAILURES_MAX)) this.fail(failure.why)
    else this.checkLater()
  }
}
