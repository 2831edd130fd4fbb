import type { NodeMark } from '../dirty/tables'
import type { Exclude } from './exclude'
import { ROOT_ID, S_IFDIR, S_IFMT } from './protocol'
import type { CaptureTable } from './table/captureTable'

/** One name of an inode. */
interface Name {
  parent: Node
  name: string
  /** Where it stands in the table for a successor. */
  cell: number
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
  /** The keeper holds a descriptor of it: it has no name any more, and is open. */
  heldOpen = false
  /** Where it stands in the table for a successor. */
  cell = -1
  names: Name[] = []
  children: Map<string, Node> | null = null
  /** Open descriptors, for what must work on a file without a name. */
  handles: Handle[] = []
  path: string | null = null
  pathEpoch = -1
  excluded = false
  /** The stream was given up for a change under an excluded name, and for names that are not known: once, for these are mostly excluded as well. */
  toldElsewhere = false
  private isNamedElsewhere = false
  /** The directory that `path` goes through. */
  parent: Node | null = null
  /** The dirty map: what it is marked for, while this is the map's epoch. */
  mark: NodeMark | null = null
  markEpoch = 0

  constructor(
    readonly id: number,
    readonly inode: number | bigint,
    readonly key: number | string,
    readonly birth: number,
    private knownMode: number,
    private readonly table: CaptureTable | null
  ) {}

  get mode(): number {
    return this.knownMode
  }

  set mode(mode: number) {
    if (mode === this.knownMode) return
    this.knownMode = mode
    this.table?.setMode(this.cell, mode)
  }

  /** It lost its last known name while it still had others: changes to it cannot be sent by name. */
  get namedElsewhere(): boolean {
    return this.isNamedElsewhere
  }

  set namedElsewhere(namedElsewhere: boolean) {
    if (namedElsewhere === this.isNamedElsewhere) return
    this.isNamedElsewhere = namedElsewhere
    this.table?.setNamedElsewhere(this.cell, namedElsewhere)
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR
  }
}

/** An open file or directory of the kernel. */
export interface Handle {
  fh: number
  fd: number
  node: Node
  /** As open(2) was called. */
  flags: number
  /** Where it stands in the table for a successor. */
  cell: number
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
  private nextId = ROOT_ID + 1
  /** Grows with every rename of a directory: cached paths of before are no longer trusted. */
  private epoch = 0
  readonly root: Node

  constructor(
    identity: Identity,
    private readonly exclude: Exclude,
    private readonly table: CaptureTable | null = null
  ) {
    this.nextId = Math.max(this.nextId, table?.nextId ?? 0)
    this.root = this.restoreNode(ROOT_ID, identity)
    this.restoreKey(this.root)
    this.root.lookups = 1
    this.root.path = ''
  }

  all(): IterableIterator<Node> {
    return this.byId.values()
  }

  get size(): number {
    return this.byId.size
  }

  byNodeId(id: number): Node | undefined {
    return this.byId.get(id)
  }

  private create(identity: Identity): Node {
    const id = this.nextId++
    if (this.table !== null) this.table.nextId = this.nextId
    const node = this.restoreNode(id, identity)
    this.restoreKey(node)
    if (this.table !== null) node.cell = this.table.addNode(id, identity)
    return node
  }

  /** A node that stands in the table already (or never does: the root). */
  restoreNode(id: number, { inode, key, birth, mode }: Identity): Node {
    const node = new Node(id, inode, key, birth, mode, this.table)
    this.byId.set(node.id, node)
    this.nextId = Math.max(this.nextId, id + 1)
    return node
  }

  /** It is found again by its inode. */
  restoreKey(node: Node): void {
    this.byKey.set(node.key, node)
  }

  /** Of an inode that the table may know; it is not made. */
  known({ key, birth }: Identity): Node | undefined {
    const node = this.byKey.get(key)
    return node?.birth === birth ? node : undefined
  }

  restoreName(node: Node, parent: Node, name: string, cell: number): void {
    parent.children ??= new Map()
    parent.children.set(name, node)
    node.names.push({ parent, name, cell })
  }

  /** A lookup was answered with it. */
  counted(node: Node): void {
    this.setLookups(node, node.lookups + 1)
    this.table?.request.counted(node.id)
  }

  private setLookups(node: Node, lookups: number): void {
    node.lookups = lookups
    this.table?.setLookups(node.cell, lookups)
  }

  /** An answer that counted a lookup has never been given. */
  uncounted(id: number): void {
    const node = this.byId.get(id)
    if (node !== undefined && node !== this.root) this.setLookups(node, Math.max(0, node.lookups - 1))
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
    node.names.push({ parent, name, cell: this.table?.addName(node.id, parent.id, name) ?? -1 })
    this.pathChanged(node)
  }

  removeName(node: Node, parent: Node, name: string): void {
    parent.children?.delete(name)
    const at = node.names.findIndex((each) => each.parent === parent && each.name === name)
    if (at >= 0) this.table?.removeName(node.names[at]!.cell, name)
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
    if (at >= 0) {
      const cell = this.table?.addName(node.id, newParent.id, newName) ?? -1
      this.table?.removeName(node.names[at]!.cell, oldName)
      node.names[at] = { parent: newParent, name: newName, cell }
    }
    this.pathChanged(node)
  }

  private pathChanged(node: Node): void {
    node.pathEpoch = -1
    node.markEpoch = 0
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
    this.setLookups(node, Math.max(0, node.lookups - count))
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
    for (const { parent, name, cell } of node.names.splice(0)) {
      this.table?.removeName(cell, name)
      parent.children?.delete(name)
      this.dropUnused(parent)
    }
    this.table?.removeNode(node.cell)
  }

  /** A path below which the real file is reached now; null: it has no name any more. A name that is replicated is preferred. */
  pathOf(node: Node): string | null {
    if (node === this.root) return ''
    if (node.pathEpoch === this.epoch) return node.path
    this.refreshPath(node)
    return node.path
  }

  /** The directory that the node's path goes through; null: it has no name, or is the root. */
  parentOf(node: Node): Node | null {
    return this.pathOf(node) === null ? null : node.parent
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
    node.path = node.parent = null
    node.excluded = false
    for (const { parent, name } of node.names) {
      const path = this.childPath(parent, name)
      if (path === null) continue
      node.path = path
      node.parent = parent
      node.excluded = this.exclude(path)
      if (!node.excluded) return
    }
  }
}
