import * as libc from '../../native/libc'
import { EINVAL, ENOENT, ESTALE } from '../../native/libcErrors'
import { nameLost } from './names'
import type { Node } from './nodes'
import { IN_HEADER_BYTES, RENAME_EXCHANGE, RENAME_NOREPLACE, readU64 } from './protocol'
import { forgetContent, sendContent, subtreeChangesExclusion } from './resend'
import type { Serving } from './serving'

const BODY = IN_HEADER_BYTES

interface Move {
  oldParent: Node
  oldName: string
  oldPath: string
  newParent: Node
  newName: string
  newPath: string
  flags: number
}

export const rename = (serving: Serving): number => move(serving, 8, 0)
export const rename2 = (serving: Serving): number => move(serving, 16, serving.input.readUInt32LE(BODY + 8))

function move(serving: Serving, namesAt: number, flags: number): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -EINVAL
  const oldParent = serving.node
  const newParent = serving.nodes.byNodeId(readU64(serving.input, BODY))
  if (oldParent === undefined || newParent === undefined) return -ESTALE
  const oldName = serving.nameAt(namesAt)
  const newName = serving.nameAt(namesAt + oldName.length + 1)
  const oldPath = serving.nodes.childPath(oldParent, oldName)
  const newPath = serving.nodes.childPath(newParent, newName)
  if (oldPath === null || newPath === null) return -ENOENT
  if (serving.doubt?.performed) return 0
  return serving.locked(() => moveInLock(serving, { oldParent, oldName, oldPath, newParent, newName, newPath, flags }))
}

function moveInLock(serving: Serving, change: Move): number {
  const { nodes, log } = serving
  const { oldPath, newPath, flags } = change
  const node = nodeAt(serving, change.oldParent, change.oldName, oldPath)
  if (typeof node === 'number') return node
  const replaced = nodeAt(serving, change.newParent, change.newName, newPath)
  const replacedLinks = typeof replaced === 'number' ? 0 : serving.stat.links
  if (typeof replaced !== 'number') serving.holdOpen(replaced)
  serving.table?.request.move({ ...change, oldParent: change.oldParent.id, newParent: change.newParent.id })
  serving.table?.request.evidence({ inode: node.inode, other: typeof replaced === 'number' ? 0 : replaced.inode, links: replacedLinks })
  const renamed = libc.renameat2(serving.rootFd, serving.pathBytes(oldPath), serving.rootFd, serving.otherPathBytes(newPath), flags)
  if (renamed < 0) return renamed
  // Two names of one file: rename(2) does nothing, and both stay.
  if (replaced === node && flags !== RENAME_EXCHANGE) return 0
  log.changed(node.inode)
  log.changed(change.oldParent.inode)
  log.changed(change.newParent.inode)
  const hadReplaced = typeof replaced !== 'number'
  if (hadReplaced) log.changed(replaced.inode)
  // Asked before the tables change: it may be a path that is excluded on one side only.
  const others = hadReplaced ? replaced : null
  if ((flags & RENAME_EXCHANGE) !== 0 && others !== null) exchangeNames(serving, change, node, others)
  else moveName(serving, change, node, others, replacedLinks)
  send(serving, change, node, others)
  log.revisit(serving.folder, newPath)
  if ((flags & RENAME_EXCHANGE) !== 0) log.revisit(serving.folder, oldPath)
  nodes.unpinIfUnused(node)
  serving.times.add(change.oldParent)
  serving.times.add(change.newParent)
  return 0
}

function nodeAt(serving: Serving, parent: Node, name: string, path: string): Node | number {
  const result = serving.statPath(path)
  if (result < 0) return result
  return serving.nodes.found(parent, name, serving.stat.identity())
}

function moveName(serving: Serving, change: Move, node: Node, replaced: Node | null, replacedLinks: number): void {
  if (replaced !== null) nameLost(serving, change.newParent, change.newName, replacedLinks)
  serving.nodes.moveName(node, change.oldParent, change.oldName, change.newParent, change.newName)
}

function exchangeNames(serving: Serving, change: Move, node: Node, other: Node): void {
  serving.nodes.exchangeNames(node, change.oldParent, change.oldName, other, change.newParent, change.newName)
}

/** What the target is told, when either name may be excluded. */
function send(serving: Serving, change: Move, node: Node, replaced: Node | null): void {
  const { folder, nodes, log } = serving
  const { oldPath, newPath, flags } = change
  const oldExcluded = nodes.isExcluded(oldPath)
  const newExcluded = nodes.isExcluded(newPath)
  if (oldExcluded && newExcluded) return
  if (!oldExcluded && !newExcluded) {
    log.append({ folder, kind: 'rename', path: oldPath, newPath, flags: flags & RENAME_EXCHANGE })
    if (serving.excludeDependsOnDirectory && node.isDirectory && subtreeChangesExclusion(serving, oldPath, newPath)) {
      serving.options.onNeedsMirror(`the directory ${newPath} was renamed, and the excluded patterns below it changed with its name`)
    }
    return
  }
  // One of the two names is replicated: the target loses what stood there, and gets what stands there now.
  const sentPath = oldExcluded ? newPath : oldPath
  const wasThere = oldExcluded ? replaced : node
  if (wasThere !== null) forgetContent(serving, sentPath, wasThere, oldExcluded ? oldPath : newPath)
  const isThere = oldExcluded ? node : (flags & RENAME_EXCHANGE) !== 0 ? replaced : null
  if (isThere !== null) sendContent(serving, sentPath)
}
