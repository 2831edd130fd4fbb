import type { Node, NodeTable } from '../capture/nodes'
import { EXTENT_BYTES, Extents, extentOf, TO_END } from './extents'
import { encodeMark, Mark, type MarkRecord } from './markRecord'
import type { MarkRing } from './markRing'
import { RemovedNames } from './removedNames'
import { type DirectoryInfo, type DirectoryMark, emptyTables, type FileMark, marksIn, type SubtreeMark, type Tables } from './tables'
import { ticksOfMs } from './ticks'

/** A generation with more marks asks for the next one; meanwhile directories stand for what is in them. */
export const MARKS_MAX = 65_536
const SUBTREES_MAX = 8_192
/** So many old names that are replaced in a directory make a mark for all its files: deleting and making a tree anew must not flush for every name. */
const REPLACED_MAX = 16
/** A file that is written from front to back is marked so far ahead. */
const AHEAD_EXTENTS = 8
/** The kernel stamps births with a clock that may be a tick behind. */
const CLOCK_SLACK_MS = 100

/** What stands at a name that is going to change. */
export interface Standing {
  /** Ticks; 0: not known, so it counts as old. */
  birth: number
  directory: boolean
}

/**
 * The capture thread's side of the dirty map: which mark a change needs, and whether it is hard. A request asks for all that it needs between `begin` and
 * `waitsFor`; nothing is waited for here.
 *
 * The rule for what is new: a file that was born after its directory got its mark has no mark of its own, and neither has anything below a directory that was
 * born so. Births never change, so a clock that is set back only costs marks.
 */
export class Marks {
  /** Counts the generations this thread works in; what a node remembers holds for one. */
  epoch = 1
  current: Tables
  next: Tables | null = null
  readonly removed = new RemovedNames()
  private wait = 0
  private waits = false

  constructor(
    readonly ring: MarkRing,
    private readonly nodes: NodeTable
  ) {
    this.current = emptyTables(ring.generation(), 0)
  }

  begin(): void {
    this.waits = false
  }

  /** The position that must be hard before the request is performed; null: perform it. */
  waitsFor(): number | null {
    return this.waits ? this.wait : null
  }

  private waitFor(position: number): void {
    if (!this.waits || ((position - this.wait) | 0) > 0) this.wait = position
    this.waits = true
  }

  /** Where the record ends in the ring; null: there is no room, and the request waits for some. */
  private push(record: MarkRecord): number | null {
    const position = this.ring.push(encodeMark(record))
    this.waitFor(position ?? this.ring.head())
    return position
  }

  private get newest(): Tables {
    return this.next ?? this.current
  }

  /** Names will change in this directory, or attributes of it or of what stands in it. */
  names(node: Node): void {
    const path = this.nodes.pathOf(node)
    if (path === null || node.excluded) return
    const info = this.directory(node)
    if (info.deep) return
    const mark = info.mark ?? this.markNames(info, path)
    if (mark === null) return
    this.rely(mark)
    mark.used = true
  }

  private markNames(info: DirectoryInfo, path: string): DirectoryMark | null {
    if (this.isFull()) {
      this.subtree(path)
      return null
    }
    const since = ticksOfMs(Date.now() - CLOCK_SLACK_MS)
    const pendingAt = this.push({ kind: Mark.NAMES, path, since, allFiles: false })
    if (pendingAt === null) return null
    info.mark = { path, since, allFiles: false, pendingAt, hard: false, used: false, replaced: 0 }
    this.newest.names.set(path, info.mark)
    return info.mark
  }

  private rely(mark: DirectoryMark | SubtreeMark): void {
    mark.hard ||= this.ring.isHard(mark.pendingAt)
    if (!mark.hard) this.waitFor(mark.pendingAt)
  }

  /** What is known of a directory, looked up once in an epoch. */
  private directory(node: Node): DirectoryInfo {
    if (node.markEpoch === this.epoch && node.mark !== null) return node.mark as DirectoryInfo
    const path = this.nodes.pathOf(node)
    if (path === null) return { mark: null, deep: false }
    const mark = this.next?.names.get(path) ?? this.current.names.get(path) ?? null
    const info: DirectoryInfo = { mark, deep: this.isDeep(node, path) }
    // What waits for a mark is looked up again.
    if (this.waits) return info
    node.mark = info
    node.markEpoch = this.epoch
    return info
  }

  private isDeep(node: Node, path: string): boolean {
    if (this.inSubtree(path)) return true
    const parent = this.nodes.parentOf(node)
    return parent !== null && this.covers(this.directory(parent), node.birth, true)
  }

  /** Whether the directory's mark stands for what was born then in it. */
  private covers(info: DirectoryInfo, birth: number, isDirectory: boolean): boolean {
    if (info.deep) return true
    if (info.mark === null) return false
    const covered = (birth > 0 && birth >= info.mark.since) || (info.mark.allFiles && !isDirectory)
    if (covered && !info.mark.hard) this.rely(info.mark)
    return covered
  }

  private inSubtree(path: string): boolean {
    if (this.current.subtrees.size === 0 && (this.next === null || this.next.subtrees.size === 0)) return false
    for (let at: string | null = path; at !== null; at = above(at)) {
      const mark = this.next?.subtrees.get(at) ?? this.current.subtrees.get(at)
      if (mark === undefined) continue
      this.rely(mark)
      return true
    }
    return false
  }

  /** These bytes of a file will change (`to` not included). */
  file(node: Node, from: number, to: number): void {
    const first = extentOf(from)
    const last = to === TO_END ? TO_END : extentOf(Math.max(from, to - 1))
    if (node.markEpoch === this.epoch && (node.mark as FileMark).used.has(first, last)) return
    const path = this.nodes.sentPathOf(node)
    if (path === null) return node.namedElsewhere ? this.subtree('') : undefined
    const mark = this.fileMark(node, path)
    if (mark === null) return
    if (mark.covered) this.useCovered(mark, first, last, to - from)
    else this.useMarked(node, mark, first, last)
  }

  private useCovered(mark: FileMark, first: number, last: number, bytes: number): void {
    mark.used.add(first, last)
    // Small files would look large; what follows in a large one has an extent of its own.
    this.ring.setCoveredBytes(this.ring.coveredBytes() + (first === 0 && bytes < EXTENT_BYTES ? bytes : EXTENT_BYTES))
  }

  private useMarked(node: Node, known: FileMark, first: number, last: number): void {
    const mark = known.marked.has(first, last) ? known : this.markExtents(node, known, first, last)
    if (mark === null) return
    if (this.ring.isHard(mark.pendingAt)) mark.used.add(first, last)
    else this.waitFor(mark.pendingAt)
  }

  private markExtents(node: Node, known: FileMark, first: number, last: number): FileMark | null {
    const mark = this.next === null ? known : (this.next.files.get(known.path) ?? newFileMark(known.path))
    const end = last !== TO_END && first > 0 && known.marked.has(first - 1, first - 1) ? last + AHEAD_EXTENTS : last
    const pendingAt = this.push({ kind: Mark.FILE, path: mark.path, runs: [[first, end]] })
    if (pendingAt === null) return null
    mark.marked.add(first, end)
    mark.pendingAt = pendingAt
    this.newest.files.set(mark.path, mark)
    this.attach(node, mark)
    return mark
  }

  private attach(node: Node, mark: FileMark): void {
    node.mark = mark
    node.markEpoch = this.epoch
  }

  /** null: a subtree is being marked instead, or it waits. */
  private fileMark(node: Node, path: string): FileMark | null {
    if (node.markEpoch === this.epoch && node.mark !== null) return node.mark as FileMark
    const waited = this.waits
    if (this.isCovered(node, path)) {
      if (!waited && this.waits) return null
      const mark = newFileMark(path)
      mark.covered = true
      if (!this.waits) this.attach(node, mark)
      return mark
    }
    const known = this.next?.files.get(path) ?? this.current.files.get(path)
    if (known !== undefined) {
      this.attach(node, known)
      return known
    }
    if (!this.isFull()) return newFileMark(path)
    this.subtree(above(path) ?? '')
    return null
  }

  private isCovered(node: Node, path: string): boolean {
    const parent = this.nodes.parentOf(node)
    return (parent !== null && this.covers(this.directory(parent), node.birth, false)) || this.inSubtree(path)
  }

  /** The name will stand for something else than before: a file that was renamed or linked there, or anything where an old file stood. */
  replaced(parent: Node, name: string, standing: Standing): void {
    const path = this.nodes.childPath(parent, name)
    if (path === null || this.nodes.isExcluded(path)) return
    const info = this.directory(parent)
    if (this.covers(info, standing.birth, standing.directory) || this.inSubtree(path)) return
    if (info.mark !== null && !standing.directory && ++info.mark.replaced > REPLACED_MAX) this.markAllFiles(info.mark)
    else this.subtree(path)
  }

  /** A name will appear: is it one that was taken away before this could become old news? */
  appears(parent: Node, name: string, isDirectory: boolean): void {
    const place = this.nodes.pathOf(parent)
    if (place === null) return
    const before = this.removed.kind(place, name)
    if (before === 'nothing' && this.ring.settled()) return
    this.replaced(parent, name, { birth: 0, directory: isDirectory || before === 'directory' })
  }

  /** A name will go away; when it was not made just now it is remembered. */
  disappears(parent: Node, name: string, standing: Standing): void {
    const place = this.nodes.pathOf(parent)
    if (place === null || parent.excluded) return
    const isNew = this.covers(this.directory(parent), standing.birth, standing.directory)
    if (!isNew) this.removed.add(place, name, standing.directory, this.newest.generation)
  }

  private markAllFiles(mark: DirectoryMark): void {
    const pendingAt = this.push({ kind: Mark.NAMES, path: mark.path, since: mark.since, allFiles: true })
    if (pendingAt === null) return
    mark.allFiles = true
    mark.pendingAt = pendingAt
    mark.hard = false
    this.newest.names.set(mark.path, mark)
  }

  /** Whatever stands at this path, and below. */
  subtree(path: string): void {
    if (this.inSubtree(path)) return
    const top = this.newest.subtrees.size < SUBTREES_MAX ? path : ''
    const pendingAt = this.push({ kind: Mark.SUBTREE, path: top })
    if (pendingAt !== null) this.newest.subtrees.set(top, { pendingAt, hard: false })
  }

  isFull(): boolean {
    return marksIn(this.newest) >= MARKS_MAX
  }
}

export const newFileMark = (path: string): FileMark => ({ path, marked: new Extents(), used: new Extents(), pendingAt: 0, covered: false })

function above(path: string): string | null {
  if (path === '') return null
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
