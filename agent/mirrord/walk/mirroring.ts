import fs from 'node:fs'
import { DIRECTORY, FILE, SYMLINK, below, parentOf, fileCost, isGone, nextData, readAt, type Meta } from './sourceTree'
import { isCompared } from './checkHash'
import { Listing } from './listing'
import { RANGE_BYTES, TRIES, type WalkRun } from './walkRun'

/** Sent in one step. */
const SMALL_FILE_BYTES = 256 * 1024
/** fallocate(2): KEEP_SIZE and PUNCH_HOLE. */
const PUNCH_HOLE = 3

/** Sends what the source holds, whole: the steps of the full mirror, and the repairs of a comparison. walker.ts says why they are exact. */
export class Mirroring {
  private onlyAtOnce = false

  constructor(
    private readonly run: WalkRun,
    private readonly listing: Listing
  ) {}

  /** A file that cannot be brought in one step, with all its names, is looked at again instead. */
  atOnce(use: () => void): void {
    this.onlyAtOnce = true
    try {
      use()
    } finally {
      this.onlyAtOnce = false
    }
  }

  /** Inside the lock. The file has got larger, or a name that is not known, since it was looked at. */
  private takesMore(folder: number, path: string, meta: Meta): boolean {
    if (!this.onlyAtOnce || isAtOnce(this.run, folder, path, meta)) return false
    this.run.again.push({ folder, path })
    return true
  }

  /** Sends what has this name, with all below it. */
  visit(folder: number, path: string): void {
    const first = this.visitOne(folder, path)
    const directories = first ? [path] : []
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      for (const { name } of this.listing.send(folder, next, 'walkListing')) {
        const child = below(next, name)
        if (this.visitOne(folder, child)) directories.push(child)
      }
      this.sendTimes(folder, next)
    }
  }

  /** True: it is a directory, whose content has to follow. */
  visitOne(folder: number, path: string): boolean {
    this.run.yield()
    const tree = this.run.tree(folder)
    for (let attempt = 1; !this.run.leaves(attempt); attempt++) {
      const meta = tree.meta(path)
      if (meta === null) return this.sendGone(folder, path)
      const sent = meta.type === FILE ? this.sendFile(folder, path, meta, attempt >= TRIES) : this.sendOther(folder, path, meta)
      if (sent) return meta.type === DIRECTORY
    }
    return false
  }

  /** Nobody but us tells a target of watch capture that a name is gone. */
  private sendGone(folder: number, path: string): false {
    if (this.run.watching && path !== '')
      this.run.locked(() => this.run.tree(folder).meta(path) === null && this.run.log.append({ kind: 'unlink', folder, path }))
    return false
  }

  /** Inside the lock. */
  private sendAttributes(folder: number, path: string): void {
    for (const { name, value } of this.run
      .tree(folder)
      .attributes(path)
      .filter((each) => isCompared(each.name)))
      this.run.log.append({ kind: 'setxattr', folder, path, name, value, flags: 0 })
  }

  /** Directories, symbolic links, devices, fifos, sockets: small enough to be read inside the lock. */
  private sendOther(folder: number, path: string, seen: Meta): boolean {
    const tree = this.run.tree(folder)
    return this.run.locked(() => {
      const meta = tree.meta(path)
      if (meta === null || meta.type !== seen.type || meta.inode !== seen.inode) return false
      if (meta.type !== DIRECTORY && (this.linkedTo(folder, path, meta) || this.takesMore(folder, path, meta))) return true
      const { mode, uid, gid, rdev } = meta
      if (meta.type === DIRECTORY) this.run.log.appendStep({ kind: 'walkDirectory', folder, path, mode, uid, gid })
      else if (meta.type === SYMLINK) this.run.log.appendStep({ kind: 'walkSymlink', folder, path, target: tree.linkTarget(path), uid, gid })
      else this.run.log.appendStep({ kind: 'walkNode', folder, path, mode, rdev, uid, gid })
      if (meta.type !== DIRECTORY) this.linkOthers(folder, path, meta)
      this.sendAttributes(folder, path)
      if (meta.type !== DIRECTORY) this.run.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs: meta.mtimeNs })
      return true
    })
  }

  /** Inside the lock: the file was sent under another name that it still has, and has not changed since: this name is only linked. */
  private linkedTo(folder: number, path: string, meta: Meta): boolean {
    if (meta.links === 1 || !this.run.isFresh(folder, meta.inode)) return false
    for (const other of this.run.otherNames(folder, path, meta)) {
      // The target may turn out not to have a name that was only compared.
      if (!this.run.links.isSent(folder, meta.inode, other)) continue
      this.run.links.add(folder, meta.inode, path, true)
      this.run.link(folder, other, path)
      return true
    }
    return false
  }

  /** Inside the lock: the file was made anew under this name, so its other names lead to what it was before. */
  private linkOthers(folder: number, path: string, meta: Meta): void {
    if (meta.links === 1) return
    const others = new Set(this.run.otherNames(folder, path, meta))
    for (const newPath of others) {
      // One that was only compared may lie in a directory that the target has not got: what is linked with it later would be missing as well.
      this.run.link(folder, path, newPath)
      this.appendTimes(folder, parentOf(newPath))
    }
    this.run.links.sent(folder, meta.inode, path, this.run.log.version(meta.inode), others)
  }

  /** False: it has changed while we read it. */
  private sendFile(folder: number, path: string, seen: Meta, insist: boolean): boolean {
    const version = this.run.log.version(seen.inode)
    const file = this.open(folder, path)
    if (file === null) return false
    try {
      if (fs.fstatSync(file, { bigint: true }).ino !== seen.inode) return false
      const sent = seen.size <= SMALL_FILE_BYTES ? this.sendWhole(folder, path, seen, file, version, insist) : this.sendLarge(folder, path, seen, file)
      if (sent) this.run.control.advance(fileCost(seen.size <= SMALL_FILE_BYTES ? seen.size : 0))
      return sent
    } finally {
      fs.closeSync(file)
    }
  }

  private sendWhole(folder: number, path: string, seen: Meta, file: number, version: number, insist: boolean): boolean {
    const { buffer } = this.run
    let length = readAt(file, buffer, 0, buffer.length)
    return this.run.locked(() => {
      const meta = this.run.sameFile(folder, path, seen)
      if (meta === null) return false
      if (this.run.log.version(meta.inode) !== version || meta.size !== length) {
        if (!insist || meta.size > buffer.length) return false
        length = readAt(file, buffer, 0, buffer.length)
      }
      if (this.linkedTo(folder, path, meta) || this.takesMore(folder, path, meta)) return true
      this.appendFile(folder, path, meta, buffer.subarray(0, length))
      return true
    })
  }

  private appendFile(folder: number, path: string, meta: Meta, data: Buffer): void {
    const { mode, uid, gid, size, mtimeNs } = meta
    this.run.log.appendStep({ kind: 'walkFile', folder, path, mode, uid, gid, size, mtimeNs, data })
    this.linkOthers(folder, path, meta)
    this.sendAttributes(folder, path)
    // Attributes and access lists come after the content, and so do the times.
    if (data.length < size) return
    this.run.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs })
  }

  /** An empty file of the right size first, then its data range by range; holes stay holes. */
  private sendLarge(folder: number, path: string, seen: Meta, file: number): boolean {
    const begun = this.run.locked(() => {
      const meta = this.run.sameFile(folder, path, seen)
      if (meta === null) return null
      if (this.linkedTo(folder, path, meta) || this.takesMore(folder, path, meta)) return 'linked' as const
      this.appendFile(folder, path, meta, this.run.buffer.subarray(0, 0))
      return meta
    })
    if (begun === null) return false
    if (begun === 'linked') return true
    for (let at = 0; at < begun.size; ) {
      const data = nextData(file, at)
      if (data === null || data.begin >= begun.size) break
      this.run.control.advance(data.begin - at)
      const length = Math.min(RANGE_BYTES, data.end - data.begin, begun.size - data.begin)
      if (!this.sendRange(folder, path, seen, file, data.begin, length)) return this.giveUp(folder, path, seen)
      this.run.control.advance(length)
      at = data.begin + length
    }
    this.sendTimes(folder, path)
    return true
  }

  /** False: the path leads to another file now. */
  private sendRange(folder: number, path: string, seen: Meta, file: number, offset: number, length: number): boolean {
    const { buffer } = this.run
    for (let attempt = 1; ; attempt++) {
      this.run.yield()
      const version = this.run.log.version(seen.inode)
      let bytes = readAt(file, buffer, offset, length)
      const sent = this.run.locked(() => {
        if (this.run.sameFile(folder, path, seen) === null) return 'moved'
        if (this.run.log.version(seen.inode) !== version) {
          if (attempt < TRIES) return 'changed'
          bytes = readAt(file, buffer, offset, length)
        }
        if (bytes > 0) this.run.log.append({ kind: 'write', folder, path, offset, data: buffer.subarray(0, bytes) })
        return 'sent'
      })
      if (sent !== 'changed') return sent === 'sent'
    }
  }

  /** What the file holds in this stretch now: its data, and its holes. False: the path leads nowhere, or to no file, or to another one meanwhile. */
  sendStretch(folder: number, path: string, offset: number, length: number): boolean {
    const seen = this.run.tree(folder).meta(path)
    if (seen === null || seen.type !== FILE) return false
    const file = this.open(folder, path)
    if (file === null) return false
    try {
      if (fs.fstatSync(file, { bigint: true }).ino !== seen.inode) return false
      const end = Math.min(offset + length, seen.size)
      for (let at = offset; at < end; ) {
        const data = nextData(file, at)
        const begin = Math.min(end, data?.begin ?? end)
        if (begin > at && !this.sendHole(folder, path, seen, file, at, begin - at)) return false
        const bytes = Math.min(RANGE_BYTES, end - begin, (data?.end ?? end) - begin)
        if (bytes > 0 && !this.sendRange(folder, path, seen, file, begin, bytes)) return false
        at = begin + bytes
      }
      return true
    } finally {
      fs.closeSync(file)
    }
  }

  private open(folder: number, path: string): number | null {
    try {
      return this.run.tree(folder).open(path)
    } catch (error) {
      if (isGone(error)) return null
      throw error
    }
  }

  /** A hole that was filled meanwhile is sent as what it is now: whoever fills it comes later in the order. */
  private sendHole(folder: number, path: string, seen: Meta, file: number, offset: number, length: number): boolean {
    this.run.yield()
    return this.run.locked(() => {
      if (this.run.sameFile(folder, path, seen) === null) return false
      const data = nextData(file, offset)
      const bytes = Math.min(length, (data?.begin ?? offset + length) - offset)
      if (bytes > 0) this.run.log.append({ kind: 'fallocate', folder, path, mode: PUNCH_HOLE, offset, length: bytes })
      return true
    })
  }

  /** Half a file was sent: the names it was linked to have half a file as well. */
  private giveUp(folder: number, path: string, seen: Meta): true {
    for (const name of this.run.links.forget(folder, seen.inode)) this.run.again.push({ folder, path: name })
    // The name may have another file by now, made where the target did not have the directory yet.
    this.run.again.push({ folder, path })
    return true
  }

  sendTimes(folder: number, path: string): void {
    this.run.locked(() => this.appendTimes(folder, path))
  }

  /** Inside the lock. */
  private appendTimes(folder: number, path: string): void {
    const meta = this.run.tree(folder).meta(path)
    if (meta !== null) this.run.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs: meta.mtimeNs })
  }
}

/** Inside the lock: one step makes it, and leaves no name behind that leads to what it was before. */
export const isAtOnce = (run: WalkRun, folder: number, path: string, meta: Meta): boolean =>
  (meta.type !== FILE || meta.size <= SMALL_FILE_BYTES) && run.knowsAllNames(folder, path, meta)
