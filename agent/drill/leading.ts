/** Nothing of a drill that writes ten times a second has been heard for so long: whoever led it is gone. */
const LEADING_MS = 30_000

/** One drill at a time on a node, whatever its job: two would measure each other. */
export class Leading {
  private now: { drill: string; job: string; atMs: number } | null = null

  constructor(private readonly nowMs: () => number) {}

  /** The job of the other drill that is under way; null: there is none, and this one is. */
  begin(drill: string, job: string): string | null {
    const { now } = this
    const atMs = this.nowMs()
    if (now !== null && now.drill !== drill && atMs - now.atMs < LEADING_MS) return now.job
    this.now = { drill, job, atMs }
    return null
  }

  end(drill: string): void {
    if (this.now?.drill === drill) this.now = null
  }
}
