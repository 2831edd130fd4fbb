import type { CheckStep } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { ENOENT } from '../../native/libcErrors'
import { EntryStat } from './entryStat'
import { timeSpecs } from './making'
import type { Differs } from './differs'
import { namesIn, type RedoFolder } from './targetFolder'

/** Removes what is too much in a directory. Excluded names belong to the target. */
export class ListingCheck {
  private readonly stat = new EntryStat()
  /**
   * The names of the directory whose parts are being compared, sorted. Changes between two parts come from the order: what was removed is gone, and what was
   * made belongs there, so the names need not be read again for each part.
   */
  private known: { directory: string; names: string[] } | null = null

  forget(): void {
    this.known = null
  }

  check(folder: RedoFolder, step: CheckStep & { kind: 'checkListing' }, differs: Differs): number {
    const names = this.namesFor(folder, step)
    if (names === null) return 0
    const wanted = new Set(step.entries.map(({ name }) => name))
    const upTo = step.last ? null : (step.entries.at(-1)?.name ?? step.after)
    for (let at = step.after === '' ? 0 : firstAfter(names, step.after); at < names.length; at++) {
      const name = names[at]!
      if (upTo !== null && name > upTo) break
      if (wanted.has(name)) continue
      const answer = this.removeSurplus(folder, step, name, differs)
      if (answer < 0) return answer
    }
    return 0
  }

  private namesFor({ tree }: RedoFolder, step: CheckStep & { kind: 'checkListing' }): string[] | null {
    const directory = `${step.folder}:${step.path}`
    const known = step.after !== '' && this.known?.directory === directory ? this.known.names : null
    const listed = known === null ? tree.directory(step.path) : 0
    // The directory is missing, or is none: its entry has told.
    if (listed < 0) return null
    const names = known ?? namesIn(listed).sort()
    this.known = step.last ? null : { directory, names }
    return names
  }

  /** The directory keeps its time, which its own entry has set. */
  private removeSurplus({ tree, excluded }: RedoFolder, step: CheckStep & { kind: 'checkListing' }, name: string, differs: Differs): number {
    const path = step.path === '' ? name : `${step.path}/${name}`
    if (excluded(path)) return 0
    const place = tree.place(step.path)
    if (typeof place === 'number') return place
    const before = this.stat.read(place) < 0 ? null : this.stat.mtimeNs
    const removed = tree.remove(path)
    if (removed === -ENOENT) return 0
    if (removed < 0) return removed
    differs({ folder: step.folder, path, what: 'extra', offset: 0, length: 0 })
    const again = tree.place(step.path)
    if (before !== null && typeof again !== 'number') libc.utimensat(again.directory, again.name, timeSpecs(null, before), libc.AT_SYMLINK_NOFOLLOW)
    return 0
  }
}

/** Where the first name stands that comes after this one. */
function firstAfter(names: string[], after: string): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (names[middle]! <= after) low = middle + 1
    else high = middle
  }
  return low
}
