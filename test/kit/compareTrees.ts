import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { MARKER } from '../../agent/mirrord/redo/marker'
import * as libc from '../../agent/native/libc'

/** What of one entry must be equal on both sides. Names are byte strings (latin1). */
type Entry = Record<string, string>

const XATTR_BYTES_MAX = 64 << 10
const READ_BYTES = 1 << 20
const KINDS: [number, string][] = [
  [0o040000, 'directory'],
  [0o100000, 'file'],
  [0o120000, 'symbolic link'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'character device'],
  [0o060000, 'block device']
]

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const below = (root: string, name: string): Buffer => Buffer.concat([Buffer.from(root), bytesOf(name === '' ? '' : `/${name}`)])

function* namesBelow(root: string, directory = ''): Generator<string> {
  yield directory
  for (const entry of fs.readdirSync(below(root, directory), { withFileTypes: true, encoding: 'buffer' })) {
    const name = path.posix.join(directory, entry.name.toString('latin1'))
    if (entry.isDirectory()) yield* namesBelow(root, name)
    else yield name
  }
}

function contentOf(file: Buffer): string {
  const hash = createHash('sha1')
  const data = Buffer.allocUnsafe(READ_BYTES)
  const fd = fs.openSync(file, 'r')
  try {
    for (let bytes = fs.readSync(fd, data); bytes > 0; bytes = fs.readSync(fd, data)) hash.update(data.subarray(0, bytes))
  } finally {
    fs.closeSync(fd)
  }
  return hash.digest('hex')
}

function xattrsOf(file: Buffer): string {
  const name = Buffer.concat([file, Buffer.of(0)])
  const list = Buffer.alloc(XATTR_BYTES_MAX)
  const bytes = Math.max(0, libc.llistxattr(name, list, list.length))
  // Redo's own mark on a live target's folder is no part of the copy.
  const names = list
    .toString('latin1', 0, bytes)
    .split('\0')
    .filter((each) => each !== '' && each !== MARKER)
    .sort()
  return names.map((each) => `${each}=${xattrValue(name, each)}`).join(' ')
}

function xattrValue(file: Buffer, xattr: string): string {
  const value = Buffer.alloc(XATTR_BYTES_MAX)
  return value.toString('hex', 0, Math.max(0, libc.lgetxattr(file, libc.cString(xattr), value, value.length)))
}

function entryOf(root: string, name: string, firstNames: Map<bigint, string>): Entry {
  const file = below(root, name)
  const stat = fs.lstatSync(file, { bigint: true })
  const type = Number(stat.mode) & 0o170000
  const entry: Entry = {
    kind: KINDS.find(([bits]) => bits === type)?.[1] ?? 'unknown',
    mode: (Number(stat.mode) & 0o7777).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    mtime: String(stat.mtimeNs),
    xattrs: xattrsOf(file)
  }
  if (type === 0o120000) entry.target = fs.readlinkSync(file, { encoding: 'buffer' }).toString('latin1')
  if (type === 0o020000 || type === 0o060000) entry.rdev = String(stat.rdev)
  if (type === 0o100000) {
    entry.size = String(stat.size)
    entry.content = contentOf(file)
  }
  if (type !== 0o040000) {
    // Hard links: which other name of this tree is the same file.
    if (!firstNames.has(stat.ino)) firstNames.set(stat.ino, name)
    entry.sameFileAs = firstNames.get(stat.ino)!
  }
  return entry
}

function readTree(root: string): Map<string, Entry> {
  const firstNames = new Map<bigint, string>()
  const names = [...namesBelow(root)].sort()
  return new Map(names.map((name) => [name, entryOf(root, name, firstNames)]))
}

/**
 * Compares names, kinds, contents, modes, owners, modification times (ns), link targets, hard links, device numbers and extended attributes.
 * Answers one readable line for each difference; empty: the trees are equal. `ignore`: fields, or whole names by a function.
 */
export function compareTrees(one: string, other: string, ignore: { fields?: string[]; names?: (name: string) => boolean } = {}): string[] {
  const left = readTree(one)
  const right = readTree(other)
  const differences: string[] = []
  for (const name of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    if (ignore.names?.(name)) continue
    differences.push(...compareEntries(name === '' ? '(the folder itself)' : name, left.get(name), right.get(name), ignore.fields ?? []))
  }
  return differences
}

function compareEntries(name: string, left: Entry | undefined, right: Entry | undefined, ignored: string[]): string[] {
  if (left === undefined) return [`${name}: only in the second tree (${right?.kind})`]
  if (right === undefined) return [`${name}: only in the first tree (${left.kind})`]
  const fields = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((field) => !ignored.includes(field))
  return fields.filter((field) => left[field] !== right[field]).map((field) => `${name}: ${field} ${left[field]} <> ${right[field]}`)
}
