import type { Frame, FrameBody, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import * as libc from '../../native/libc'
import { EISDIR, ELOOP, ENODATA, ENOENT, ENOTDIR, ENXIO, EOPNOTSUPP, EPERM } from '../../native/libcErrors'
import type { LogEntry } from '../redolog/logReader'
import { changesNames, isDone, isOfNew } from './folderMarks'
import { setOwner, timeSpecs, writeAll } from './making'
import type { Marker } from './marker'
import { applyOperation, shiftsRanges } from './redoOperation'
import { RedoCheck } from './redoCheck'
import { clearAttributes } from './redoWalk'
import { S_IFDIR, type RedoFolder } from './targetFolder'
import { VirtualNames, type VirtualNode } from './virtualNames'

/*
 * After a crash the folder is somewhere between the checkpoint and the end of the log: all changes of names before the marker are done,
 * but of the data that was written any part may be missing. Repeating everything would be wrong: after `write a; rename a→b; create a;
 * write a` the first write belongs to b. So the names are gone through in memory, and each change of data goes to where its file is now.
 */

/** What becomes of changes that find nothing: `lost` tells that something is missing which should be there. */
export interface Replayed {
  changes: number
  lost: string | null
}

/** What is on the disk now may have been changed by what comes later, and is replaced by it again. */
const GONE: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, EISDIR, ELOOP, ENXIO])
const FORGIVEN: ReadonlySet<number> = new Set([...GONE, ENODATA, EOPNOTSUPP])
const DATA: ReadonlySet<FrameBody['kind']> = new Set([
  'write',
  'truncate',
  'fallocate',
  'chmod',
  'chown',
  'times',
  'setxattr',
  'removexattr',
  'walkFile',
  'walkDirectory',
  'checkEntry',
  'checkAttributes'
])
const changesData = (body: FrameBody): boolean => DATA.has(body.kind) && !shiftsRanges(body)

/**
 * Replays what lies before the marked change. `read` goes through the log from the checkpoint up to the marker, twice.
 * `strict`: the copy was whole at this point of the log.
 */
export function replay(
  { tree, excluded }: RedoFolder,
  folder: number,
  read: () => Iterable<LogEntry>,
  marker: Marker,
  strict: (position: number) => boolean
): Replayed {
  const names = new VirtualNames()
  const nodes: VirtualNode[] = []
  const undone = new Set(marker.undone)
  for (const entry of read()) {
    if (entry.kind !== 'frame' || entry.frame.body.folder !== folder) continue
    const { body } = entry.frame
    if (entry.position < marker.position) {
      names.apply(body, undone.has(entry.position), excluded)
      if (changesData(body)) nodes.push(names.node((body as { path: string }).path))
    } else if (entry.position === marker.position) {
      if (willBeDone({ tree, excluded }, body, marker, strict(entry.position))) names.apply(body, false, excluded)
    }
  }
  const paths = new Map<VirtualNode, string[]>()
  const pathsOf = (node: VirtualNode): string[] => paths.get(node) ?? paths.set(node, names.pathsOf(node)).get(node)!
  const replayed: Replayed = { changes: 0, lost: null }
  let index = 0
  for (const { kind, position, ...entry } of read()) {
    if (kind !== 'frame' || position >= marker.position) continue
    const { body } = (entry as { frame: Frame }).frame
    if (body.folder !== folder || !changesData(body)) continue
    const answer = toWhereItIs(tree, pathsOf(nodes[index++]!), body as Operation | WalkStep)
    if (answer < 0 && !FORGIVEN.has(-answer) && answer !== -EPERM) throw new ReplayError(body, answer)
    if (GONE.has(-answer) && strict(position) && replayed.lost === null) replayed.lost = `${body.kind} of "${(body as { path: string }).path}"`
    replayed.changes++
  }
  return replayed
}

/** The disk refused: that may be over at the next try. */
export class ReplayError extends Error {
  constructor(
    readonly body: FrameBody,
    readonly answer: number
  ) {
    super(`error ${-answer}`)
  }
}

/** Will the marked change have been done, once redo goes on from it? What it takes away need not be repaired before. */
function willBeDone({ tree }: RedoFolder, body: FrameBody, marker: Marker, strict: boolean): boolean {
  if (!changesNames(body) || shiftsRanges(body)) return false
  if (body.kind === 'rename') return isDone(tree, body, marker)
  if (body.kind === 'link' || body.kind === 'walkLink') return tree.typeOf(body.path) >= 0 && (!strict || marker.inode === 0)
  return !strict || !isOfNew(body) || marker.inode === 0
}

/** A file with several names may have lost one of them in a way that only the disk knows. */
function toWhereItIs(tree: RedoFolder['tree'], paths: string[], body: Operation | WalkStep): number {
  let answer = 0
  for (const path of paths) {
    answer = repeat(tree, { ...body, path } as Operation | WalkStep)
    if (!GONE.has(-answer)) return answer
  }
  return answer
}

/** What it found was said when it was found first. */
const comparison = new RedoCheck(() => undefined)

function repeat(tree: RedoFolder['tree'], body: Operation | WalkStep): number {
  switch (body.kind) {
    case 'walkFile':
      return repeatFile(tree, body)
    case 'walkDirectory':
      return repeatDirectory(tree, body)
    case 'checkEntry':
    case 'checkAttributes':
      return comparison.apply({ tree, excluded: () => false }, body)
    default:
      return applyOperation(tree, body as Operation, false)
  }
}

/** Its name and its owner came before the marker. */
function repeatFile(tree: RedoFolder['tree'], { path, data, size, mtimeNs }: WalkStep & { kind: 'walkFile' }): number {
  const file = tree.file(path)
  if (file < 0) return file
  const written = writeAll(file, data, 0)
  const sized = written < 0 ? written : libc.ftruncate(file, size)
  return sized < 0 ? sized : libc.futimens(file, timeSpecs(null, mtimeNs))
}

function repeatDirectory(tree: RedoFolder['tree'], step: WalkStep & { kind: 'walkDirectory' }): number {
  const place = tree.place(step.path)
  if (typeof place === 'number') return place
  const type = tree.typeOf(step.path)
  if (type !== S_IFDIR) return type < 0 ? type : -ENOTDIR
  const cleared = clearAttributes(tree.procPath(place))
  const answer = setOwner(place.directory, place.name, step, true)
  return answer < 0 ? answer : cleared
}
