import type { Revisit } from '../order/revisitQueue'
import type { WalkRun } from './walkRun'

/**
 * A difference looks at what was marked. Where that is a whole directory (one that was moved, say) a file in it may be made anew on the target, and names that
 * it has elsewhere would lead to what it was. Nobody has noted where these are: the folder is searched for them, when there are any.
 */
export class NamesElsewhere {
  /** Files for which this was done, and how many names they had and were known. */
  private readonly sought = new Map<string, string>()
  /** Since then nothing more has become known. */
  private seen = -1

  constructor(private readonly run: WalkRun) {}

  forget(): void {
    this.sought.clear()
    this.seen = -1
  }

  /** Names that were not looked at in this walk, of files that were. */
  find(): Revisit[] {
    if (this.seen === this.run.links.changes) return []
    this.seen = this.run.links.changes
    return [...this.run.trees.keys()].flatMap((folder) => {
      const wanted = this.wanted(folder)
      return wanted.size === 0 ? [] : [...this.search(folder, wanted)]
    })
  }

  /** Inodes that have more names than are known. */
  private wanted(folder: number): Map<bigint, ReadonlySet<string>> {
    const tree = this.run.tree(folder)
    const wanted = new Map<bigint, ReadonlySet<string>>()
    for (const { inode, names } of this.run.links.inFolder(folder)) {
      const key = `${folder}:${inode}`
      const metas = [...names].map((name) => tree.meta(name)).filter((meta) => meta?.inode === inode)
      const links = metas[0]?.links ?? 0
      const state = `${links} ${metas.length}`
      if (links <= metas.length || this.sought.get(key) === state) continue
      this.sought.set(key, state)
      wanted.set(inode, names)
    }
    return wanted
  }

  private *search(folder: number, wanted: Map<bigint, ReadonlySet<string>>): Iterable<Revisit> {
    const tree = this.run.tree(folder)
    for (const path of this.run.files(folder)) if (wanted.get(tree.meta(path)?.inode ?? 0n)?.has(path) === false) yield { folder, path }
  }
}
