import * as libc from '../../../native/libc'
import { backingFlags } from '../files'
import type { Handle, Node } from '../nodes'
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_TRUNC, Opcode, RENAME_EXCHANGE, ROOT_ID } from '../protocol'
import type { Serving } from '../serving'
import type { CaptureTable, KeptHandle } from './captureTable'
import type { Doubt, MoveInHand } from './requestInHand'

/**
 * A dead process has left its table: the kernel goes on to speak of its nodes and handles. They are made again, and what it had in hand is settled as far
 * as names depend on it; the rest is decided when the request comes again.
 */
export interface Restored {
  nodes: number
  handles: number
  /** Open files that cannot be opened again: somebody changed the folder below the mount. */
  lostHandles: number
}

const MOVES: readonly number[] = [Opcode.RENAME, Opcode.RENAME2]
const RELEASES: readonly number[] = [Opcode.RELEASE, Opcode.RELEASEDIR]
const CLOSED = -1

/** `held`: descriptors of files without a name, by node. */
export function restoreTables(serving: Serving, table: CaptureTable, held: ReadonlyMap<number, number>): Restored {
  restoreNodes(serving, table)
  restoreNames(serving, table)
  const doubts = table.request.inDoubt()
  for (const doubt of doubts) if (doubt.begun && !doubt.performed && MOVES.includes(doubt.opcode)) settleMove(serving, table, doubt)
  for (const node of serving.nodes.all()) if (node.names.length > 0 || node.namedElsewhere) serving.nodes.restoreKey(node)
  // One that was settled after an earlier death does not count: its handle's number may have been used again.
  const released = doubts.filter(({ opcode, begun, performed }) => begun && !performed && RELEASES.includes(opcode))
  const lostHandles = restoreHandles(serving, table, held, new Set(released.map(({ handle }) => handle ?? CLOSED)))
  for (const doubt of released) table.request.resolved(doubt, true)
  serving.restoreDoubts(doubts)
  releaseHeld(serving, held)
  for (const node of serving.nodes.all()) serving.nodes.unpinIfUnused(node)
  return { nodes: serving.nodes.size, handles: [...serving.handles.all()].length, lostHandles }
}

function restoreNodes({ nodes }: Serving, table: CaptureTable): void {
  for (const { cell, id, identity, lookups, namedElsewhere } of table.nodes()) {
    const node = nodes.restoreNode(id, identity)
    node.lookups = lookups
    node.namedElsewhere = namedElsewhere
    node.cell = cell
  }
}

/** A name whose node or directory is not there was just being removed with it. */
function restoreNames({ nodes }: Serving, table: CaptureTable): void {
  for (const kept of table.names()) {
    const node = nodes.byNodeId(kept.node)
    const parent = nodes.byNodeId(kept.parent)
    if (node === undefined || parent === undefined) table.removeName(kept.cell, kept.name)
    else nodes.restoreName(node, parent, kept.name, kept.cell)
  }
}

/** A rename in hand: what stands under the two names says whether it was done; the table gets what is. */
function settleMove(serving: Serving, table: CaptureTable, doubt: Doubt): void {
  const { move } = doubt
  const performed = move !== null && wasMoved(serving, doubt, move)
  if (performed) {
    const touched = [...serving.nodes.all()].filter(({ inode }) => inode === doubt.inode || inode === doubt.other)
    settleName(serving, touched, move.oldParent, move.oldName)
    settleName(serving, touched, move.newParent, move.newName)
    for (const node of touched) if (node.inode === doubt.other && node.names.length === 0 && doubt.links > 1) node.namedElsewhere = true
  }
  table.request.resolved(doubt, performed)
}

function wasMoved(serving: Serving, { inode, other }: Doubt, { oldParent, oldName, newParent, newName, flags }: MoveInHand): boolean {
  const now = inodeAt(serving, newParent, newName)
  const before = inodeAt(serving, oldParent, oldName)
  // Two names of one file: nothing happens, as often as one asks for it.
  if (inode === other || now !== inode) return false
  return (flags & RENAME_EXCHANGE) !== 0 ? before === other : before === null
}

function inodeAt(serving: Serving, parent: number, name: string): number | bigint | null {
  const directory = serving.nodes.byNodeId(parent)
  const path = directory === undefined ? null : serving.nodes.childPath(directory, name)
  return path === null || serving.statPath(path) < 0 ? null : serving.stat.identity().inode
}

function settleName(serving: Serving, touched: Node[], parentId: number, name: string): void {
  const { nodes } = serving
  const parent = nodes.byNodeId(parentId)
  const inode = inodeAt(serving, parentId, name)
  if (parent === undefined) return
  const owner = touched.find((node) => node.inode === inode && node.birth === serving.stat.identity().birth)
  for (const node of touched) {
    if (node !== owner && node.names.some((each) => each.parent === parent && each.name === name)) nodes.removeName(node, parent, name)
  }
  if (owner === undefined) return
  const known = owner.names.find((each) => each.parent === parent && each.name === name)
  if (known === undefined) nodes.addName(owner, parent, name)
  else parent.children?.set(name, owner)
}

/** Answers how many could not be opened again. */
function restoreHandles(serving: Serving, table: CaptureTable, held: ReadonlyMap<number, number>, released: ReadonlySet<number>): number {
  const handles: Handle[] = []
  for (const kept of table.handles()) {
    const node = serving.nodes.byNodeId(kept.node)
    if (node === undefined || released.has(kept.fh)) table.removeHandle(kept.cell)
    else handles.push(openAgain(serving, kept, node, held.get(node.id)))
  }
  serving.handles.restore(handles)
  for (const { node } of handles) node.heldOpen = held.has(node.id)
  return handles.filter(({ fd }) => fd === CLOSED).length
}

function openAgain(serving: Serving, { fh, flags, cell }: KeptHandle, node: Node, held: number | undefined): Handle {
  const fd = held !== undefined ? openHeld(node, flags, held) : openNamed(serving, node, flags)
  return { fh, fd, node, flags, cell, directory: null }
}

/** Another opening of the same file, with the rights that this handle had. */
function openHeld(node: Node, flags: number, held: number): number {
  const fd = node.isDirectory
    ? libc.openat(held, libc.cString('.'), O_DIRECTORY | O_CLOEXEC, 0)
    : libc.open(libc.cString(`/proc/self/fd/${held}`), reopenFlags(flags) & ~O_NOFOLLOW, 0)
  return fd < 0 ? CLOSED : fd
}

const reopenFlags = (flags: number): number => backingFlags(flags & ~O_TRUNC)

/** By any of its names under which it still is the same file. */
function openNamed(serving: Serving, node: Node, flags: number): number {
  for (const path of pathsOf(serving, node)) {
    const how = node.isDirectory ? O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW : reopenFlags(flags)
    const fd = libc.openat(serving.rootFd, serving.pathBytes(path), how, 0)
    if (fd < 0) continue
    if (serving.stat.ofDescriptor(fd) >= 0 && isSame(serving, node)) return fd
    libc.close(fd)
  }
  return CLOSED
}

function isSame(serving: Serving, node: Node): boolean {
  const { key, birth } = serving.stat.identity()
  return key === node.key && birth === node.birth
}

function pathsOf({ nodes }: Serving, node: Node): string[] {
  if (node.id === ROOT_ID) return ['']
  return node.names.map(({ parent, name }) => nodes.childPath(parent, name)).filter((path) => path !== null)
}

/** Held for a file that has been closed since; and this process's own copies, for every handle has one of its own now. */
function releaseHeld(serving: Serving, held: ReadonlyMap<number, number>): void {
  for (const [id, fd] of held) {
    libc.close(fd)
    if (serving.nodes.byNodeId(id)?.heldOpen !== true) serving.options.holder?.release(id)
  }
}
