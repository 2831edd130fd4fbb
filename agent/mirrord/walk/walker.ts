import type { DirtySet } from '../dirty/dirtySet'
import type { Difference } from '../../../src/wire/frameFields'
import type { Revisit } from '../order/revisitQueue'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { COMPARED_BYTES } from './comparing'
import { Comparison } from './comparison'
import type { DiffersQueue } from './differsQueue'
import { Hasher } from './hasher'
import { Listing } from './listing'
import { Mirroring } from './mirroring'
import { DIRECTORY, parentOf, totalBytes, type SourceTree } from './sourceTree'
import type { WalkControl } from './walkControl'
import { WalkEnded, WalkRun } from './walkRun'

/*
 * The full mirror while the application writes.
 *
 * Every step is read outside the log's lock and appended inside it, if nothing has changed since before it was read: the
 * version of the inode is the same, and the path still leads to that inode. So a step says exactly what the source holds
 * at its place in the order, and every later change follows as an operation. From that, case by case:
 *
 * - A directory's listing makes the names and their kinds in it exact at that point; creates, unlinks and renames within
 *   it are exact from then on, and need no second look.
 * - Operations on what the target does not have yet fail there and are forgiven: the walk brings the whole file later.
 * - A file is made anew by its step, so stale content, holes, attributes and hard links of the target go with the old one.
 * - Writes to a file while its ranges are on the way reach the new file in order. Truncation too: a range that has
 *   shrunk away reads short. Collapse and insert move what lies behind them past our place: `append` asks for a revisit.
 * - Rename from where the walk has not been yet to where it has: the target may lack the old name (the new one is then
 *   brought by the revisit that `append` notes for both names), or have something stale, which is made anew likewise.
 * - Rename from where it has been to where it has not: if the target cannot (no such directory yet) it removes the old
 *   name; the walk brings the new one. Exchange: forgiven, both names are revisited.
 * - Rename of a file while its ranges are on the way: the path does not lead to the inode any more, the rest is given up,
 *   and the revisit of the new name sends all of it. Other names it was linked to are revisited too.
 * - Rename over, unlink and a new file of the same name: another inode, so the step is given up. The new file was made by
 *   an operation in an exact directory, or lies in one that will be listed.
 * - Link: the target may link a stale file; both names are revisited, the first is made anew, the second linked to it.
 * - A change through a name that the target has not got yet, of a file that was sent under another one: the target cannot
 *   make it. The inode's version tells, and the file is made anew with all the names that were sent (`linkedTo`).
 * - A directory that is renamed is revisited as a whole: its children's steps carried the old path.
 *
 * The end is marked inside the lock while no revisit is left.
 *
 * The comparison (verify, difference) goes the same way with comparing steps, and everything above holds for it: what the target answers is true at that
 * point of the order, and every repair is a step of the mirror at a later point. What is different:
 *
 * - The target says what differs when it has applied the step, and the source sends what it holds under that path by then. If the path has another file
 *   by then, or none, operations have brought the target there as well, and the moved file is compared again under its new name.
 * - Contents are compared stretch by stretch, so a file is exact when its last stretch was: what changes before is an operation on a file that the target
 *   has, and what fails there because the target lacks it is found by its entry, before or after.
 * - A name of a file with several is compared with another one. That they are one file on both sides is only certain when the target has no more names
 *   than the source, else a write would reach a file that the source does not change. A repair makes a new file, and links all known names to it.
 * - The time of a file that was changed just now is not compared: capture sends it later than the change.
 * - What was said and not heard (a connection broke) is compared again: `Unconfirmed` keeps the steps that the target is not known to have applied.
 */

export class Walker {
  private readonly run: WalkRun
  private readonly mirroring: Mirroring
  private readonly comparison: Comparison

  constructor(
    log: SharedOrderedLog,
    trees: SourceTree[],
    control: WalkControl,
    watching: boolean,
    differs: DiffersQueue,
    onFound: (difference: Difference) => void,
    hasher = new Hasher(COMPARED_BYTES)
  ) {
    this.run = new WalkRun(log, trees, control, watching)
    const listing = new Listing(this.run)
    this.mirroring = new Mirroring(this.run, listing)
    this.comparison = new Comparison(this.run, this.mirroring, listing, differs, onFound, hasher)
  }

  /** Sends everything. Returns when the end mark is in the order. */
  walkAll(): void {
    const { run } = this
    this.steered(() => {
      this.comparison.forget()
      run.control.setTotal(run.trees.reduce((sum, tree) => sum + totalBytes(tree, () => run.control.pending() !== 'none'), 0))
      run.locked(() => {
        run.moved.take()
        run.log.setWalking(true)
        run.log.appendStep({ kind: 'walkBegin', folder: 0 })
      })
      this.walkFolders()
      for (let rounds = 0; !this.endMarked(rounds); rounds++) this.revisitAll()
    })
  }

  /** Compares everything, or what the set names, and repairs the target. Returns when the end mark is in the order. */
  compare(set: DirtySet | null): void {
    this.steered(() => {
      try {
        this.comparison.all(set)
      } catch (error) {
        if (error instanceof WalkEnded) this.comparison.stopped(set === null ? 'full' : 'difference')
        if (error instanceof WalkEnded && this.run.watching) this.comparison.keep()
        throw error
      }
    })
  }

  private steered(use: () => void): void {
    this.run.epoch = this.run.log.epoch()
    this.run.steered = true
    try {
      use()
    } finally {
      this.run.log.setWalking(false)
      this.run.steered = false
    }
  }

  private walkFolders(): void {
    this.run.forget()
    for (const folder of this.run.trees.keys()) this.mirroring.visit(folder, '')
  }

  private endMarked(rounds: number): boolean {
    const { run } = this
    const { log } = run
    return run.locked(() => {
      if (!run.mayEnd(rounds)) return false
      log.appendStep({ kind: 'walkEnd', folder: 0 })
      log.closeGateAtEnd()
      return true
    })
  }

  /**
   * Some paths only: in a session whose full walk has ended, or in one that began with equal copies (a switch) and has none. While
   * nobody wants the stream they are forgotten: the session that wants it again begins with a full walk.
   */
  walkRevisits(): void {
    const { run } = this
    if (run.log.streamState() !== 'wanted') return void run.locked(() => run.moved.take(), false)
    if (run.epoch !== run.log.epoch()) {
      run.links.clear()
      this.comparison.forget()
    }
    run.epoch = run.log.epoch()
    this.revisitAll()
  }

  private revisitAll(): void {
    const { all, paths } = this.run.locked(() => this.run.moved.take())
    if (this.run.watching) return this.marked(all, paths)
    if (all) return this.walkFolders()
    const local = this.run.again
    this.run.again = []
    this.run.revisiting = true
    for (const each of [...paths, ...local]) this.revisit(each)
  }

  /** Watch capture. */
  private marked(all: boolean, paths: Revisit[]): void {
    try {
      this.comparison.marked(all, paths)
    } catch (error) {
      if (error instanceof WalkEnded) this.comparison.keep()
      throw error
    }
  }

  private revisit({ folder, path }: Revisit): void {
    const tree = this.run.trees[folder]
    this.run.moved.done({ folder, path })
    if (tree === undefined || tree.excluded(path)) return
    // What was sent below a directory of this name before may be elsewhere, or nowhere, on the target.
    if (tree.meta(path)?.type === DIRECTORY) this.run.links.forgetBelow(folder, path)
    this.mirroring.visit(folder, path)
    if (path !== '') this.mirroring.sendTimes(folder, parentOf(path))
  }
}
