import type { Revisit } from '../order/revisitQueue'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { HardLinks } from './hardLinks'
import { Moved } from './moved'
import { FILE, filesBelow, type Meta, type SourceTree } from './sourceTree'
import type { WalkControl } from './walkControl'

/** After so many changes while we read, what is small is read inside the lock. */
export const TRIES = 5
export const RANGE_BYTES = 256 * 1024
/** Under watch capture what was marked meanwhile is looked at so often before the end; each time it is less, for the look before took less time. */
const WATCHED_ROUNDS = 3
/** The walk leaves this much of the queue to the application. */
const QUEUE_SHARE = 0.25
const QUEUE_BYTES_MAX = 32 * 1024 * 1024

/** The walk was stopped, or its session is over. */
export class WalkEnded extends Error {}

/** What the parts of a walk share: the order, the folders, what is known of names, and when to wait. */
export class WalkRun {
  readonly links = new HardLinks()
  readonly moved: Moved
  readonly buffer = Buffer.allocUnsafeSlow(RANGE_BYTES)
  private readonly queueBytes: number
  /** To be looked at again. */
  again: Revisit[] = []
  epoch = -1
  /** A comparison hears of what is linked: the target may have to say that it could not. */
  onLink: (lsn: number, link: { folder: number; path: string; newPath: string }) => void = () => undefined
  /** An administrator can pause and stop it; a look at some paths goes on. */
  steered = false
  revisiting = false

  constructor(
    readonly log: SharedOrderedLog,
    readonly trees: SourceTree[],
    readonly control: WalkControl,
    readonly watching: boolean
  ) {
    this.queueBytes = Math.min(QUEUE_BYTES_MAX, log.ring.capacity * QUEUE_SHARE)
    this.moved = new Moved(log.revisits)
  }

  forget(): void {
    this.links.clear()
    this.moved.clear()
    this.again = []
    this.revisiting = false
  }

  tree(folder: number): SourceTree {
    return this.trees[folder]!
  }

  locked<T>(use: () => T, checked = true): T {
    this.log.lock()
    try {
      if (checked && this.isOver()) throw new WalkEnded()
      return use()
    } finally {
      this.log.unlock()
    }
  }

  /** Inside the lock. */
  link(folder: number, path: string, newPath: string): void {
    this.onLink(this.log.appendStep({ kind: 'walkLink', folder, path, newPath }), { folder, path, newPath })
  }

  private isOver(): boolean {
    return this.epoch !== this.log.epoch() || this.log.streamState() !== 'wanted'
  }

  /** Outside the lock: lets the application go first, and obeys main. */
  yield(): void {
    if (this.steered) this.control.setState(this.control.isPaused() ? 'paused' : 'walking')
    while (this.log.ring.usedBytes() > this.queueBytes || (this.steered && this.control.isPaused()) || this.isCalledOff()) this.nap()
  }

  /** The paths of all files that there are, read while the application goes first. */
  files(folder: number): Iterable<string> {
    return filesBelow(this.tree(folder), () => {
      this.yield()
      return true
    })
  }

  nap(): void {
    if (this.isCalledOff() || this.isOver()) throw new WalkEnded()
    this.control.setState(this.steered && this.control.isPaused() ? 'paused' : this.control.state())
    this.control.nap()
  }

  private isCalledOff(): boolean {
    const pending = this.control.pending()
    return pending !== 'none' && (this.steered || pending !== 'stop')
  }

  /**
   * The regular file at this path, if it is the one that was seen; null: another one, or none. Under watch capture an open file is sent to its end: that the
   * name has another one by now is marked, and one that is replaced all the time would never be sent otherwise.
   */
  sameFile(folder: number, path: string, seen: Meta): Meta | null {
    const meta = this.tree(folder).meta(path)
    if (meta !== null && meta.type === FILE && meta.inode === seen.inode) return meta
    return this.watching ? seen : null
  }

  /** Under watch capture what is never the same twice is left: each of its changes is marked, and looked at in its turn. */
  leaves(attempt: number): boolean {
    return this.watching && attempt > TRIES
  }

  /**
   * Inside the lock: may the end be marked after so many rounds? With marks left only under watch capture, where they are looked at behind the end as well:
   * an application that writes all the time leaves no moment without any.
   */
  mayEnd(rounds: number): boolean {
    return this.again.length === 0 && (this.log.revisits.empty() || (this.watching && rounds >= WATCHED_ROUNDS))
  }

  /** Watch capture counts no changes: what it asks for again has changed. */
  isFresh(folder: number, inode: bigint): boolean {
    return this.watching ? !this.revisiting : this.links.isFresh(folder, inode, this.log.version(inode))
  }

  /** Names that the target has for this file, too. */
  *otherNames(folder: number, path: string, meta: Meta): Iterable<string> {
    for (const name of this.links.of(folder, meta.inode)) {
      if (name !== path && !this.moved.covers(folder, name, this.watching) && this.tree(folder).meta(name)?.inode === meta.inode) yield name
    }
  }

  /** A file made anew on the target leaves no name behind that leads to what it was before. Inside the lock. */
  knowsAllNames(folder: number, path: string, meta: Meta): boolean {
    return meta.links === 1 || [...this.otherNames(folder, path, meta)].length + 1 >= meta.links
  }
}
