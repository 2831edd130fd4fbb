import type { Revisit, RevisitQueue } from '../order/revisitQueue'

/**
 * Names that were moved or linked and not looked at since: the target may not have them, so nothing may be built on
 * them, or on what lies below. All calls are made inside the lock of the order.
 */
export class Moved {
  /** Still in the queue. */
  private readonly noted = new Set<string>()
  /** Taken out of the queue; each is looked at in its turn. */
  private readonly taken = new Set<string>()
  private readTo = 0

  constructor(private readonly queue: RevisitQueue) {}

  take(): { all: boolean; paths: Revisit[] } {
    const taken = this.queue.take()
    this.noted.clear()
    this.readTo = 0
    for (const { folder, path } of taken.paths) this.taken.add(`${folder}:${path}`)
    return taken
  }

  done({ folder, path }: Revisit): void {
    this.taken.delete(`${folder}:${path}`)
  }

  clear(): void {
    this.taken.clear()
  }

  /** `alone`: what lies below a name that was noted is noted itself, where it matters. */
  covers(folder: number, path: string, alone: boolean): boolean {
    const { paths, end } = this.queue.peek(this.readTo)
    this.readTo = end
    for (const each of paths) this.noted.add(`${each.folder}:${each.path}`)
    if (this.queue.isFull()) return true
    if (this.noted.size === 0 && this.taken.size === 0) return false
    if (alone) return this.noted.has(`${folder}:${path}`) || this.taken.has(`${folder}:${path}`)
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const key = `${folder}:${path.slice(0, end)}`
      if (this.noted.has(key) || this.taken.has(key)) return true
    }
    return false
  }
}
