import fs from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import * as libc from '../../native/libc'
import { O_CLOEXEC, O_DIRECTORY, S_IFDIR, S_IFMT } from '../capture/protocol'
import { Stat } from '../capture/stat'
import { type DirtyFolder, joinFolders, WHOLE } from './dirtySet'
import { EXTENT_BYTES, TO_END } from './extents'
import { Mark, type MarkRecord } from './markRecord'

/** Directories are looked at in pieces of so many entries; others get their turn in between. */
const ENTRIES_AT_ONCE = 512

interface NamesMark {
  since: number
  allFiles: boolean
}

/**
 * Marks say "what was born in this directory since then": only the side that made them can tell what that is. Here it becomes a set that stands on its own.
 * `root` reaches the real files of the folder.
 */
export async function resolveMarks(records: MarkRecord[], root: string): Promise<DirtyFolder> {
  const directories = new Map<string, NamesMark>()
  const set: DirtyFolder = { names: [], files: new Map(), subtrees: [] }
  for (const record of records) {
    if (record.kind === Mark.NAMES) addNames(directories, record)
    if (record.kind === Mark.SUBTREE) set.subtrees.push(record.path)
    if (record.kind === Mark.FILE) addFile(set, record)
  }
  set.names = [...directories.keys()]
  const rootFd = libc.open(libc.cString(libc.toByteString(root)), O_DIRECTORY | O_CLOEXEC, 0)
  if (rootFd < 0) throw new Error(`${root} cannot be opened (error ${-rootFd})`)
  try {
    for (const [directory, mark] of directories) await addYoung(set, root, rootFd, directory, mark)
  } finally {
    libc.close(rootFd)
  }
  return joinFolders([set])
}

function addNames(directories: Map<string, NamesMark>, { path, since, allFiles }: NamesMark & { path: string }): void {
  const known = directories.get(path)
  directories.set(path, known === undefined ? { since, allFiles } : { since: Math.min(since, known.since), allFiles: allFiles || known.allFiles })
}

function addFile(set: DirtyFolder, { path, runs }: { path: string; runs: [number, number][] }): void {
  const ranges = runs.map(([from, to]) => ({ from: from * EXTENT_BYTES, to: to === TO_END ? WHOLE.to : (to + 1) * EXTENT_BYTES }))
  set.files.set(path, [...(set.files.get(path) ?? []), ...ranges])
}

/** Whatever was born in the directory since it was marked. A directory that is gone has no names. */
async function addYoung(set: DirtyFolder, root: string, rootFd: number, directory: string, mark: NamesMark): Promise<void> {
  const stat = new Stat()
  let left = ENTRIES_AT_ONCE
  for await (const name of entriesOf(Buffer.concat([Buffer.from(root), Buffer.from(`/${directory}`, 'latin1')]))) {
    if (--left <= 0) {
      left = ENTRIES_AT_ONCE
      await breathe()
    }
    const path = directory === '' ? name : `${directory}/${name}`
    if (stat.ofPath(rootFd, libc.cString(path)) < 0) continue
    const isDirectory = (stat.mode & S_IFMT) === S_IFDIR
    const isYoung = stat.identity().birth >= mark.since
    if (isDirectory && isYoung) set.subtrees.push(path)
    if (!isDirectory && (isYoung || mark.allFiles)) set.files.set(path, [WHOLE])
  }
}

async function* entriesOf(directory: Buffer): AsyncIterable<string> {
  try {
    // The encoding of names is bytes; @types/node does not know all that opendir takes.
    const entries = await fs.promises.opendir(directory as unknown as string, { encoding: 'latin1' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE })
    for await (const entry of entries) yield entry.name
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
  }
}
