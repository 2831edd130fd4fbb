import * as libc from '../../native/libc'
import type { Identity, Node } from './nodes'
import { IO_BYTES_MAX, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './protocol'
import type { Serving } from './serving'
import { Stat } from './stat'

/** Between replicated and excluded names a rename cannot be repeated on the target: what moved is sent, or removed, piece by piece. All inside the lock. */

const ENTRIES_MAX = 20_000
const CONTENT_BYTES_MAX = 256 << 20
const DIRECTORY_BYTES = 64 << 10
const LINK_BYTES_MAX = 4096
const XATTR_BYTES_MAX = 64 << 10

interface Budget {
  entries: number
  bytes: number
  spent: boolean
}

const newBudget = (): Budget => ({ entries: ENTRIES_MAX, bytes: CONTENT_BYTES_MAX, spent: false })

/** A file of what is sent that has several names. */
interface Linked {
  /** A name of it that the target has, or has been sent. */
  sent: string | null
  /** So many names were not met. */
  unseen: number
}

interface Sending {
  top: string
  budget: Budget
  linked: Map<number | string, Linked>
}

/** Sends all that stands under this replicated name now, as if it had just been made. */
export function sendContent(serving: Serving, path: string): void {
  const sending: Sending = { top: path, budget: newBudget(), linked: new Map() }
  sendTree(serving, path, sending)
  if (sending.budget.spent) serving.options.onNeedsMirror(`too much was moved from an excluded name to ${path}`)
  else if ([...sending.linked.values()].some(({ unseen }) => unseen > 0))
    serving.options.onNeedsMirror(`what was moved from an excluded name to ${path} has hard links that capture does not know`)
}

function sendTree(serving: Serving, path: string, sending: Sending): void {
  const { budget } = sending
  if (budget.spent || serving.nodes.isExcluded(path)) return
  budget.spent = --budget.entries < 0
  const stat = new Stat()
  stat.rootDevice = serving.stat.rootDevice
  if (stat.ofPath(serving.rootFd, libc.cString(path)) < 0) return
  const { folder, log } = serving
  const { mode, uid, gid } = stat
  const type = mode & S_IFMT
  if (type !== S_IFDIR && stat.links > 1 && isLinked(serving, path, stat, sending)) return
  if (type === S_IFDIR) {
    log.append({ folder, kind: 'mkdir', path, mode: mode & 0o7777, uid, gid })
    for (const name of entriesOf(serving, path)) sendTree(serving, `${path}/${name}`, sending)
  } else if (type === S_IFLNK) log.append({ folder, kind: 'symlink', path, target: linkTarget(serving, path), uid, gid })
  else if (type === S_IFREG) {
    log.append({ folder, kind: 'create', path, mode: mode & 0o7777, uid, gid })
    sendBytes(serving, path, stat.size, budget)
  } else log.append({ folder, kind: 'mknod', path, mode, rdev: stat.rdev, uid, gid })
  if (type !== S_IFLNK) sendXattrs(serving, path)
  log.append({ folder, kind: 'times', path, atimeNs: stat.atimeNs, mtimeNs: stat.mtimeNs })
}

/** True: the target has the file under another name, and this one is linked to it. A copy would not follow what is written through the other name. */
function isLinked(serving: Serving, path: string, stat: Stat, { top, linked }: Sending): boolean {
  const identity = stat.identity()
  const known = linked.get(identity.key) ?? knownOutside(serving, top, identity, stat.links)
  linked.set(identity.key, known)
  known.unseen--
  if (known.sent !== null) serving.log.append({ folder: serving.folder, kind: 'link', path: known.sent, newPath: path })
  else known.sent = path
  return known.sent !== path
}

/** By the names that it has elsewhere, as far as capture knows them. */
function knownOutside({ nodes }: Serving, top: string, identity: Identity, links: number): Linked {
  const paths = (nodes.known(identity)?.names ?? []).map(({ parent, name }) => nodes.childPath(parent, name))
  const outside = paths.filter((path) => path !== null && path !== top && !path.startsWith(`${top}/`))
  return { sent: outside.find((path) => path !== null && !nodes.isExcluded(path)) ?? null, unseen: links - outside.length }
}

function sendBytes(serving: Serving, path: string, size: number, budget: Budget): void {
  budget.bytes -= size
  budget.spent ||= budget.bytes < 0
  const fd = budget.spent ? -1 : libc.openat(serving.rootFd, libc.cString(path), O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
  if (fd < 0) return
  const data = Buffer.allocUnsafe(Math.min(IO_BYTES_MAX, Math.max(1, size)))
  for (let offset = 0; offset < size; ) {
    const bytes = libc.pread(fd, data, data.length, offset)
    if (bytes <= 0) break
    serving.log.append({ folder: serving.folder, kind: 'write', path, offset, data: data.subarray(0, bytes) })
    offset += bytes
  }
  libc.close(fd)
}

function sendXattrs(serving: Serving, path: string): void {
  const absolute = libc.cString(`/proc/self/fd/${serving.rootFd}/${path}`)
  const names = Buffer.alloc(XATTR_BYTES_MAX)
  const value = Buffer.alloc(XATTR_BYTES_MAX)
  const bytes = libc.llistxattr(absolute, names, names.length)
  for (const name of names.toString('latin1', 0, Math.max(0, bytes)).split('\0').filter(Boolean)) {
    const length = libc.lgetxattr(absolute, libc.cString(name), value, value.length)
    if (length >= 0) serving.log.append({ folder: serving.folder, kind: 'setxattr', path, name, value: value.subarray(0, length), flags: 0 })
  }
}

/**
 * Removes what the target has under `path`. The real thing (`node`) stands under `nowAt` now when it is a directory that was moved away;
 * what was excluded below the old name was never sent.
 */
export function forgetContent(serving: Serving, path: string, node: Node, nowAt: string): void {
  const { folder, log } = serving
  if (!node.isDirectory) {
    log.append({ folder, kind: 'unlink', path })
    return
  }
  const budget = newBudget()
  forgetTree(serving, path, nowAt, budget)
  if (budget.spent) serving.options.onNeedsMirror(`too much was moved from ${path} to an excluded name`)
}

function forgetTree(serving: Serving, path: string, nowAt: string, budget: Budget): void {
  budget.spent ||= --budget.entries < 0
  if (budget.spent) return
  for (const name of entriesOf(serving, nowAt)) {
    const below = `${path}/${name}`
    if (serving.nodes.isExcluded(below)) continue
    if (isDirectory(serving, `${nowAt}/${name}`)) forgetTree(serving, below, `${nowAt}/${name}`, budget)
    else serving.log.append({ folder: serving.folder, kind: 'unlink', path: below })
  }
  serving.log.append({ folder: serving.folder, kind: 'rmdir', path })
}

/** A renamed directory takes its tree along; does any pattern mean something else below the new name? The tree stands under `newPath` now. */
export function subtreeChangesExclusion(serving: Serving, oldPath: string, newPath: string): boolean {
  const budget = newBudget()
  return differs(serving, oldPath, newPath, budget) || budget.spent
}

function differs(serving: Serving, oldPath: string, newPath: string, budget: Budget): boolean {
  for (const name of entriesOf(serving, newPath)) {
    budget.spent ||= --budget.entries < 0
    if (budget.spent) return true
    const [before, now] = [`${oldPath}/${name}`, `${newPath}/${name}`]
    if (serving.nodes.isExcluded(before) !== serving.nodes.isExcluded(now)) return true
    if (isDirectory(serving, now) && differs(serving, before, now, budget)) return true
  }
  return false
}

function isDirectory(serving: Serving, path: string): boolean {
  return serving.statPath(path) >= 0 && (serving.stat.mode & S_IFMT) === S_IFDIR
}

function linkTarget(serving: Serving, path: string): string {
  const target = Buffer.alloc(LINK_BYTES_MAX)
  return target.toString('latin1', 0, Math.max(0, libc.readlinkat(serving.rootFd, libc.cString(path), target, target.length)))
}

function entriesOf(serving: Serving, path: string): string[] {
  const fd = libc.openat(serving.rootFd, libc.cString(path === '' ? '.' : path), O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0)
  if (fd < 0) return []
  const names: string[] = []
  const buffer = Buffer.allocUnsafe(DIRECTORY_BYTES)
  for (let end = libc.getdents64(fd, buffer, buffer.length); end > 0; end = libc.getdents64(fd, buffer, buffer.length)) {
    for (let at = 0; at < end; at += buffer.readUInt16LE(at + 16)) {
      const name = buffer.toString('latin1', at + 19, buffer.indexOf(0, at + 19))
      if (name !== '.' && name !== '..') names.push(name)
    }
  }
  libc.close(fd)
  return names
}
