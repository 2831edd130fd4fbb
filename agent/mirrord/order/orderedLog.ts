import type { Operation } from '../../../src/wire'
import type { SyncWaiters } from './syncWaiters'

/**
 * The one order of a job. It lives in a SharedArrayBuffer: every thread of mirrord (capture, walk, sender) attaches to
 * the same one. Capture applies an operation to the real file and appends it in one critical section, so that the order
 * on disk is the order in the stream; the walk checks a change counter and appends what it read in the same way, so that
 * what it sends is exact while the application writes (design §6).
 *
 *     log.lock()
 *     try { fs.writeSync(…); log.changed(ino); log.append({ kind: 'write', … }) } finally { log.unlock() }
 */
export interface OrderedLog {
  /** Requests that wait for the target; a log without a target has none. */
  readonly waiters?: SyncWaiters
  /** Short critical sections only: no flush, no cold read, no network inside. */
  lock(): void
  unlock(): void
  /**
   * Inside the lock. Gives the operation the next LSN and queues its frame; never waits. While no session wants the
   * stream only the LSN grows. When the queue is full the operation is dropped from it and `overflowed` is set: the
   * target then needs a mirror again.
   */
  append(operation: Operation): number
  /**
   * Inside the lock. What was done cannot be said in operations (all of it): what is queued is given up, and what is marked dirty is compared. Answers whether
   * a session wanted it; a log that nobody reads need not know.
   */
  giveUp?(): boolean
  /** Inside the lock. The file or directory with this inode number has changed. */
  changed(inode: number | bigint): void
  /** Inside the lock. The time of this inode is sent later than its change (1), or has been sent (-1). A log that nobody walks need not know. */
  timePending?(inode: number | bigint, by: 1 | -1): void
  /** Counts the changes of this inode (inodes may share a counter: it never misses one, it may count too many). */
  version(inode: number | bigint): number
  /** Inside the lock, during a walk: this path (a file or a whole directory) has got a new name, or a second one; it must be walked (again).
   * Renames and links are noted by `append` itself. `always`: also while no walk runs, for a path that was not captured before (renamed from
   * an excluded name). */
  revisit(folder: number, path: string, always?: boolean): void
  /** Last LSN given out. */
  lsn(): number
  /**
   * Outside the lock, for a request that wants all before it hard (fsync): -1: the local flush is enough. Else the number of a slot: the slow
   * thread that has flushed tells `waiters.flushed(slot, result)` instead of answering the kernel. `pid`: who waits.
   */
  awaitTarget(fuseFd: number, uniqueLow: number, uniqueHigh: number, pid?: number): number
}
