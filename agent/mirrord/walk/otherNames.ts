import type { Revisit } from '../order/revisitQueue'
import { DIRECTORY, type Meta } from './sourceTree'
import type { WalkRun } from './walkRun'

/**
 * Watch capture: inotify tells of a change under one name only, and of a new hard link by the new name only. A file that has more links than names are known
 * here is searched for in the folders: else its other names would be other files on the target, with what it held before.
 */
export class OtherNames {
  /** Of each file to search for, one name. */
  private readonly wanted = new Map<string, Revisit>()
  /** Links that lie outside of the folders are not searched for again. */
  private readonly unfound = new Map<string, number>()

  constructor(private readonly run: WalkRun) {}

  forget(): void {
    this.wanted.clear()
    this.unfound.clear()
  }

  /** This name is looked at now. */
  note(folder: number, path: string, { type, links, inode }: Meta): void {
    if (type === DIRECTORY || links === 1) return
    const tree = this.run.tree(folder)
    const known = [...this.run.links.of(folder, inode)].filter((name) => name !== path && tree.meta(name)?.inode === inode)
    const key = `${folder}:${inode}`
    if (1 + known.length < links && this.unfound.get(key) !== links) this.wanted.set(key, { folder, path })
  }

  /** One name of each that is searched for. */
  left(): Revisit[] {
    return [...this.wanted.values()]
  }

  /** Goes through all names there are, if one has to. Answers those of the files that were searched for. */
  search(): Revisit[] {
    if (this.wanted.size === 0) return []
    const found = new Map<string, { links: number; names: Revisit[] }>([...this.wanted.keys()].map((key) => [key, { links: 0, names: [] }]))
    for (const folder of this.run.trees.keys()) this.searchIn(folder, found)
    this.wanted.clear()
    for (const [key, { links, names }] of found) if (names.length < links) this.unfound.set(key, links)
    return [...found.values()].flatMap(({ names }) => names)
  }

  private searchIn(folder: number, found: Map<string, { links: number; names: Revisit[] }>): void {
    const tree = this.run.tree(folder)
    for (const path of this.run.files(folder)) {
      const meta = tree.meta(path)
      if (meta === null || meta.links === 1) continue
      this.run.links.compared(folder, meta.inode, path, 0)
      const wanted = found.get(`${folder}:${meta.inode}`)
      if (wanted === undefined) continue
      wanted.links = meta.links
      wanted.names.push({ folder, path })
    }
  }
}
