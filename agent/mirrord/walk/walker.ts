import fs from 'node:fs'
import { FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'
import { listedBytes, type ListedEntry } from '../../../src/wire/frameFields'
import type { Revisit } from '../order/revisitQueue'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { HardLinks } from './hardLinks'
import { Moved } from './moved'
import { DIRECTORY, FILE, SYMLINK, below, fileCost, isGone, nextData, readAt, totalBytes, type Meta, type SourceTree } from './sourceTree'
import type { WalkControl } from './walkControl'

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
 */
const TRIES = 5
const SMALL_FILE_BYTES = 256 * 1024
const RANGE_BYTES = 256 * 1024
/** The walk leaves this much of the queue to the application. */
const QUEUE_SHARE = 0.25
const QUEUE_BYTES_MAX = 32 * 1024 * 1024

/** The walk was stopped, or its session is over. */
export class WalkEnded extends Error {}

export class Walker {
  private readonly links = new HardLinks()
  private readonly moved: Moved
  private readonly buffer = Buffer.allocUnsafeSlow(RANGE_BYTES)
  private readonly queueBytes: number
  private again: Revisit[] = []
  private epoch = -1
  private full = false
  private revisiting = false

  constructor(
    private readonly log: SharedOrderedLog,
    private readonly trees: SourceTree[],
    private readonly control: WalkControl,
    private readonly watching: boolean
  ) {
    this.queueBytes = Math.min(QUEUE_BYTES_MAX, log.ring.capacity * QUEUE_SHARE)
    this.moved = new Moved(log.revisits)
  }

  /** Sends everything. Returns when the end mark is in the order. */
  walkAll(): void {
    this.epoch = this.log.epoch()
    this.full = true
    this.control.setTotal(this.trees.reduce((sum, tree) => sum + totalBytes(tree, () => this.control.pending() !== 'none'), 0))
    this.locked(() => {
      this.moved.take()
      this.log.setWalking(true)
      this.log.appendStep({ kind: 'walkBegin', folder: 0 })
    })
    try {
      this.walkFolders()
      while (!this.endMarked()) this.revisitAll()
    } finally {
      this.log.setWalking(false)
      this.full = false
    }
  }

  private walkFolders(): void {
    this.links.clear()
    this.moved.clear()
    this.again = []
    this.revisiting = false
    for (const folder of this.trees.keys()) this.visit(folder, '')
  }

  private endMarked(): boolean {
    return this.locked(() => {
      if (!this.log.revisits.empty() || this.again.length > 0) return false
      this.log.appendStep({ kind: 'walkEnd', folder: 0 })
      this.log.closeGateAtEnd()
      return true
    })
  }

  /**
   * Some paths only: in a session whose full walk has ended, or in one that began with equal copies (a switch) and has none. While
   * nobody wants the stream they are forgotten: the session that wants it again begins with a full walk.
   */
  walkRevisits(): void {
    if (this.log.streamState() !== 'wanted') return void this.locked(() => this.moved.take(), false)
    if (this.epoch !== this.log.epoch()) this.links.clear()
    this.epoch = this.log.epoch()
    this.revisitAll()
  }

  private revisitAll(): void {
    const { all, paths } = this.locked(() => this.moved.take())
    if (all) return this.walkFolders()
    const local = this.again
    this.again = []
    this.revisiting = true
    for (const each of [...paths, ...local]) this.revisit(each)
  }

  private revisit({ folder, path }: Revisit): void {
    const tree = this.trees[folder]
    this.moved.done({ folder, path })
    if (tree === undefined || tree.excluded(path)) return
    // What was sent below a directory of this name before may be elsewhere, or nowhere, on the target.
    if (tree.meta(path)?.type === DIRECTORY) this.links.forgetBelow(folder, path)
    this.visit(folder, path)
    const slash = path.lastIndexOf('/')
    if (path !== '') this.sendTimes(folder, slash < 0 ? '' : path.slice(0, slash))
  }

  private locked<T>(use: () => T, checked = true): T {
    this.log.lock()
    try {
      if (checked && (this.epoch !== this.log.epoch() || this.log.streamState() !== 'wanted')) throw new WalkEnded()
      return use()
    } finally {
      this.log.unlock()
    }
  }

  /** Outside the lock: lets the application go first, and obeys main. */
  private yield(): void {
    const full = (): boolean => this.log.ring.usedBytes() > this.queueBytes
    if (this.full) this.control.setState(this.control.isPaused() ? 'paused' : 'walking')
    while (full() || (this.full && this.control.isPaused()) || this.isCalledOff()) {
      if (this.isCalledOff() || this.epoch !== this.log.epoch() || this.log.streamState() !== 'wanted') throw new WalkEnded()
      this.control.setState(this.full && this.control.isPaused() ? 'paused' : this.control.state())
      this.control.nap()
    }
  }

  /** Only a mirror can be stopped: a look at some paths goes on. */
  private isCalledOff(): boolean {
    const pending = this.control.pending()
    return pending !== 'none' && (this.full || pending !== 'stop')
  }

  /** Sends what has this name, with all below it. */
  private visit(folder: number, path: string): void {
    const first = this.visitOne(folder, path)
    const directories = first ? [path] : []
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      for (const { name } of this.sendListing(folder, next)) {
        const child = below(next, name)
        if (this.visitOne(folder, child)) directories.push(child)
      }
      this.sendTimes(folder, next)
    }
  }

  /** True: it is a directory, whose content has to follow. */
  private visitOne(folder: number, path: string): boolean {
    this.yield()
    const tree = this.trees[folder]!
    for (let attempt = 1; ; attempt++) {
      const meta = tree.meta(path)
      if (meta === null) return this.sendGone(folder, path)
      const sent = meta.type === FILE ? this.sendFile(folder, path, meta, attempt >= TRIES) : this.sendOther(folder, path, meta)
      if (sent) return meta.type === DIRECTORY
    }
  }

  /** Nobody but us tells a target of watch capture that a name is gone. */
  private sendGone(folder: number, path: string): false {
    if (this.watching && path !== '') this.locked(() => this.trees[folder]!.meta(path) === null && this.log.append({ kind: 'unlink', folder, path }))
    return false
  }

  /** Inside the lock. */
  private sendAttributes(folder: number, path: string): void {
    for (const { name, value } of this.trees[folder]!.attributes(path)) this.log.append({ kind: 'setxattr', folder, path, name, value, flags: 0 })
  }

  /** Directories, symbolic links, devices, fifos, sockets: small enough to be read inside the lock. */
  private sendOther(folder: number, path: string, seen: Meta): boolean {
    const tree = this.trees[folder]!
    return this.locked(() => {
      const meta = tree.meta(path)
      if (meta === null || meta.type !== seen.type || meta.inode !== seen.inode) return false
      if (meta.type !== DIRECTORY && this.linkedTo(folder, path, meta)) return true
      const { mode, uid, gid, rdev } = meta
      if (meta.type === DIRECTORY) this.log.appendStep({ kind: 'walkDirectory', folder, path, mode, uid, gid })
      else if (meta.type === SYMLINK) this.log.appendStep({ kind: 'walkSymlink', folder, path, target: tree.linkTarget(path), uid, gid })
      else this.log.appendStep({ kind: 'walkNode', folder, path, mode, rdev, uid, gid })
      if (meta.type !== DIRECTORY) this.linkOthers(folder, path, meta)
      this.sendAttributes(folder, path)
      if (meta.type !== DIRECTORY) this.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs: meta.mtimeNs })
      return true
    })
  }

  /** Inside the lock: the file was sent under another name that it still has, and has not changed since: this name is only linked. */
  private linkedTo(folder: number, path: string, meta: Meta): boolean {
    if (meta.links === 1 || !this.isFresh(folder, meta.inode)) return false
    for (const other of this.otherNames(folder, path, meta)) {
      this.links.add(folder, meta.inode, path)
      this.log.appendStep({ kind: 'walkLink', folder, path: other, newPath: path })
      return true
    }
    return false
  }

  /** Watch capture counts no changes: what it asks for again has changed. */
  private isFresh(folder: number, inode: bigint): boolean {
    return this.watching ? !this.revisiting : this.links.isFresh(folder, inode, this.log.version(inode))
  }

  /** Inside the lock: the file was made anew under this name, so its other names lead to what it was before. */
  private linkOthers(folder: number, path: string, meta: Meta): void {
    if (meta.links === 1) return
    for (const newPath of this.otherNames(folder, path, meta)) this.log.appendStep({ kind: 'walkLink', folder, path, newPath })
    this.links.sent(folder, meta.inode, path, this.log.version(meta.inode))
  }

  /** Names that the target has for this file, too. */
  private *otherNames(folder: number, path: string, meta: Meta): Iterable<string> {
    for (const name of this.links.of(folder, meta.inode)) {
      if (name !== path && !this.moved.covers(folder, name) && this.trees[folder]!.meta(name)?.inode === meta.inode) yield name
    }
  }

  /** False: it has changed while we read it. */
  private sendFile(folder: number, path: string, seen: Meta, insist: boolean): boolean {
    const version = this.log.version(seen.inode)
    let file: number
    try {
      file = this.trees[folder]!.open(path)
    } catch (error) {
      if (isGone(error)) return false
      throw error
    }
    try {
      if (fs.fstatSync(file, { bigint: true }).ino !== seen.inode) return false
      const sent = seen.size <= SMALL_FILE_BYTES ? this.sendWhole(folder, path, seen, file, version, insist) : this.sendLarge(folder, path, seen, file)
      if (sent) this.control.advance(fileCost(seen.size <= SMALL_FILE_BYTES ? seen.size : 0))
      return sent
    } finally {
      fs.closeSync(file)
    }
  }

  private sendWhole(folder: number, path: string, seen: Meta, file: number, version: number, insist: boolean): boolean {
    const { buffer } = this
    let length = readAt(file, buffer, 0, buffer.length)
    return this.locked(() => {
      const meta = this.sameFile(folder, path, seen)
      if (meta === null) return false
      if (this.log.version(meta.inode) !== version || meta.size !== length) {
        if (!insist || meta.size > buffer.length) return false
        length = readAt(file, buffer, 0, buffer.length)
      }
      if (this.linkedTo(folder, path, meta)) return true
      this.appendFile(folder, path, meta, buffer.subarray(0, length))
      return true
    })
  }

  private sameFile(folder: number, path: string, seen: Meta): Meta | null {
    const meta = this.trees[folder]!.meta(path)
    return meta !== null && meta.type === FILE && meta.inode === seen.inode ? meta : null
  }

  private appendFile(folder: number, path: string, meta: Meta, data: Buffer): void {
    const { mode, uid, gid, size, mtimeNs } = meta
    this.log.appendStep({ kind: 'walkFile', folder, path, mode, uid, gid, size, mtimeNs, data })
    this.linkOthers(folder, path, meta)
    this.sendAttributes(folder, path)
    // Attributes and access lists come after the content, and so do the times.
    if (data.length < size) return
    this.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs })
  }

  /** An empty file of the right size first, then its data range by range; holes stay holes. */
  private sendLarge(folder: number, path: string, seen: Meta, file: number): boolean {
    const begun = this.locked(() => {
      const meta = this.sameFile(folder, path, seen)
      if (meta === null) return null
      if (this.linkedTo(folder, path, meta)) return 'linked' as const
      this.appendFile(folder, path, meta, this.buffer.subarray(0, 0))
      return meta
    })
    if (begun === null) return false
    if (begun === 'linked') return true
    for (let at = 0; at < begun.size; ) {
      const data = nextData(file, at)
      if (data === null || data.begin >= begun.size) break
      this.control.advance(data.begin - at)
      const length = Math.min(RANGE_BYTES, data.end - data.begin, begun.size - data.begin)
      if (!this.sendRange(folder, path, seen, file, data.begin, length)) return this.giveUp(folder, path, seen)
      this.control.advance(length)
      at = data.begin + length
    }
    this.sendTimes(folder, path)
    return true
  }

  /** False: the path leads to another file now. */
  private sendRange(folder: number, path: string, seen: Meta, file: number, offset: number, length: number): boolean {
    const { buffer } = this
    for (let attempt = 1; ; attempt++) {
      this.yield()
      const version = this.log.version(seen.inode)
      let bytes = readAt(file, buffer, offset, length)
      const sent = this.locked(() => {
        if (this.sameFile(folder, path, seen) === null) return 'moved'
        if (this.log.version(seen.inode) !== version) {
          if (attempt < TRIES) return 'changed'
          bytes = readAt(file, buffer, offset, length)
        }
        if (bytes > 0) this.log.append({ kind: 'write', folder, path, offset, data: buffer.subarray(0, bytes) })
        return 'sent'
      })
      if (sent !== 'changed') return sent === 'sent'
    }
  }

  /** Half a file was sent: the names it was linked to have half a file as well. */
  private giveUp(folder: number, path: string, seen: Meta): true {
    for (const name of this.links.forget(folder, seen.inode)) this.again.push({ folder, path: name })
    // The name may have another file by now, made where the target did not have the directory yet.
    this.again.push({ folder, path })
    return true
  }

  private sendTimes(folder: number, path: string): void {
    this.locked(() => {
      const meta = this.trees[folder]!.meta(path)
      if (meta !== null) this.log.append({ kind: 'times', folder, path, atimeNs: null, mtimeNs: meta.mtimeNs })
    })
  }

  /** Sends which names the directory has, and answers them; nothing when it is gone. */
  private sendListing(folder: number, path: string): ListedEntry[] {
    const tree = this.trees[folder]!
    for (let attempt = 1; ; attempt++) {
      const meta = tree.meta(path)
      if (meta === null || meta.type !== DIRECTORY) return []
      const version = this.log.version(meta.inode)
      try {
        let entries = tree.list(path)
        const sent = this.locked(() => {
          const now = tree.meta(path)
          const same = now?.inode === meta.inode && this.log.version(meta.inode) === version
          if (!same && attempt < TRIES) return false
          if (!same) entries = tree.list(path)
          for (const part of listingParts(entries)) this.log.appendStep({ kind: 'walkListing', folder, path, ...part })
          return true
        })
        if (sent) return entries
      } catch (error) {
        if (!isGone(error)) throw error
      }
    }
  }
}

/** Each part covers the names after the one before it; the last one all that follow. */
export function listingParts(entries: ListedEntry[]): { after: string; last: boolean; entries: ListedEntry[] }[] {
  const parts: { after: string; last: boolean; entries: ListedEntry[] }[] = [{ after: '', last: false, entries: [] }]
  let bytes = 0
  for (const entry of entries) {
    bytes += listedBytes(entry.name)
    if (bytes > FRAME_PAYLOAD_BYTES_MAX) {
      const after = parts.at(-1)!.entries.at(-1)!.name
      parts.push({ after, last: false, entries: [] })
      bytes = listedBytes(entry.name)
    }
    parts.at(-1)!.entries.push(entry)
  }
  parts.at(-1)!.last = true
  return parts
}
