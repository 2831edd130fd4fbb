import type { CheckStep, Difference, WalkStep } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { EEXIST, ENODATA, ENOENT, EOPNOTSUPP, EPERM } from '../../native/libcErrors'
import { attributesDigest, isCompared } from '../walk/checkHash'
import { attributesAt } from '../walk/extendedAttributes'
import type { Differs } from './differs'
import { MODE_BITS, timeSpecs } from './making'
import { BlockCheck } from './redoCheckBlocks'
import { ListingCheck } from './redoCheckListing'
import { EntryStat } from './entryStat'
import { S_IFDIR, S_IFLNK, S_IFREG, type Place, type RedoFolder, type TargetFolder } from './targetFolder'

const S_IFMT = 0o170000
const LINK_BYTES = 4_096
const link = Buffer.allocUnsafeSlow(LINK_BYTES)

/**
 * Comparing steps, at their place in the order: what the copy holds now is held against what the source held at this point. Attributes and surplus are
 * repaired here; of the rest the source hears, and sends it anew. A name whose directory is missing says nothing: the directory itself has been told.
 * Answers as applyOperation.
 */
export class RedoCheck {
  private readonly stat = new EntryStat()
  private readonly other = new EntryStat()
  private readonly blocks = new BlockCheck()
  private readonly listings = new ListingCheck()

  constructor(private readonly differs: Differs) {}

  apply(folder: RedoFolder, step: CheckStep): number {
    const { tree } = folder
    switch (step.kind) {
      case 'checkBegin':
      case 'checkEnd':
        this.listings.forget()
        return 0
      case 'checkEntry':
        return this.entry(tree, step)
      case 'checkListing':
        return this.listings.check(folder, step, this.differs)
      case 'checkBlocks':
        return this.blocks.check(tree, step, this.differs)
      case 'checkLink':
        return this.link(tree, step)
      case 'checkAttributes':
        return setExactly(tree, step)
      default:
        return step satisfies never
    }
  }

  private tell(step: { folder: number }, path: string, what: Difference['what'], offset = 0, length = 0): 0 {
    this.differs({ folder: step.folder, path, what, offset, length })
    return 0
  }

  /** The walk took it that this side has the other name. */
  tellUnlinked(tree: TargetFolder, step: WalkStep & { kind: 'walkLink' }): void {
    if (tree.typeOf(step.path) >= 0) return
    this.tell(step, step.path, 'missing')
    this.tell(step, step.newPath, 'missing')
  }

  private entry(tree: TargetFolder, step: CheckStep & { kind: 'checkEntry' }): number {
    const place = tree.place(step.path)
    if (typeof place === 'number') return 0
    const { stat } = this
    // What is compared next is what has this name, not what had it when it was opened.
    tree.forgetFile(step.path)
    const found = stat.read(place)
    if (found === -ENOENT) return this.tell(step, step.path, 'missing')
    if (found < 0) return found
    const type = step.mode & S_IFMT
    const device = type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK
    if (stat.type !== type || (device && stat.rdev !== step.sizeOrRdev)) return this.tell(step, step.path, 'kind')
    // More names than on the source: a write to another file would change this one, too.
    if (type !== S_IFDIR && stat.links > step.links) return this.tell(step, step.path, 'links')
    if (type === S_IFLNK && targetOf(place) !== step.target) return this.tell(step, step.path, 'content')
    return this.attributes(tree, place, step, type)
  }

  /** In this order: a new owner takes privileges away, a new mode changes the access list, a new size changes the time. */
  private attributes(tree: TargetFolder, place: Place, step: CheckStep & { kind: 'checkEntry' }, type: number): number {
    const { stat } = this
    let repaired = false
    if (stat.uid !== step.uid || stat.gid !== step.gid) {
      const answer = libc.fchownat(place.directory, place.name, step.uid, step.gid, libc.AT_SYMLINK_NOFOLLOW)
      if (answer < 0 && answer !== -EPERM) return answer
      repaired = true
    }
    if (type !== S_IFLNK && (repaired || stat.mode !== (step.mode & MODE_BITS))) {
      const answer = libc.fchmodat(place.directory, place.name, step.mode & MODE_BITS, 0)
      if (answer < 0) return answer
      repaired = true
    }
    const resized = type === S_IFREG && stat.size !== step.sizeOrRdev
    if (resized) {
      const file = tree.file(step.path)
      const answer = file < 0 ? file : libc.ftruncate(file, step.sizeOrRdev)
      if (answer < 0) return answer
      this.tell(step, step.path, 'content', Math.min(stat.size, step.sizeOrRdev), Math.abs(stat.size - step.sizeOrRdev))
    }
    const digest = attributesDigest(attributesAt(tree.procPath(place)))
    if (!digest.equals(step.digest)) this.tell(step, step.path, 'xattrs')
    if (step.mtimeNs !== null && (resized || stat.mtimeNs !== step.mtimeNs)) {
      const answer = libc.utimensat(place.directory, place.name, timeSpecs(null, step.mtimeNs), libc.AT_SYMLINK_NOFOLLOW)
      if (answer < 0) return answer
      repaired ||= stat.mtimeNs !== step.mtimeNs
    }
    return repaired ? this.tell(step, step.path, 'attributes') : 0
  }

  private link(tree: TargetFolder, step: CheckStep & { kind: 'checkLink' }): number {
    const [one, two] = [tree.place(step.path), tree.place(step.newPath)]
    if (typeof two === 'number') return 0
    const second = this.other.read(two)
    // The directory of one is missing, which is known; when it is there again, one may be another file.
    if (typeof one === 'number') return this.tell(step, step.newPath, second === -ENOENT ? 'missing' : 'links')
    const first = this.stat.read(one)
    for (const [found, path] of [
      [first, step.path],
      [second, step.newPath]
    ] as const) {
      if (found === -ENOENT) this.tell(step, path, 'missing')
      else if (found < 0) return found
    }
    if (first < 0 || second < 0) return 0
    if (this.stat.type !== this.other.type) return this.tell(step, step.newPath, 'kind')
    return this.stat.inode === this.other.inode ? 0 : this.tell(step, step.newPath, 'links')
  }
}

function targetOf({ directory, name }: Place): string {
  const length = libc.readlinkat(directory, name, link, link.length)
  return length < 0 ? '' : link.toString('latin1', 0, length)
}

/** What cannot be set here (no such kind of attribute on this file system, not root) does not stop replication. */
const FORGIVEN: ReadonlySet<number> = new Set([-EPERM, -EOPNOTSUPP, -ENODATA, -EEXIST])

function setExactly(tree: TargetFolder, step: CheckStep & { kind: 'checkAttributes' }): number {
  const place = tree.place(step.path)
  if (typeof place === 'number') return 0
  const path = tree.procPath(place)
  const wanted = new Set(step.attributes.map(({ name }) => name))
  for (const { name } of attributesAt(path)) {
    if (wanted.has(name) || !isCompared(name)) continue
    const answer = libc.lremovexattr(path, libc.cString(name))
    if (answer < 0 && !FORGIVEN.has(answer)) return answer
  }
  for (const { name, value } of step.attributes.filter(({ name }) => isCompared(name))) {
    const answer = libc.lsetxattr(path, libc.cString(name), value, value.length, 0)
    if (answer < 0 && !FORGIVEN.has(answer)) return answer
  }
  return 0
}
