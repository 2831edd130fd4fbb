import fs from 'node:fs'
import type { ExtendedAttribute, ListedEntry } from '../../../src/wire/frameFields'
import * as libc from '../../native/libc'
import { ENXIO } from '../../native/libcErrors'
import { attributesAt } from './extendedAttributes'

const S_IFMT_SHIFT = 12
export const DIRECTORY = 4
export const FILE = 8
export const SYMLINK = 10

const SEEK_DATA = 3
const SEEK_HOLE = 4

export interface Meta {
  /** S_IFMT, shifted down by 12. */
  type: number
  inode: bigint
  mode: number
  uid: number
  gid: number
  size: number
  mtimeNs: bigint
  ctimeNs: bigint
  links: number
  rdev: number
}

const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE', 'ENXIO'])
export const isGone = (error: unknown): boolean => GONE.has((error as NodeJS.ErrnoException).code)

/** The source's folder, read below the capture. Paths are byte strings; the folder itself is ''. */
export class SourceTree {
  constructor(
    private readonly root: string,
    readonly excluded: (path: string) => boolean
  ) {}

  private at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.root}/`), Buffer.from(path === '' ? '.' : path, 'latin1')])
  }

  /** null: nothing has this name. */
  meta(path: string): Meta | null {
    try {
      const stat = fs.lstatSync(this.at(path), { bigint: true })
      const mode = Number(stat.mode)
      return {
        type: mode >> S_IFMT_SHIFT,
        inode: stat.ino,
        mode,
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        size: Number(stat.size),
        mtimeNs: stat.mtimeNs,
        ctimeNs: stat.ctimeNs,
        links: Number(stat.nlink),
        rdev: Number(stat.rdev)
      }
    } catch (error) {
      if (isGone(error)) return null
      throw error
    }
  }

  /** In the order of their bytes, without what is excluded. */
  list(path: string): ListedEntry[] {
    const entries = fs.readdirSync(this.at(path), { withFileTypes: true, encoding: 'buffer' })
    return entries
      .map((entry) => ({ name: entry.name.toString('latin1'), type: this.typeOf(path, entry) }))
      .filter(({ name }) => !this.excluded(below(path, name)))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  private typeOf(path: string, entry: fs.Dirent<Buffer<ArrayBuffer>>): number {
    if (entry.isFile()) return FILE
    if (entry.isDirectory()) return DIRECTORY
    if (entry.isSymbolicLink()) return SYMLINK
    return this.meta(below(path, entry.name.toString('latin1')))?.type ?? FILE
  }

  linkTarget(path: string): string {
    return fs.readlinkSync(this.at(path), { encoding: 'buffer' }).toString('latin1')
  }

  attributes(path: string): ExtendedAttribute[] {
    return attributesAt(Buffer.concat([this.at(path), Buffer.from([0])]))
  }

  open(path: string): number {
    return fs.openSync(this.at(path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  }
}

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const below = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`)

/** The next stretch of data at or after `from`; null: only a hole is left. Where the disk cannot say so it throws: what cannot be read is no hole. */
export function nextData(file: number, from: number): { begin: number; end: number } | null {
  const begin = libc.lseek(file, from, SEEK_DATA)
  if (begin === -ENXIO) return null
  if (begin < 0) throw new Error(`the file system cannot say where the data of a file begins (error ${-begin})`)
  const end = libc.lseek(file, begin, SEEK_HOLE)
  return { begin, end: end < 0 ? Number.MAX_SAFE_INTEGER : end }
}

/** Reads as much as there is, at most the buffer. */
export function readAt(file: number, buffer: Buffer, offset: number, length: number): number {
  let done = 0
  while (done < length) {
    const bytes = fs.readSync(file, buffer, done, length - done, offset + done)
    if (bytes === 0) break
    done += bytes
  }
  return done
}

/** How much there is to send, for the percentage: an estimate, because it changes while we look. */
export function totalBytes(tree: SourceTree, stop: () => boolean, from = ''): number {
  let sum = 0
  for (const path of filesBelow(tree, () => !stop(), from)) sum += fileCost(tree.meta(path)?.size ?? 0)
  return sum
}

/** The paths of all that is no directory, in no order; `goOn` is asked before each directory is read. One that goes away meanwhile has nothing in it. */
export function* filesBelow(tree: SourceTree, goOn: () => boolean, from = ''): Iterable<string> {
  const directories = [from]
  for (let path = directories.pop(); path !== undefined && goOn(); path = directories.pop()) {
    for (const { name, type } of listOrNothing(tree, path)) {
      const child = below(path, name)
      if (type === DIRECTORY) directories.push(child)
      else yield child
    }
  }
}

/** A small file costs more than its bytes. */
const FILE_COST_BYTES = 4_096
export const fileCost = (size: number): number => size + FILE_COST_BYTES

function listOrNothing(tree: SourceTree, path: string): ListedEntry[] {
  try {
    return tree.list(path)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}
