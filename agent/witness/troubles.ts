/** Not asked about any more: a lease is at most ten minutes long, and asked for five times in it. */
const FORGOTTEN_MS = 3 * 60_000

/**
 * Why a voter does not answer: said when it begins, and null when all is answered again. A full disk refuses what changes a ballot and answers the rest, so
 * each job has its own: the questions about two jobs in turn would else say the one and the other without end.
 */
export class Troubles {
  private readonly ofJobs = new Map<string, { why: string; atMs: number }>()

  constructor(
    private readonly say: (why: string | null) => void,
    private readonly nowMs: () => number = () => performance.now()
  ) {}

  /** null: it was answered. */
  heard(job: string, why: string | null): void {
    const known = this.forgetOld()
    if (why === null) {
      if (this.ofJobs.delete(job) && this.ofJobs.size === 0) this.say(null)
      return
    }
    this.ofJobs.set(job, { why, atMs: this.nowMs() })
    if (!known.includes(why)) this.say(why)
  }

  private forgetOld(): string[] {
    for (const [job, { atMs }] of this.ofJobs) if (this.nowMs() - atMs > FORGOTTEN_MS) this.ofJobs.delete(job)
    return [...this.ofJobs.values()].map(({ why }) => why)
  }
}
