import fs from 'node:fs'
import { CHECK_HASH_BYTES, CHECK_BLOCK_BYTES, type CheckStep } from '../../../src/wire/frameFields'
import { attributesDigest } from './checkHash'
import type { Hasher } from './hasher'
import type { Listing } from './listing'
import { DIRECTORY, FILE, SYMLINK, below, fileCost, isGone, nextData, type Meta } from './sourceTree'
import type { Compared, Unconfirmed } from './unconfirmed'
import { TRIES, type WalkRun } from './walkRun'

/** Compared in one step, unless the file changes all the time. */
export const COMPARED_BYTES = 4 * 1024 * 1024
const BUSY_BYTES = 4 * CHECK_BLOCK_BYTES
const EVERYTHING = Number.MAX_SAFE_INTEGER

/** Says in the order what the source holds, for the target to compare. walker.ts says why it is exact. */
export class Comparing {
  constructor(
    private readonly run: WalkRun,
    private readonly listing: Listing,
    private readonly hasher: Hasher,
    private readonly unconfirmed: Unconfirmed,
    /** Between two steps: what the target has found is repaired. */
    private readonly settle: () => void
  ) {}

  /** What has this name, with all below it. */
  visit(folder: number, path: string): void {
    const directories = this.visitOne(folder, path) ? [path] : []
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      for (const { name } of this.names(folder, next)) {
        const child = below(next, name)
        if (this.visitOne(folder, child)) directories.push(child)
      }
    }
  }

  /** True: it is a directory, whose content has to follow. */
  visitOne(folder: number, path: string): boolean {
    this.wait()
    for (let attempt = 1; !this.run.leaves(attempt); attempt++) {
      const meta = this.run.tree(folder).meta(path)
      if (meta === null) return false
      const done = meta.type === FILE ? this.file(folder, path, meta, [{ from: 0, to: EVERYTHING }]) : this.entry(folder, path, meta, true)
      if (done) return meta.type === DIRECTORY
    }
    return false
  }

  /** The attributes of what has this name, and these stretches if it is a file. */
  stretches(folder: number, path: string, ranges: { from: number; to: number }[]): void {
    this.wait()
    for (let attempt = 1; !this.run.leaves(attempt); attempt++) {
      const meta = this.run.tree(folder).meta(path)
      if (meta === null) return
      if (meta.type === FILE ? this.file(folder, path, meta, ranges) : this.entry(folder, path, meta, false)) return
    }
  }

  /** The names in a directory. */
  names(folder: number, path: string): { name: string; type: number }[] {
    this.wait()
    return this.listing.send(folder, path, 'checkListing', (lsn) => this.unconfirmed.add(lsn, { folder, path, what: 'names', offset: 0, length: 0, bytes: 0 }))
  }

  /** Once more, what may not have been answered: each path once, with all its stretches. */
  again(lost: Compared[]): void {
    const paths = new Map<string, { folder: number; path: string; names: boolean; ranges: { from: number; to: number }[] }>()
    for (const { folder, path, what, offset, length } of lost) {
      const key = `${folder}:${path}`
      const known = paths.get(key) ?? { folder, path, names: false, ranges: [] }
      paths.set(key, known)
      if (what === 'names') known.names = true
      if (what === 'blocks') known.ranges.push({ from: offset, to: offset + length })
    }
    for (const { folder, path, names, ranges } of paths.values()) {
      this.stretches(folder, path, ranges)
      if (names) this.names(folder, path)
    }
  }

  private wait(): void {
    this.run.yield()
    this.settle()
    while (this.unconfirmed.isFull()) {
      this.run.nap()
      this.settle()
    }
  }

  /** Inside the lock. */
  private append(step: CheckStep & { path: string }, what: Compared['what'], offset = 0, length = 0, bytes = 0): void {
    const { folder } = step
    const path = step.kind === 'checkLink' ? step.newPath : step.path
    this.unconfirmed.add(this.run.log.appendStep(step), { folder, path, what, offset, length, bytes })
  }

  /** Inside the lock. */
  private appendEntry(folder: number, path: string, meta: Meta): void {
    const tree = this.run.tree(folder)
    const { type, mode, uid, gid, size, rdev, links } = meta
    const sizeOrRdev = type === FILE ? size : type === DIRECTORY || type === SYMLINK ? 0 : rdev
    // Capture sends the time of a change after it: until then it differs, and is set right without a word.
    const later = this.run.log.isTimePending(meta.inode)
    const mtimeNs = later ? null : meta.mtimeNs
    const target = type === SYMLINK ? tree.linkTarget(path) : ''
    const digest = attributesDigest(tree.attributes(path))
    this.append({ kind: 'checkEntry', folder, path, mode, uid, gid, sizeOrRdev, mtimeNs, links, digest, target }, 'entry')
    if (later) this.run.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs: meta.mtimeNs })
  }

  /** Directories, symbolic links, devices, fifos, sockets. `asOther`: it may be compared as another name of a file that was compared. */
  private entry(folder: number, path: string, seen: Meta, asOther: boolean): boolean {
    return this.run.locked(() => {
      const meta = this.run.tree(folder).meta(path)
      if (meta === null || meta.type !== seen.type || meta.inode !== seen.inode) return false
      if (meta.type !== DIRECTORY && asOther && this.comparedAs(folder, path, meta)) return true
      this.appendEntry(folder, path, meta)
      if (meta.type !== DIRECTORY) this.compareNames(folder, path, meta)
      if (meta.type !== DIRECTORY && meta.links > 1) this.run.links.compared(folder, meta.inode, path, this.run.log.version(meta.inode))
      this.run.control.advance(meta.type === DIRECTORY ? 0 : fileCost(0))
      return true
    })
  }

  /** Inside the lock: the file was compared under another name that it still has, and has not changed since: only this name is left to compare. */
  private comparedAs(folder: number, path: string, meta: Meta): boolean {
    if (meta.links === 1 || !this.run.isFresh(folder, meta.inode)) return false
    const names = [...this.run.otherNames(folder, path, meta)]
    // One that was only compared may turn out to lead elsewhere, and is set right without this one.
    const other = names.find((name) => this.run.links.isSent(folder, meta.inode, name)) ?? names[0]
    if (other === undefined) return false
    this.run.links.add(folder, meta.inode, path, false)
    this.append({ kind: 'checkLink', folder, path: other, newPath: path }, 'entry')
    return true
  }

  /** Inside the lock: its other names lead to the same file. */
  private compareNames(folder: number, path: string, meta: Meta): void {
    if (meta.links === 1) return
    for (const newPath of this.run.otherNames(folder, path, meta)) this.append({ kind: 'checkLink', folder, path, newPath }, 'entry')
  }

  /** False: something else has this name now. */
  private file(folder: number, path: string, seen: Meta, ranges: { from: number; to: number }[]): boolean {
    let file: number
    try {
      file = this.run.tree(folder).open(path)
    } catch (error) {
      if (isGone(error)) return false
      throw error
    }
    try {
      if (fs.fstatSync(file, { bigint: true }).ino !== seen.inode) return false
      const whole = ranges.some(({ from, to }) => from === 0 && to === EVERYTHING)
      const begun = this.run.locked(() => {
        const meta = this.run.sameFile(folder, path, seen)
        if (meta === null) return 'gone' as const
        if (whole && this.comparedAs(folder, path, meta)) return 'compared' as const
        this.appendEntry(folder, path, meta)
        this.compareNames(folder, path, meta)
        if (whole && meta.links > 1) this.run.links.compared(folder, meta.inode, path, this.run.log.version(meta.inode))
        return meta
      })
      if (begun === 'gone') return false
      this.run.control.advance(fileCost(begun === 'compared' ? seen.size : 0))
      if (begun !== 'compared')
        for (const { from, to } of ranges) if (!this.contents(folder, path, seen, file, from, Math.min(to, begun.size))) return this.giveUp(folder, path)
      return true
    } finally {
      fs.closeSync(file)
    }
  }

  /** The file has moved: its new name is looked at when its turn comes, and so are the names that were compared by this one only. */
  private giveUp(folder: number, path: string): true {
    for (const name of [path, ...this.run.links.forgetFormer(folder, path, null)]) this.run.again.push({ folder, path: name })
    return true
  }

  /** Data and holes, one after the other. False: the path leads to another file now. */
  private contents(folder: number, path: string, seen: Meta, file: number, from: number, to: number): boolean {
    for (let at = from, attempt = 1; at < to; ) {
      if (at > from || attempt > 1) this.wait()
      const version = this.run.log.version(seen.inode)
      const data = nextData(file, at)
      const hole = Math.min(to, data?.begin ?? to) - at
      const most = attempt > 1 ? BUSY_BYTES : hole > 0 ? EVERYTHING : COMPARED_BYTES
      const length = Math.min(most, hole > 0 ? hole : Math.min(to, data?.end ?? to) - at)
      let hashed = hole > 0 ? null : this.hasher.hash(file, at, length)
      const done = this.run.locked(() => {
        if (this.run.sameFile(folder, path, seen) === null) return 'moved'
        if (this.run.log.version(seen.inode) !== version) {
          if (attempt < TRIES || length > BUSY_BYTES) return 'changed'
          hashed = this.hasher.hashHere(file, at, length)
        }
        this.appendBlocks(folder, path, at, hashed, length)
        return 'done'
      })
      if (done === 'moved') return false
      attempt = done === 'done' ? 1 : attempt + 1
      if (done === 'changed') continue
      this.run.control.advance(length)
      at += length
    }
    return true
  }

  /** Inside the lock. A file that has become shorter meanwhile is compared as far as it goes. */
  private appendBlocks(folder: number, path: string, offset: number, hashed: { bytes: number; hashes: Buffer } | null, length: number): void {
    if (hashed === null) this.append({ kind: 'checkBlocks', folder, path, offset, length, hashes: NO_HASHES }, 'blocks', offset, length)
    else if (hashed.bytes > 0) {
      const hashes = hashed.hashes.subarray(0, Math.ceil(hashed.bytes / CHECK_BLOCK_BYTES) * CHECK_HASH_BYTES)
      this.append({ kind: 'checkBlocks', folder, path, offset, length: hashed.bytes, hashes }, 'blocks', offset, hashed.bytes, hashed.bytes)
    }
  }
}

const NO_HASHES = Buffer.alloc(0)
