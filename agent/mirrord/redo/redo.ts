import { getSystemErrorName } from 'node:util'
import { dataError } from '../../../src/wire/frame'
import type { CheckStep, Difference, FrameBody, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import * as libc from '../../native/libc'
import { EEXIST, EINVAL, EIO, EISDIR, ELOOP, ENODATA, ENOENT, ENOTDIR, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, EXDEV } from '../../native/libcErrors'
import { FolderMarks, changesNames, isDone, isOfNew } from './folderMarks'
import { DONE_OTHERWISE, applyOperation, shiftsRanges } from './redoOperation'
import { RedoCheck } from './redoCheck'
import { applyWalkStep } from './redoWalk'
import type { RedoFolder } from './targetFolder'

/** What a target that is not whole yet may answer: the walk brings these paths later. No space or a bad disk is never among them. */
const TOLERATED: ReadonlySet<number> = new Set([ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, ENXIO, EINVAL, ENODATA, EXDEV])

export interface RedoHooks {
  /** A comparison has found this. */
  differs(difference: Difference): void
  /** All up to the change at hand (before it, or with it) is on the disk, and said to be, when this returns. */
  makeHard(withIt: boolean): void
}

const NO_HOOKS: RedoHooks = { differs: () => undefined, makeHard: () => undefined }

/**
 * Repeats the source's changes below the folders, in order. Strict: a change that fails means that the copies differ, so
 * it is a fault. Tolerant, while a full mirror runs: the target may not have the file yet, and the walk will bring it.
 */
export class Redo {
  /** A full mirror runs, or capture only watches. */
  tolerant = false
  private readonly check: RedoCheck
  /** A comparison finds what is missing here, so a change that fails for it is no fault meanwhile. */
  private comparing = false
  private readonly privileged = process.getuid?.() === 0
  /** By folder; null: nobody will ever replay what is done here. */
  private marks: FolderMarks[] | null = null

  constructor(
    private readonly job: string,
    readonly folders: RedoFolder[],
    readonly hooks: RedoHooks = NO_HOOKS
  ) {
    this.check = new RedoCheck((difference) => this.hooks.differs(difference))
    for (const { tree } of folders) tree.linked.makeHard = () => this.hooks.makeHard(false)
  }

  /** From now on each change of names is marked on its folder first, for a replay after a crash. */
  markFor(marks: FolderMarks[]): void {
    this.marks = marks
  }

  private get patient(): boolean {
    return this.tolerant || this.comparing
  }

  close(): void {
    for (const { tree } of this.folders) tree.close()
  }

  /** Everything redo has changed is on the disk. */
  sync(): void {
    for (const { tree } of this.folders) {
      const answer = libc.syncfs(tree.root)
      if (answer < 0) throw this.fault('sync', '', answer)
    }
  }

  /** As sync, but the thread goes on meanwhile. The system says once only that something could not be written. */
  async syncInBackground(): Promise<void> {
    for (const { tree } of this.folders) if ((await libc.syncfsAsync(tree.root)) < 0) throw this.fault('sync', '', -EIO)
  }

  /** `position`: of the change in the redo log. */
  apply(body: Operation | WalkStep, position = 0): void {
    const folder = this.folders[body.folder]
    if (folder === undefined)
      throw dataError('E_REDO', { job: this.job, kind: body.kind, path: pathIn(body), why: `folder ${body.folder} is not configured here` })
    // It takes the place of a comparison that has not come to its end.
    if (body.kind === 'walkBegin') this.comparing = false
    const marks = this.marks?.[body.folder]
    const answer = marks !== undefined && changesNames(body) ? this.marked(folder, marks, body, position) : this.attempt(folder, body, this.patient)
    const forgiven = answer < 0 && this.forgiven(body, -answer)
    if (answer < 0 && !forgiven) throw this.fault(body.kind, pathIn(body), answer)
    if (forgiven && body.kind === 'walkLink') this.check.tellUnlinked(folder.tree, body)
    if (forgiven || (answer === DONE_OTHERWISE && body.kind === 'rename')) marks?.wasUndone(body, position)
  }

  /** A change of names, which a crash may leave done, not done, or half done. */
  private marked(folder: RedoFolder, marks: FolderMarks, body: Operation | WalkStep, position: number): number {
    const { tree } = folder
    const again = marks.last?.position === position ? marks.last : null
    const shifts = shiftsRanges(body)
    if (again === null) {
      if (shifts) this.hooks.makeHard(false)
      const answer = marks.mark(tree, body, position, () => this.hooks.makeHard(false))
      if (answer < 0) return answer
    }
    // What was begun is begun again: half of something new is removed first.
    const tolerant = this.patient || (again !== null && isOfNew(body) && again.inode === 0)
    const result = again !== null && isDone(tree, body, again) ? 0 : this.attempt(folder, body, tolerant)
    if (shifts && result >= 0) this.hooks.makeHard(true)
    return result
  }

  private attempt(folder: RedoFolder, body: Operation | WalkStep, tolerant: boolean): number {
    if (body.kind.startsWith('check')) return this.compare(folder, body as CheckStep)
    return body.kind.startsWith('walk') ? applyWalkStep(folder, body as WalkStep) : applyOperation(folder.tree, body as Operation, tolerant)
  }

  private compare(folder: RedoFolder, step: CheckStep): number {
    const { tree } = folder
    if (step.kind === 'checkBegin' || step.kind === 'checkEnd') this.comparing = step.kind === 'checkBegin'
    // What a stranger has replaced below us must be opened anew.
    if (step.kind === 'checkBegin') for (const each of this.folders) each.tree.forget()
    const place = step.kind === 'checkEntry' || step.kind === 'checkAttributes' ? tree.place(step.path) : 0
    if (typeof place !== 'number') tree.touched(place)
    return this.check.apply(folder, step)
  }

  private forgiven(body: FrameBody, error: number): boolean {
    if (this.patient && TOLERATED.has(error)) return true
    // Owners need root, and not every file system has extended attributes: what cannot be kept does not stop replication.
    if (error === EPERM && !this.privileged)
      return ['chown', 'setxattr', 'removexattr', 'create', 'mkdir', 'mknod', 'walkFile', 'walkDirectory', 'walkSymlink', 'walkNode'].includes(body.kind)
    return error === EOPNOTSUPP && (body.kind === 'setxattr' || body.kind === 'removexattr')
  }

  fault(kind: string, path: string, answer: number): Error {
    return dataError('E_REDO', { job: this.job, kind, path: Buffer.from(path, 'latin1').toString(), why: getSystemErrorName(answer) })
  }
}

export const pathIn = (body: FrameBody): string => ('path' in body ? body.path : '')
