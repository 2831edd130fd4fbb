import fs from 'node:fs'
import { type DirtyFolder, parentOf, standsBelow } from '../../../agent/mirrord/dirty/dirtySet'
import { below, DIRECTORY, SourceTree } from '../../../agent/mirrord/walk/sourceTree'
import { compareTrees } from '../../kit/compareTrees'

const FIELDS = ['only in', 'kind', 'mode', 'owner', 'mtime', 'xattrs', 'target', 'rdev', 'size', 'content']
const LINE = new RegExp(`^(.*): (${FIELDS.join('|')}) `, 's')
const BLOCK_BYTES = 64 << 10

/** Every difference of the two trees that the set does not name: none, or the map is wrong. */
export function outsideSet(one: string, other: string, set: DirtyFolder): { outside: string[]; differences: number } {
  const tops = new Set(set.subtrees)
  const names = new Set(set.names)
  const lines = compareTrees(one, other, { fields: ['sameFileAs'] }).map((line) => {
    const [, shown, field] = LINE.exec(line)!
    return { line, path: shown === '(the folder itself)' ? '' : shown!, field: field! }
  })
  const parentNamed = (path: string): boolean => path !== '' && names.has(parentOf(path)!)
  // A name that stands for nothing, or for something else, on one side: all below it is sent, or taken away, with it.
  const whole = new Set(lines.filter(({ path, field }) => (field === 'only in' || field === 'kind') && parentNamed(path)).map(({ path }) => path))
  const isNamed = ({ path, field }: { path: string; field: string }): boolean => {
    if (standsBelow(path, tops) || standsBelow(path, whole)) return true
    const ranges = set.files.get(path)
    if (field === 'content') return ranges !== undefined && differsOnlyIn(`${one}/${path}`, `${other}/${path}`, ranges)
    if (field === 'target' || field === 'rdev') return ranges !== undefined
    return ranges !== undefined || names.has(path) || parentNamed(path)
  }
  // A file with several names is compared under the one that was used, and repaired under all; one that is sent, or taken away, with what is above it is
  // searched for under its other names.
  const moved = inodesBelow(one, new Set([...tops, ...whole]))
  const named = new Set(lines.filter(isNamed).map(({ path, field }) => `${inodeOf(one, path)} ${field}`))
  const isElsewhere = ({ path, field }: { path: string; field: string }): boolean => {
    const inode = inodeOf(one, path)
    return inode !== 0n && (moved.has(inode) || named.has(`${inode} ${field}`))
  }
  const outside = lines.filter((each) => !isNamed(each) && !isElsewhere(each))
  return { outside: outside.map(({ line }) => line), differences: lines.length }
}

/** Of files with several names that have one below these. */
function inodesBelow(root: string, tops: ReadonlySet<string>): Set<bigint> {
  const tree = new SourceTree(root, () => false)
  const inodes = new Set<bigint>()
  const directories = ['']
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const { name, type } of tree.list(directory)) {
      const path = below(directory, name)
      const meta = tree.meta(path)
      if (type === DIRECTORY) directories.push(path)
      else if (meta !== null && meta.links > 1 && standsBelow(path, tops)) inodes.add(meta.inode)
    }
  }
  return inodes
}

/** 0: nothing stands there. */
function inodeOf(root: string, path: string): bigint {
  try {
    return fs.lstatSync(Buffer.from(`${root}/${path}`, 'latin1'), { bigint: true }).ino
  } catch {
    return 0n
  }
}

function differsOnlyIn(one: string, other: string, ranges: { from: number; to: number }[]): boolean {
  const [left, right] = [fs.readFileSync(Buffer.from(one, 'latin1')), fs.readFileSync(Buffer.from(other, 'latin1'))]
  for (let at = 0; at < Math.max(left.length, right.length); at += BLOCK_BYTES) {
    if (left.subarray(at, at + BLOCK_BYTES).equals(right.subarray(at, at + BLOCK_BYTES))) continue
    // Where one of them has ended, its size says so.
    const end = Math.min(at + BLOCK_BYTES, left.length, right.length)
    if (end > at && !left.subarray(at, end).equals(right.subarray(at, end)) && !ranges.some(({ from, to }) => at >= from && at < to)) return false
  }
  return true
}
