import type { OrderedLog } from '../order/orderedLog'
import type { Node, NodeTable } from './nodes'
import type { Stat } from './stat'

/** When more inodes than this wait for their times to be sent, the oldest are sent early. */
const CHANGED_TIMES_MAX = 65_536

/**
 * The target applies later, so its modification times would differ. This table knows the inodes whose time has changed by something else than
 * utimens, and sends the real time after the change: when a file is flushed, else within CHANGED_TIMES_INTERVAL_MS.
 */
export class ChangedTimes {
  private readonly nodes = new Set<Node>()

  constructor(
    private readonly folder: number,
    private readonly table: NodeTable,
    private readonly log: OrderedLog,
    private readonly statNode: (node: Node) => number,
    private readonly stat: Stat
  ) {}

  get waiting(): number {
    return this.nodes.size
  }

  has(node: Node): boolean {
    return this.nodes.has(node)
  }

  /** Inside the lock. */
  add(node: Node): void {
    if (this.nodes.has(node)) return
    if (this.nodes.size >= CHANGED_TIMES_MAX) for (const oldest of this.nodes) if (this.sendInLock(oldest)) break
    this.nodes.add(node)
    this.log.timePending?.(node.inode, 1)
    node.pinned = true
  }

  /** Inside the lock: an explicit time has been sent. */
  forget(node: Node): void {
    if (!this.nodes.delete(node)) return
    this.log.timePending?.(node.inode, -1)
    this.table.unpin(node)
  }

  /** Takes the lock. */
  send(node: Node): void {
    if (!this.nodes.has(node)) return
    this.log.lock()
    try {
      this.sendInLock(node)
    } finally {
      this.log.unlock()
    }
  }

  sendAll(): void {
    for (const node of [...this.nodes]) this.send(node)
  }

  /** Always true, so that a loop can stop at the first. */
  private sendInLock(node: Node): boolean {
    if (this.nodes.delete(node)) this.log.timePending?.(node.inode, -1)
    const path = this.table.sentPathOf(node)
    if (path !== null && this.statNode(node) >= 0) {
      this.log.append({ folder: this.folder, kind: 'times', path, atimeNs: null, mtimeNs: this.stat.mtimeNs })
    }
    this.table.unpin(node)
    return true
  }
}

export const CHANGED_TIMES_INTERVAL_MS = 1_000
