/** More than so many, and redo makes a checkpoint to forget them. */
const CHANGED_MAX = 100_000

/**
 * Files with several names that were changed since the checkpoint. A replay finds a file by the names that the log has; one that loses
 * such a name may live on under a name that only the disk knows. So before it loses one, all that was changed is made hard.
 */
export class LinkedFiles {
  private recent = new Set<number>()
  /** Changed before the checkpoint that is being made. */
  private older = new Set<number>()
  private readonly open = new Map<number, number>()
  /** All changes so far are made hard before this returns. */
  makeHard: () => void = () => undefined

  any(): boolean {
    return this.recent.size > 0 || this.older.size > 0
  }

  /** `inode`: 0 when it has one name only. */
  changed(inode: number): void {
    if (inode === 0) return
    this.recent.add(inode)
    if (this.recent.size > CHANGED_MAX) this.makeHard()
  }

  /** For writing, by this descriptor. */
  opened(descriptor: number, inode: number): void {
    if (inode === 0) this.open.delete(descriptor)
    else this.open.set(descriptor, inode)
    this.changed(inode)
  }

  changedAgain(descriptor: number): void {
    if (this.open.size > 0) this.changed(this.open.get(descriptor) ?? 0)
  }

  losesName(inode: number): void {
    if (inode !== 0 && (this.recent.has(inode) || this.older.has(inode))) this.makeHard()
  }

  /** A checkpoint begins: what is changed from here on is not in it. */
  checkpointBegins(): void {
    this.older = new Set([...this.older, ...this.recent])
    this.recent = new Set()
  }

  checkpointEnds(): void {
    this.older = new Set()
  }
}
