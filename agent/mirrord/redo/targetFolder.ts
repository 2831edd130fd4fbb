import * as libc from '../../native/libc'
import { EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, ENXIO, EPERM } from '../../native/libcErrors'
import fs from 'node:fs'
import { LinkedFiles } from './linkedFiles'

const { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = { ...fs.constants, O_CLOEXEC: 0o2000000 }
const O_PATH = 0o10000000
/** More than two paths of the greatest depth can have (4095 bytes, at least two a component): an open of one never closes the other. */
const DIRECTORIES_MAX = 4_200
const FILES_MAX = 256
const HERE = libc.cString('.')

/** A place in the folder: a directory that was reached without following a symbolic link, and a name in it. */
export interface Place {
  directory: number
  /** NUL-terminated. */
  name: Buffer
}

/** Least recently used descriptors, closed as they leave. */
class Descriptors {
  private readonly open = new Map<string, number>()
  constructor(private readonly most: number) {}

  get(path: string): number | undefined {
    const found = this.open.get(path)
    if (found === undefined) return undefined
    this.open.delete(path)
    this.open.set(path, found)
    return found
  }

  put(path: string, descriptor: number): void {
    this.drop(path)
    this.open.set(path, descriptor)
    if (this.open.size > this.most) this.drop(this.open.keys().next().value!)
  }

  drop(path: string): void {
    const descriptor = this.open.get(path)
    if (descriptor === undefined) return
    this.open.delete(path)
    libc.close(descriptor)
  }

  under(path: string): boolean {
    return this.open.has(path) || this.below(path)
  }

  below(path: string): boolean {
    const prefix = `${path}/`
    for (const key of this.open.keys()) if (key.startsWith(prefix)) return true
    return false
  }

  clear(): void {
    for (const descriptor of this.open.values()) libc.close(descriptor)
    this.open.clear()
  }
}

/**
 * The folder as redo sees it. Every component of a path is opened from its parent with O_NOFOLLOW, so that no symbolic
 * link, whoever made it, leads a change out of the folder. Answers are descriptors or negative error numbers.
 */
export class TargetFolder {
  private readonly directories = new Descriptors(DIRECTORIES_MAX)
  private readonly files = new Descriptors(FILES_MAX)
  readonly linked = new LinkedFiles()

  private constructor(readonly root: number) {}

  /** Negative: the error number. */
  static open(path: string): TargetFolder | number {
    const root = libc.open(Buffer.from(`${path}\0`), O_DIRECTORY | O_CLOEXEC, 0)
    return root < 0 ? root : new TargetFolder(root)
  }

  close(): void {
    this.forget()
    libc.close(this.root)
  }

  /** A directory was moved or removed: what is cached may lie under another name now. */
  forget(): void {
    this.directories.clear()
    this.files.clear()
  }

  forgetFile(path: string): void {
    this.files.drop(path)
  }

  /** After a rename: a directory takes all that is cached below it along; a file is dropped at both names. */
  forgetMoved(path: string, newPath: string): void {
    if (this.knowsDirectory(path) || this.knowsDirectory(newPath)) return this.forget()
    this.files.drop(path)
    this.files.drop(newPath)
  }

  /** Anything cached at or below the path? */
  private knowsDirectory(path: string): boolean {
    return this.directories.under(path) || this.files.below(path)
  }

  directory(path: string): number {
    if (path === '') return this.root
    const cached = this.directories.get(path)
    if (cached !== undefined) return cached
    const place = this.place(path)
    if (typeof place === 'number') return place
    const descriptor = libc.openat(place.directory, place.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
    if (descriptor >= 0) this.directories.put(path, descriptor)
    return descriptor
  }

  place(path: string): Place | number {
    if (path === '') return { directory: this.root, name: HERE }
    const slash = path.lastIndexOf('/')
    const directory = this.directory(slash < 0 ? '' : path.slice(0, slash))
    return directory < 0 ? directory : { directory, name: libc.cString(path.slice(slash + 1)) }
  }

  /** A regular file, open for reading and writing; kept open for the next change of it. */
  file(path: string): number {
    const cached = this.files.get(path)
    if (cached !== undefined) {
      this.linked.changedAgain(cached)
      return cached
    }
    const place = this.place(path)
    if (typeof place === 'number') return place
    const type = typeAt(place)
    const linked = linkedInode()
    // A device or a fifo that stands here from before must not even be opened.
    if (type !== S_IFREG) return type < 0 ? type : type === S_IFDIR ? -EISDIR : -ENXIO
    const descriptor = libc.openat(place.directory, place.name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
    if (descriptor < 0) return descriptor
    this.files.put(path, descriptor)
    this.linked.opened(descriptor, linked)
    return descriptor
  }

  /** The attributes of what has this name are changed now. */
  touched(place: Place): void {
    if (typeAt(place) >= 0) this.linked.changed(linkedInode())
  }

  /** What has this name loses it now, by an unlink or because something else gets the name. */
  losesName(place: Place): void {
    if (this.linked.any() && typeAt(place) >= 0) this.linked.losesName(linkedInode())
  }

  unlink(place: Place): number {
    this.losesName(place)
    return libc.unlinkat(place.directory, place.name, 0)
  }

  /** 0: nothing has this name. */
  inodeOf(path: string): number {
    const place = this.place(path)
    return typeof place === 'number' || typeAt(place) < 0 ? 0 : inode()
  }

  /** A new file, with one name. */
  keepFile(path: string, descriptor: number): void {
    this.linked.opened(descriptor, 0)
    this.files.put(path, descriptor)
  }

  /** As bytes of a path for the calls that know no directory descriptor. The last component is never followed by l…xattr. */
  procPath(place: Place): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${place.directory}/`), place.name])
  }

  isSymlink(place: Place): boolean {
    return place.name !== HERE && libc.readlinkat(place.directory, place.name, SCRATCH, SCRATCH.length) >= 0
  }

  /** The bits of S_IFMT, or a negative error number. */
  typeOf(path: string): number {
    const place = this.place(path)
    return typeof place === 'number' ? place : typeAt(place)
  }

  /** Removes whatever has this name, with all below it. */
  remove(path: string): number {
    const place = this.place(path)
    if (typeof place === 'number') return place
    this.files.drop(path)
    const answer = this.unlink(place)
    if (answer !== -EISDIR && answer !== -EPERM) return answer
    this.forget()
    const again = this.place(path)
    return typeof again === 'number' ? again : this.removeTree(again)
  }

  /** Depth first, from descriptor to descriptor, never through a symbolic link. */
  private removeTree(place: Place): number {
    const empty = libc.unlinkat(place.directory, place.name, libc.AT_REMOVEDIR)
    if (empty !== -ENOTEMPTY) return empty === -ENOTDIR ? this.unlink(place) : empty
    const directory = libc.openat(place.directory, place.name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
    if (directory < 0) return directory
    try {
      for (const name of namesIn(directory)) {
        const child = { directory, name: libc.cString(name) }
        const answer = this.unlink(child)
        const removed = answer === -EISDIR || answer === -EPERM ? this.removeTree(child) : answer
        if (removed < 0 && removed !== -ENOENT) return removed
      }
    } finally {
      libc.close(directory)
    }
    return libc.unlinkat(place.directory, place.name, libc.AT_REMOVEDIR)
  }
}

const SCRATCH = Buffer.alloc(1)
/** Type, number of names, inode. */
const STATX_WANTED = 1 | 4 | 0x100
const STATX_LINKS_AT = 16
const STATX_MODE_AT = 28
const STATX_INODE_AT = 32
const S_IFMT = 0o170000
export const S_IFREG = 0o100000
export const S_IFDIR = 0o040000
export const S_IFLNK = 0o120000
const statBytes = Buffer.alloc(libc.STATX_BYTES)

function typeAt({ directory, name }: Place): number {
  const answer = libc.statx(directory, name, libc.AT_SYMLINK_NOFOLLOW, STATX_WANTED, statBytes)
  return answer < 0 ? answer : statBytes.readUInt16LE(STATX_MODE_AT) & S_IFMT
}

/** Of what `typeAt` looked at last. */
const inode = (): number => Number(statBytes.readBigUInt64LE(STATX_INODE_AT))
/** The same, when it has other names; else 0. */
const linkedInode = (): number => {
  const isDirectory = (statBytes.readUInt16LE(STATX_MODE_AT) & S_IFMT) === S_IFDIR
  return !isDirectory && statBytes.readUInt32LE(STATX_LINKS_AT) > 1 ? inode() : 0
}

/** Names as byte strings, without '.' and '..'. */
export function namesIn(directory: number): string[] {
  return fs.readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
}

export type Excluded = (path: string) => boolean

export interface RedoFolder {
  tree: TargetFolder
  excluded: Excluded
}
