import fs from 'node:fs'
import path from 'node:path'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import type { DirtySet } from '../../../agent/mirrord/dirty/dirtySet'
import { SharedOrderedLog } from '../../../agent/mirrord/order/sharedOrderedLog'
import { Redo } from '../../../agent/mirrord/redo/redo'
import { TargetFolder } from '../../../agent/mirrord/redo/targetFolder'
import { DiffersQueue } from '../../../agent/mirrord/walk/differsQueue'
import { Watcher } from '../../../agent/mirrord/capture/watchThread'
import { SourceTree } from '../../../agent/mirrord/walk/sourceTree'
import { WalkControl } from '../../../agent/mirrord/walk/walkControl'
import { Walker } from '../../../agent/mirrord/walk/walker'
import { WalkEnded } from '../../../agent/mirrord/walk/walkRun'
import * as libc from '../../../agent/native/libc'
import { sealFrame } from '../../../src/wire/frame'
import { decodeFrame } from '../../../src/wire/frameDecode'
import type { Difference, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import { randomSource } from '../../kit/randomFiles'

const QUEUE_BYTES = 128 * 1024 * 1024
const RENAME_EXCHANGE = 2
const DIRECTORIES = ['', 'a', 'b', 'c', 'a/d']
const NAMES = ['1', '2', '3', '4', '5']
const LARGE_BYTES = 700_000
const SMALL_BYTES = 5_000

/** An application in a folder that is only watched: nobody hears of its changes in their order. */
export const UNHEARD: Order = { lock: () => undefined, unlock: () => undefined, changed: () => undefined, append: () => 0, revisit: () => undefined }
type Order = Pick<SharedOrderedLog, 'lock' | 'unlock' | 'changed' | 'append' | 'revisit'>

/** What capture does, without FUSE: a change of the source and its operation, in one critical section. From a seed. */
export class RandomSource {
  private serial = 0
  private readonly random: () => number

  constructor(
    private readonly root: string,
    private readonly log: Order,
    seed: number
  ) {
    this.random = randomSource(seed)
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  step(): void {
    this.oneOf([
      this.write,
      this.write,
      this.chmod,
      this.chmod,
      this.create,
      this.create,
      this.link,
      this.link,
      this.rename,
      this.rename,
      this.unlink,
      this.truncate,
      this.mkdir,
      this.rmdir,
      this.exchange,
      this.setxattr,
      this.moveDirectory,
      this.fifo,
      this.symlink,
      this.moveTail
    ])
  }

  /** Files with many names, in many directories. */
  linkSomething(): void {
    this.oneOf([this.create, this.link, this.link, this.mkdir, this.mkdir])
  }

  /** Names lead elsewhere; no content changes. */
  moveSomething(): void {
    this.oneOf([this.link, this.rename, this.rename, this.moveDirectory, this.moveDirectory, this.exchange, this.mkdir, this.rmdir])
  }

  private oneOf(kinds: (() => void)[]): void {
    this.log.lock()
    try {
      this.one(kinds).call(this)
    } finally {
      this.log.unlock()
    }
  }

  private below = (count: number): number => Math.floor(this.random() * count)
  private one = <T>(list: T[]): T => list[this.below(list.length)]!
  private at = (name: string): string => path.join(this.root, name)
  private file = (): string => path.posix.join(this.one(DIRECTORIES), this.one(NAMES))
  private stat = (name: string): fs.BigIntStats | undefined => fs.lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false })

  private changed(...names: string[]): void {
    for (const name of names) this.log.changed(this.stat(name)?.ino ?? 0n)
  }

  /** True: it was done, and the operation follows. What cannot be done is nothing. */
  private did(work: () => void): boolean {
    try {
      work()
      return true
    } catch {
      return false
    }
  }

  private bytes = (): Buffer => Buffer.alloc(1 + this.below(this.chance(0.1) ? LARGE_BYTES : SMALL_BYTES), `${this.serial++} `)
  private parent = (name: string): string => (name.includes('/') ? path.posix.dirname(name) : '')
  private regular = (name: string): boolean => this.stat(name)?.isFile() === true

  private write(): void {
    const name = this.file()
    const data = this.bytes()
    const offset = this.below(LARGE_BYTES)
    if (!this.regular(name)) return
    const file = fs.openSync(this.at(name), 'r+')
    fs.writeSync(file, data, 0, data.length, offset)
    fs.closeSync(file)
    this.changed(name)
    this.log.append({ kind: 'write', folder: 0, path: name, offset, data })
  }

  private create(): void {
    const name = this.file()
    const data = this.bytes()
    if (!this.did(() => fs.closeSync(fs.openSync(this.at(name), 'wx', 0o644)))) return
    this.changed(name, this.parent(name))
    this.log.append({ kind: 'create', folder: 0, path: name, mode: 0o644, uid: process.getuid!(), gid: process.getgid!() })
    fs.writeFileSync(this.at(name), data)
    this.log.append({ kind: 'write', folder: 0, path: name, offset: 0, data })
  }

  private chmod(): void {
    const name = this.file()
    const mode = 0o600 + this.below(64)
    if (this.stat(name)?.isSymbolicLink() !== false || !this.did(() => fs.chmodSync(this.at(name), mode))) return
    this.changed(name)
    this.log.append({ kind: 'chmod', folder: 0, path: name, mode })
  }

  private truncate(): void {
    const name = this.file()
    const size = this.below(LARGE_BYTES)
    if (!this.regular(name)) return
    fs.truncateSync(this.at(name), size)
    this.changed(name)
    this.log.append({ kind: 'truncate', folder: 0, path: name, size })
  }

  /** FALLOC_FL_COLLAPSE_RANGE: what lies behind moves to the front. */
  private moveTail(): void {
    const name = this.file()
    if (!this.regular(name) || this.stat(name)!.size <= 8_192n) return
    const file = fs.openSync(this.at(name), 'r+')
    const done = libc.fallocate(file, 8, 0, 4_096) >= 0
    fs.closeSync(file)
    if (!done) return
    this.changed(name)
    this.log.append({ kind: 'fallocate', folder: 0, path: name, mode: 8, offset: 0, length: 4_096 })
  }

  private setxattr(): void {
    const name = this.file()
    const value = Buffer.from(String(this.serial++))
    if (!this.regular(name) || libc.lsetxattr(Buffer.from(`${this.at(name)}\0`), libc.cString('user.n'), value, value.length, 0) < 0) return
    this.changed(name)
    this.log.append({ kind: 'setxattr', folder: 0, path: name, name: 'user.n', value, flags: 0 })
  }

  private link(): void {
    const [name, newPath] = [this.file(), this.file()]
    if (!this.did(() => fs.linkSync(this.at(name), this.at(newPath)))) return
    this.changed(name, this.parent(newPath))
    this.log.append({ kind: 'link', folder: 0, path: name, newPath })
    this.log.revisit(0, newPath)
  }

  private rename(): void {
    this.move(this.file(), this.file(), 0)
  }

  private exchange(): void {
    this.move(this.file(), this.file(), RENAME_EXCHANGE)
  }

  private moveDirectory(): void {
    this.move(this.one(DIRECTORIES.slice(1)), this.one(DIRECTORIES.slice(1)), this.chance(0.3) ? RENAME_EXCHANGE : 0)
  }

  private move(from: string, to: string, flags: number): void {
    const [mine, other] = [this.stat(from), this.stat(to)]
    const bytes = (name: string): Buffer => Buffer.from(`${this.at(name)}\0`)
    if (mine === undefined || libc.renameat2(libc.AT_FDCWD, bytes(from), libc.AT_FDCWD, bytes(to), flags) < 0 || mine.ino === other?.ino) return
    for (const inode of [mine.ino, other?.ino ?? 0n]) this.log.changed(inode)
    this.changed(this.parent(from), this.parent(to))
    this.log.append({ kind: 'rename', folder: 0, path: from, newPath: to, flags })
    this.log.revisit(0, to)
    if (flags !== 0) this.log.revisit(0, from)
  }

  private unlink(): void {
    const name = this.file()
    const inode = this.stat(name)?.ino ?? 0n
    if (!this.did(() => fs.unlinkSync(this.at(name)))) return
    this.log.changed(inode)
    this.changed(this.parent(name))
    this.log.append({ kind: 'unlink', folder: 0, path: name })
  }

  private mkdir(): void {
    const name = this.one([...DIRECTORIES.slice(1), this.file()])
    if (!this.did(() => fs.mkdirSync(this.at(name), 0o755))) return
    this.changed(name, this.parent(name))
    this.log.append({ kind: 'mkdir', folder: 0, path: name, mode: 0o755, uid: process.getuid!(), gid: process.getgid!() })
  }

  private rmdir(): void {
    const name = this.one([...DIRECTORIES.slice(1), this.file()])
    if (!this.did(() => fs.rmdirSync(this.at(name)))) return
    this.changed(this.parent(name))
    this.log.append({ kind: 'rmdir', folder: 0, path: name })
  }

  private fifo(): void {
    const name = this.file()
    if (libc.mknodat(libc.AT_FDCWD, Buffer.from(`${this.at(name)}\0`), 0o010644, 0) < 0) return
    this.changed(name, this.parent(name))
    this.log.append({ kind: 'mknod', folder: 0, path: name, mode: 0o010644, rdev: 0, uid: process.getuid!(), gid: process.getgid!() })
  }

  private symlink(): void {
    const [name, target] = [this.file(), this.file()]
    if (!this.did(() => fs.symlinkSync(target, this.at(name)))) return
    this.changed(name, this.parent(name))
    this.log.append({ kind: 'symlink', folder: 0, path: name, target, uid: process.getuid!(), gid: process.getgid!() })
  }
}

/** inotify on the folder, as the watching thread has it; the test says when that thread looks. */
export class WatchingThread {
  private readonly watcher: Watcher

  constructor(
    root: string,
    private readonly walked: WalkedTree
  ) {
    const onFault = (why: string): never => {
      throw new Error(why)
    }
    this.watcher = new Watcher({ folder: 0, path: libc.toByteString(root), log: walked.log, exclude: () => false, onFault })
  }

  /** It marks all that has changed. */
  look(): void {
    if (!this.walked.held) this.watcher.drain()
  }

  end(): void {
    libc.close(this.watcher.fd)
  }
}

/** The folder as the walk reads it; `between` runs wherever another thread could do something. */
class WatchedTree extends SourceTree {
  constructor(
    root: string,
    private readonly between: () => void
  ) {
    super(root, () => false)
  }

  override meta(name: string): ReturnType<SourceTree['meta']> {
    this.between()
    return super.meta(name)
  }

  override list(name: string): ReturnType<SourceTree['list']> {
    this.between()
    return super.list(name)
  }

  override open(name: string): number {
    this.between()
    return super.open(name)
  }
}

/** Walk, order and redo in one thread: what comes between two steps of the walk comes from the test. */
export class WalkedTree {
  readonly log = SharedOrderedLog.create({ queueBytes: QUEUE_BYTES })
  readonly redo: Redo
  private readonly control = WalkControl.create()
  private readonly walker: Walker
  private readonly differs = DiffersQueue.create()
  /** What the comparisons have found. */
  readonly found: Difference[] = []
  /** The walk has the lock: that keeps capture waiting, but nobody who changes a folder that is only watched. */
  held = false
  private busy = false
  /** What the application does between two steps. */
  between: () => void = () => undefined

  constructor(
    source: string,
    target: string,
    private readonly watching = false
  ) {
    this.log.setWatching(watching)
    const folders = [{ tree: TargetFolder.open(target) as TargetFolder, excluded: () => false }]
    this.redo = new Redo('DB_Group', folders, { differs: (difference) => this.differs.add(difference), makeHard: () => undefined })
    const { lock, unlock } = this.log
    this.log.lock = () => {
      this.interrupt()
      lock.call(this.log)
      this.held = true
    }
    this.log.unlock = () => {
      this.held = false
      unlock.call(this.log)
      this.interrupt()
    }
    this.control.nap = () => this.drain()
    this.walker = new Walker(this.log, [new WatchedTree(source, () => this.interrupt())], this.control, watching, this.differs, (each) => this.found.push(each))
  }

  private interrupt(): void {
    if ((this.held && !this.watching) || this.busy) return
    this.busy = true
    this.between()
    this.busy = false
  }

  private undisturbed(use: () => void): void {
    const { between } = this
    this.between = () => undefined
    use()
    this.between = between
  }

  mirror(): void {
    this.drain()
    this.redo.tolerant = true
    this.log.startStream(1)
    this.walker.walkAll()
  }

  /** Compares all there is, or what the set names, and repairs the target. */
  compare(set: DirtySet | null = null): void {
    // What was in the order before is forgotten: a new session has compared what it knows to be dirty.
    this.undisturbed(() => this.log.startStream(1))
    this.redo.tolerant = true
    this.found.length = 0
    this.walker.compare(set)
    this.drain()
  }

  /** Watch capture: the walk's thread looks at what is marked. */
  walkMarked(): void {
    this.walker.walkRevisits()
    this.drain()
  }

  /** In the session that is; false: it was stopped before its end. */
  compareOn(): boolean {
    try {
      this.walker.compare(null)
      return true
    } catch (error) {
      if (error instanceof WalkEnded) return false
      throw error
    } finally {
      this.control.take()
      this.drain()
    }
  }

  /** An administrator stops what runs. */
  stop(): void {
    this.control.order('stop')
  }

  /** A connection breaks: what the target says meanwhile is not heard. */
  loseAnswers(): void {
    this.drain()
    this.differs.take()
    this.differs.lose()
  }

  /** Repeats on the target all that is in the order. */
  drain(): void {
    const { ring } = this.log
    for (let entry = ring.read(ring.tail()); entry !== null; entry = ring.read(ring.tail())) {
      const { body, lsn } = decodeFrame(sealFrame(Uint8Array.from(entry.frame), checksum), checksum)
      this.redo.apply(body as Operation | WalkStep)
      if (body.kind === 'walkEnd' || body.kind === 'checkEnd') this.redo.tolerant = this.watching
      ring.release(entry.next)
      this.control.setTargetApplied(lsn)
    }
  }
}
