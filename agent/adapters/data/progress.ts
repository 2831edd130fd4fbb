import { monotonicMs } from '../clock'

/** Whether a job's data still moves: the last time at which what its program says of itself was another. */
export class Progress {
  private readonly marks = new Map<string, { mark: string; atMs: number }>()

  see(job: string, mark: string): void {
    if (this.marks.get(job)?.mark !== mark) this.marks.set(job, { mark, atMs: monotonicMs() })
  }

  /** Resolves when nothing has moved for so long, from now on. */
  stalled(job: string, forMs: number, pollMs = 1_000): Promise<void> & { cancel(): void } {
    const beginMs = monotonicMs()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setInterval(() => {
      const lastMs = Math.max(beginMs, this.marks.get(job)?.atMs ?? 0)
      if (monotonicMs() - lastMs > forMs) resolve()
    }, pollMs)
    return Object.assign(promise, { cancel: () => clearInterval(timer) })
  }
}
