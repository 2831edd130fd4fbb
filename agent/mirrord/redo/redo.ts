import { getSystemErrorName } from 'node:util'
import { dataError } from '../../../src/wire/frame'
import type { CheckStep, FrameBody, WalkStep } from '../../../src/wire/frameFields'
import type { Operation } from '../../../src/wire/operation'
import * as libc from '../../native/libc'
import { EEXIST, EINVAL, EISDIR, ELOOP, ENODATA, ENOENT, ENOTDIR, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, EXDEV } from '../../native/libcErrors'
import type { Differs } from './differs'
import { RedoCheck } from './redoCheck'
import { applyOperation } from './redoOperation'
import { applyWalkStep } from './redoWalk'
import type { RedoFolder } from './targetFolder'

/** What a target that is not whole yet may answer: the walk brings these paths later. No space or a bad disk is never among them. */
const TOLERATED: ReadonlySet<number> = new Set([ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, ENXIO, EINVAL, ENODATA, EXDEV])

/**
 * Repeats the source's changes below the folders, in order. Strict: a change that fails means that the copies differ, so
 * it is a fault. Tolerant, while a full mirror runs: the target may not have the file yet, and the walk will bring it.
 */
export class Redo {
  /** A full mirror runs, or capture only watches. */
  tolerant = false
  private readonly check: RedoCheck
  private readonly privileged = process.getuid?.() === 0

  constructor(
    private readonly job: string,
    private readonly folders: RedoFolder[],
    differs: Differs = () => undefined
  ) {
    this.check = new RedoCheck(differs)
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

  /** As sync, but the thread goes on meanwhile. */
  async syncInBackground(): Promise<void> {
    for (const { tree } of this.folders) if ((await libc.syncfsAsync(tree.root)) < 0) this.sync()
  }

  apply(body: Operation | WalkStep): void {
    const folder = this.folders[body.folder]
    if (folder === undefined)
      throw dataError('E_REDO', { job: this.job, kind: body.kind, path: 'path' in body ? body.path : '', why: `folder ${body.folder} is not configured here` })
    // What a stranger has replaced below us must be opened anew.
    if (body.kind === 'checkBegin') for (const { tree } of this.folders) tree.forget()
    const answer = body.kind.startsWith('check')
      ? this.check.apply(folder, body as CheckStep)
      : body.kind.startsWith('walk')
        ? applyWalkStep(folder, body as WalkStep)
        : applyOperation(folder.tree, body as Operation, this.tolerant)
    if (answer >= 0 || this.forgiven(body, -answer)) return
    throw this.fault(body.kind, 'path' in body ? body.path : '', answer)
  }

  private forgiven(body: FrameBody, error: number): boolean {
    if (this.tolerant && TOLERATED.has(error)) return true
    // Owners need root, and not every file system has extended attributes: what cannot be kept does not stop replication.
    if (error === EPERM && !this.privileged)
      return ['chown', 'setxattr', 'removexattr', 'create', 'mkdir', 'mknod', 'walkFile', 'walkDirectory', 'walkSymlink', 'walkNode'].includes(body.kind)
    return error === EOPNOTSUPP && (body.kind === 'setxattr' || body.kind === 'removexattr')
  }

  private fault(kind: string, path: string, answer: number): Error {
    return dataError('E_REDO', { job: this.job, kind, path: Buffer.from(path, 'latin1').toString(), why: getSystemErrorName(answer) })
  }
}
