import type { CheckMode, Difference } from '../../../src/wire/frameFields'
import type { DirtyFolder, DirtySet } from '../dirty/dirtySet'
import type { Revisit } from '../order/revisitQueue'
import { Comparing } from './comparing'
import type { DiffersQueue } from './differsQueue'
import type { Hasher } from './hasher'
import type { Listing } from './listing'
import type { Mirroring } from './mirroring'
import { NamesElsewhere } from './namesElsewhere'
import { OtherNames } from './otherNames'
import { Repairs } from './repairs'
import { DIRECTORY, below, fileCost, parentOf, totalBytes } from './sourceTree'
import { Unconfirmed, type Compared } from './unconfirmed'
import type { WalkRun } from './walkRun'

/** A comparison from its begin to its end mark: compares, repairs what was found, and compares again whatever moved meanwhile. */
export class Comparison {
  private readonly unconfirmed = new Unconfirmed()
  private readonly comparing: Comparing
  private readonly repairs: Repairs
  private readonly others: OtherNames
  private readonly elsewhere: NamesElsewhere
  private lost: Compared[] = []
  /** All that the target has found up to this LSN has been taken. */
  private settledUpTo = 0
  /** So often what moved has been looked at again. */
  private rounds = 0
  /** What is found is a difference; else it is what watch capture has seen the application change. */
  private counting = false
  /** Directories that are known to be compared, above what a dirty set names. */
  private readonly ensured = new Set<string>()

  constructor(
    private readonly run: WalkRun,
    private readonly mirroring: Mirroring,
    listing: Listing,
    private readonly differs: DiffersQueue,
    private readonly onFound: (difference: Difference) => void,
    hasher: Hasher
  ) {
    this.others = new OtherNames(run)
    this.repairs = new Repairs(run, mirroring)
    this.elsewhere = new NamesElsewhere(run)
    this.comparing = new Comparing(run, listing, hasher, this.unconfirmed, () => this.settle())
  }

  /** `set` null: all there is. Returns when the end mark is in the order. */
  all(set: DirtySet | null): void {
    this.counting = true
    try {
      this.hearingOfLinks(() => this.walk(set))
    } finally {
      this.counting = false
    }
  }

  /** What could not be linked is told, and that may be lost as well. */
  private hearingOfLinks(use: () => void): void {
    const { run, unconfirmed } = this
    const before = run.onLink
    run.onLink = (lsn, { folder, path, newPath }) => {
      for (const name of [path, newPath]) unconfirmed.add(lsn, { folder, path: name, what: 'entry', offset: 0, length: 0, bytes: 0 })
    }
    try {
      use()
    } finally {
      run.onLink = before
    }
  }

  private walk(set: DirtySet | null): void {
    const mode: CheckMode = set === null ? 'full' : 'difference'
    const stop = (): boolean => this.run.control.pending() !== 'none'
    this.run.control.setTotal(set === null ? this.run.trees.reduce((sum, tree) => sum + totalBytes(tree, stop), 0) : this.bytesIn(set, stop))
    this.begin(mode)
    this.compare(set)
    for (;;) {
      if (set !== null) this.run.again.push(...this.elsewhere.find())
      if (this.endMarked(mode)) return
      this.rest(set)
    }
  }

  /** Another stream begins, or another comparison: what an older one has asked is of no interest. */
  forget(): void {
    this.unconfirmed.takeAll()
    this.lost = []
    this.ensured.clear()
    this.others.forget()
    this.elsewhere.forget()
    this.differs.clear()
  }

  private begin(mode: CheckMode): void {
    this.forget()
    this.rounds = 0
    this.run.locked(() => {
      // Should it be stopped, nobody else tells of what watch capture has marked.
      if (!this.run.watching) this.run.moved.take()
      this.run.log.setWalking(true)
      this.run.log.appendStep({ kind: 'checkBegin', folder: 0, mode })
    })
  }

  private compare(set: DirtySet | null): void {
    this.run.forget()
    for (const folder of this.run.trees.keys()) {
      if (set === null) this.comparing.visit(folder, '')
      else if (set[folder] !== undefined) this.dirty(folder, set[folder])
    }
  }

  private endMarked(mode: CheckMode): boolean {
    return this.run.locked(() => {
      const { log } = this.run
      if (!this.run.mayEnd(this.rounds) || this.lost.length > 0 || !this.isSettled()) return false
      log.appendStep({ kind: 'checkEnd', folder: 0, mode, whole: true })
      log.closeGateAtEnd()
      return true
    })
  }

  private isSettled(): boolean {
    return this.run.control.targetApplied() >= this.unconfirmed.lastLsn && this.differs.empty()
  }

  /** It was stopped: the target need not be patient any more. */
  stopped(mode: CheckMode): void {
    this.run.locked(() => this.run.log.appendStep({ kind: 'checkEnd', folder: 0, mode, whole: false }))
  }

  /** What moved, what was lost on the way, and what the target has yet to say. */
  private rest(set: DirtySet | null): void {
    const { all, paths } = this.run.locked(() => this.run.moved.take())
    this.rounds++
    if (all) return this.run.watching ? this.everything() : this.compare(set)
    const again = [...paths, ...this.run.again]
    this.run.again = []
    this.run.revisiting = true
    if (this.run.watching) this.lookAtAll(again)
    else for (const each of again) this.revisit(each.folder, each.path)
    this.compareLost()
    this.untilSettled()
  }

  private compareLost(): void {
    const { lost } = this
    this.lost = []
    this.orAgain(lost.map(toLookAt), () => this.comparing.again(lost))
  }

  /** Should the walk end meanwhile, these are still to be looked at. */
  private orAgain(paths: Revisit[], use: () => void): void {
    try {
      use()
    } catch (error) {
      this.run.again = this.run.again.concat(paths)
      throw error
    }
  }

  /** Watch capture, after an end before the end: what has been taken, and is not known to be equal, is marked as before. */
  keep(): void {
    const { run } = this
    const left = [...run.again, ...[...this.lost, ...this.unconfirmed.takeAll()].map(toLookAt), ...this.differs.take().differences]
    run.again = []
    this.lost = []
    const each = new Map(left.map(({ folder, path }) => [`${folder}:${path}`, { folder, path }]))
    run.locked(() => {
      for (const { folder, path } of each.values()) run.log.revisits.add(folder, path)
    }, false)
  }

  private revisit(folder: number, path: string): void {
    const tree = this.run.trees[folder]
    this.run.moved.done({ folder, path })
    if (tree === undefined || tree.excluded(path)) return
    const meta = tree.meta(path)
    if (meta === null) return
    // What was compared below a directory of this name before may be elsewhere, or nowhere, on the target.
    this.run.links.forgetBelow(folder, path)
    this.ensure(folder, path)
    if (this.rounds > PATIENT_ROUNDS && meta.type !== DIRECTORY && this.repairs.bring(folder, path)) return
    this.comparing.visit(folder, path)
    if (path !== '') this.mirroring.sendTimes(folder, parentOf(path))
  }

  /**
   * Watch capture: what it has marked, compared and repaired. Whatever was made below a new or moved directory is marked itself, so a directory is looked at
   * alone. `all`: it cannot say what has changed, so everything is compared.
   */
  marked(all: boolean, paths: Revisit[]): void {
    this.hearingOfLinks(() => this.lookAtMarked(all, paths))
  }

  private lookAtMarked(all: boolean, paths: Revisit[]): void {
    if (all) this.everything()
    this.run.revisiting = true
    this.lookAtAll(all ? [] : paths)
    for (this.untilSettled(); this.lost.length > 0 || this.run.again.length > 0; this.untilSettled()) {
      const { again } = this.run
      this.run.again = []
      this.lookAtAll(again)
      this.compareLost()
    }
  }

  private everything(): void {
    try {
      this.compare(null)
    } catch (error) {
      this.run.locked(() => this.run.log.revisits.addAll(), false)
      throw error
    }
  }

  private lookAtAll(paths: Revisit[]): void {
    this.orAgain(paths, () => {
      for (const each of paths) this.look(each)
    })
    this.orAgain(this.others.left(), () => {
      for (const each of this.others.search()) this.look(each)
    })
  }

  private look(marked: Revisit): void {
    const { folder } = marked
    const directory = marked.path.endsWith('/')
    const path = directory ? marked.path.slice(0, -1) : marked.path
    const tree = this.run.trees[folder]
    this.run.moved.done(marked)
    if (tree === undefined || tree.excluded(path)) return
    const meta = tree.meta(path)
    const type = meta?.type
    if (meta !== null) this.others.note(folder, path, meta)
    if (directory) return type === DIRECTORY ? void this.comparing.names(folder, path) : undefined
    if (type === undefined) this.mirroring.visitOne(folder, path)
    else if (type === DIRECTORY) this.comparing.stretches(folder, path, [])
    else this.comparing.visitOne(folder, path)
    if (type === undefined && path !== '') this.mirroring.sendTimes(folder, parentOf(path))
  }

  /** Waits until the target has said all there is to say, and repairs. */
  untilSettled(): void {
    for (this.settle(); !this.isSettled() && this.lost.length === 0; this.settle()) this.run.nap()
  }

  /** First how far the target is, then what it has found: so nothing counts as answered whose answer was lost. */
  private settle(): void {
    const applied = this.run.control.targetApplied()
    if (!this.differs.empty()) {
      const { lost, differences } = this.differs.take()
      if (lost) for (const each of this.unconfirmed.takeAll()) this.lost.push(each)
      if (this.counting) for (const each of differences) this.onFound(each)
      this.orAgain(differences, () => this.repairs.repair(differences, this.settledUpTo))
    }
    this.settledUpTo = applied
    this.unconfirmed.confirm(applied)
  }

  /** Only what the set names. */
  private dirty(folder: number, { names, files, subtrees }: DirtyFolder): void {
    for (const path of subtrees) if (this.ensure(folder, path)) this.comparing.visit(folder, path)
    for (const directory of names) {
      if (!this.ensure(folder, directory)) continue
      this.comparing.stretches(folder, directory, [])
      for (const { name } of this.comparing.names(folder, directory)) this.comparing.stretches(folder, below(directory, name), [])
    }
    for (const [path, ranges] of files) if (this.ensure(folder, path)) this.comparing.stretches(folder, path, ranges)
  }

  /** The directories above are there. False: the path is gone, or excluded. */
  private ensure(folder: number, path: string): boolean {
    const tree = this.run.tree(folder)
    if (tree.excluded(path) || tree.meta(path) === null) return false
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const key = `${folder}:${path.slice(0, slash)}`
      if (this.ensured.has(key)) continue
      if (this.ensured.size >= ENSURED_MAX) this.ensured.clear()
      this.ensured.add(key)
      this.comparing.stretches(folder, path.slice(0, slash), [])
    }
    return true
  }

  private bytesIn(set: DirtySet, stop: () => boolean): number {
    let sum = 0
    for (const [folder, { names, files, subtrees }] of set.entries()) {
      const tree = this.run.trees[folder]
      if (tree === undefined) continue
      for (const path of subtrees) sum += totalBytes(tree, stop, path) + fileCost(tree.meta(path)?.size ?? 0)
      for (const [path, ranges] of files) {
        const size = tree.meta(path)?.size ?? 0
        sum += fileCost(ranges.reduce((bytes, { from, to }) => bytes + Math.max(0, Math.min(to, size) - from), 0))
      }
      sum += names.length * fileCost(0)
    }
    return sum
  }
}

/** As watch capture would have marked it. */
const toLookAt = ({ folder, path, what }: Compared): Revisit => ({ folder, path: what === 'names' ? `${path}/` : path })

/**
 * An application that renames all the time always has something new to look at while the target answers for the last. After so many rounds
 * files that moved are sent instead, which needs no answer, if one step does it.
 */
const PATIENT_ROUNDS = 3
const ENSURED_MAX = 100_000
