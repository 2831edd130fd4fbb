import type { Exclude } from './exclude'
import { ROOT_ID, S_IFDIR, S_IFMT } from './protocol'

/** One name of an inode. */
interface Name {
  parent: Node
  name: string
}

/**
 * An inode as the kernel knows it: one node for each real inode, so that hard links are one file to the kernel too.
 * It knows its names, not its path; so a renamed directory takes everything below with it.
 */
export class Node {
  /** How often the kernel was told of this node; FORGET takes it back. */
  lookups = 0
  /** Held by the table of changed times. */
  pinned = false
  /** It lost its last known name while it still had others: changes to it cannot be sent by name. */
  namedElsewhere = false
  names: Name[] = []
  children: Map<string, Node> | null = null
  /** Open descriptors, for what must work on a file without a name. */
  handles: Handle[] = []
  path: string | null = null
  pathEpoch = -1
  excluded = false

  constructor(
    readonly id: number,
    readonly inode: number | bigint,
    readonly key: number | string,
    readonly birth: number,
    public mode: number
  ) {}

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR
  }
}

/** An open file or directory of the kernel. */
export interface Handle {
  fh: number
  fd: number
  node: Node
  directory: DirectoryCursor | null
}

/** Where a directory is being read: entries that were read from the real one and not yet answered. */
export interface DirectoryCursor {
  buffer: Buffer
  at: number
  end: number
  /** The cookie after the last answered entry, low and high half. */
  low: number
  high: number
}

/** What identifies a real inode, read from a struct statx. */
export interface Identity {
  inode: number | bigint
  key: number | string
  /** Time of birth, folded: tells an inode number that was used again. */
  birth: number
  mode: number
}

export class NodeTable {
  private readonly byId = new Map<number, Node>()
  private readonly byKey = new Map<number | string, Node>()
  private nextId = ROOT_ID
  /** Grows with every rename of a directory: cached paths of before are no longer trusted. */
  private epoch = 0
  readonly root: Node

  constructor(
    identity: Identity,
    private readonly exclude: Exclude
  ) {
    this.root = this.create(identity)
    this.root.lookups = 1
    this.root.path = ''
  }

  get size(): number {
    return this.byId.size
  }

  byNodeId(id: number): Node | undefined {
    return this.byId.get(id)
  }

  private create(identity: Identity): Node {
    const node = new Node(this.nextId++, identity.inode, identity.key, identity.birth, identity.mode)
    this.byId.set(node.id, node)
    this.byKey.set(node.key, node)
    return node
  }

  /** The node of a real inode that was found under this name. */
  found(parent: Node, name: string, identity: Identity): Node {
    const node = this.ofIdentity(identity)
    this.addName(node, parent, name)
    return node
  }

  /** The node of a real inode, known or new. */
  ofIdentity(identity: Identity): Node {
    const known = this.byKey.get(identity.key)
    if (known === undefined || known.birth !== identity.birth) return this.create(identity)
    known.mode = identity.mode
    return known
  }

  child(parent: Node, name: string): Node | undefined {
    return parent.children?.get(name)
  }

  addName(node: Node, parent: Node, name: string): void {
    const before = parent.children?.get(name)
    if (before === node) return
    if (before !== undefined) this.removeName(before, parent, name)
    if (node.isDirectory && node.names.length > 0) this.removeName(node, node.names[0]!.parent, node.names[0]!.name)
    parent.children ??= new Map()
    parent.children.set(name, node)
    node.names.push({ parent, name })
    this.pathChanged(node)
  }

  removeName(node: Node, parent: Node, name: string): void {
    parent.children?.delete(name)
    const at = node.names.findIndex((each) => each.parent === parent && each.name === name)
    if (at >= 0) node.names.splice(at, 1)
    this.pathChanged(node)
    this.dropUnused(parent)
  }

  /** The kernel's dentry moves: the node keeps its identity, and so does all below it. */
  moveName(node: Node, oldParent: Node, oldName: string, newParent: Node, newName: string): void {
    oldParent.children?.delete(oldName)
    newParent.children ??= new Map()
    newParent.children.set(newName, node)
    this.renameIn(node, oldParent, oldName, newParent, newName)
    this.dropUnused(oldParent)
  }

  exchangeNames(one: Node, oneParent: Node, oneName: string, other: Node, otherParent: Node, otherName: string): void {
    oneParent.children?.set(oneName, other)
    otherParent.children?.set(otherName, one)
    this.renameIn(one, oneParent, oneName, otherParent, otherName)
    this.renameIn(other, otherParent, otherName, oneParent, oneName)
  }

  private renameIn(node: Node, oldParent: Node, oldName: string, newParent: Node, newName: string): void {
    const at = node.names.findIndex((each) => each.parent === oldParent && each.name === oldName)
    if (at >= 0) node.names[at] = { parent: newParent, name: newName }
    this.pathChanged(node)
  }

  private pathChanged(node: Node): void {
    node.pathEpoch = -1
    if (node.children !== null && node.children.size > 0) this.epoch++
  }

  /** The last name is gone and so is the inode: its number may come back for another file. */
  inodeGone(node: Node): void {
    if (this.byKey.get(node.key) === node) this.byKey.delete(node.key)
    this.dropUnused(node)
  }

  forget(id: number, count: number): void {
    const node = this.byId.get(id)
    if (node === undefined || node === this.root) return
    node.lookups = Math.max(0, node.lookups - count)
    this.dropUnused(node)
  }

  /** An open file of it was closed. */
  released(node: Node): void {
    this.dropUnused(node)
  }

  /** After a change that found the node without the kernel having asked for it. */
  unpinIfUnused(node: Node): void {
    this.dropUnused(node)
  }

  unpin(node: Node): void {
    node.pinned = false
    this.dropUnused(node)
  }

  private dropUnused(node: Node): void {
    if (node === this.root || node.lookups > 0 || node.pinned || node.handles.length > 0 || (node.children?.size ?? 0) > 0) return
    if (!this.byId.delete(node.id)) return
    if (this.byKey.get(node.key) === node) this.byKey.delete(node.key)
    for (const { parent, name } of node.names.splice(0)) {
      parent.children?.delete(name)
      this.dropUnused(parent)
    }
  }

  /** A path below which the real file is reached now; null: it has no name any more. A name that is replicated is preferred. */
  pathOf(node: Node): string | null {
    if (node === this.root) return ''
    if (node.pathEpoch === this.epoch) return node.path
    this.refreshPath(node)
    return node.path
  }

  /** The path to send; null: without a name, or excluded. */
  sentPathOf(node: Node): string | null {
    const path = this.pathOf(node)
    return node.excluded ? null : path
  }

  isExcluded(path: string): boolean {
    return this.exclude(path)
  }

  childPath(parent: Node, name: string): string | null {
    const above = this.pathOf(parent)
    if (above === null) return null
    return above === '' ? name : `${above}/${name}`
  }

  private refreshPath(node: Node): void {
    node.pathEpoch = this.epoch
    node.path = null
    node.excluded = false
    for (const { parent, name } of node.names) {
      const path = this.childPath(parent, name)
      if (path === null) continue
      node.path = path
      node.excluded = this.exclude(path)
      if (!node.excluded) return
    }
  }
}
