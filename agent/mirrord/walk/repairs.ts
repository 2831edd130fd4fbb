import { FRAME_PAYLOAD_BYTES_MAX } from '../../../src/wire/frame'
import { attributesBytes, type Difference } from '../../../src/wire/frameFields'
import { isCompared } from './checkHash'
import { isAtOnce, type Mirroring } from './mirroring'
import { DIRECTORY, FILE, parentOf } from './sourceTree'
import type { WalkRun } from './walkRun'

/** So many files that were sent whole are remembered, until the target is known to have them. */
const SENT_MAX = 4_096

/** What the target has found, brought to it: always as the source is now, at its place in the order. */
export class Repairs {
  /** Sent whole, and the LSN at its end. */
  private readonly sent = new Map<string, number>()
  private after = 0

  constructor(
    private readonly run: WalkRun,
    private readonly mirroring: Mirroring
  ) {}

  /** `after`: they were found behind this LSN. */
  repair(differences: Difference[], after: number): void {
    this.after = after
    for (const { folder, path, what } of differences) if (what === 'missing' || what === 'kind') this.isMissing(folder, path)
    for (const [index, difference] of differences.entries()) {
      this.one(difference)
      const next = differences[index + 1]
      const more = next?.what === 'content' && next.folder === difference.folder && next.path === difference.path
      if (difference.what === 'content' && !more) this.mirroring.sendTimes(difference.folder, difference.path)
    }
  }

  /**
   * As the source has it now, whatever the target holds. False: what is sent would leave a difference behind that was not there. The file has names that this
   * walk has not met, or must not build on, and the target would keep them with the file as it was; or it is too large for one step and may move meanwhile.
   */
  bring(folder: number, path: string): boolean {
    const { run } = this
    const atOnce = run.locked(() => {
      const meta = run.tree(folder).meta(path)
      return meta === null || isAtOnce(run, folder, path, meta)
    })
    if (!atOnce) return false
    if (this.isHere(folder, path)) this.mirroring.atOnce(() => this.whole(folder, path))
    return true
  }

  private isHere(folder: number, path: string): boolean {
    const tree = this.run.tree(folder)
    if (tree === undefined || tree.excluded(path)) return false
    // A file that moved is looked at under its new name, for the log notes that; so are its other names, which were compared by this one only.
    const inode = tree.meta(path)?.inode ?? null
    for (const name of this.run.links.forgetFormer(folder, path, inode)) this.run.again.push({ folder, path: name })
    return inode !== null
  }

  /** What was sent to it, or below it, has not arrived: nothing is linked with that. */
  private isMissing(folder: number, path: string): void {
    this.run.links.isMissing(folder, path)
    if (this.run.trees[folder]?.meta(path)?.type === DIRECTORY) this.run.links.forgetBelow(folder, path)
  }

  private one({ folder, path, what, offset, length }: Difference): void {
    if (!this.isHere(folder, path)) return
    const tree = this.run.tree(folder)
    switch (what) {
      // The target has done it already.
      case 'extra':
      case 'attributes':
        return
      case 'xattrs':
        return this.attributes(folder, path)
      case 'content':
        return length > 0 && tree.meta(path)?.type === FILE ? this.stretch(folder, path, offset, length) : this.wholeOnce(folder, path)
      case 'missing':
      case 'kind':
      case 'links':
        return this.wholeOnce(folder, path)
      default:
        return what satisfies never
    }
  }

  /** It may have been found before it was sent: then it is compared again, and not sent again. */
  private wholeOnce(folder: number, path: string): void {
    const key = `${folder}:${path}`
    if ((this.sent.get(key) ?? 0) > this.after) return void this.run.again.push({ folder, path })
    this.whole(folder, path)
    this.lookAtOthers(folder, path)
    if (this.sent.size >= SENT_MAX) this.sent.clear()
    this.sent.set(key, this.run.log.lsn())
  }

  /** It may have been linked with what was sent: the names that were compared with it led to what it was before. */
  private lookAtOthers(folder: number, path: string): void {
    const { links } = this.run
    const meta = this.run.tree(folder).meta(path)
    if (meta === null || meta.type === DIRECTORY || meta.links === 1) return
    for (const name of links.of(folder, meta.inode)) if (name !== path && !links.isSent(folder, meta.inode, name)) this.run.again.push({ folder, path: name })
  }

  private whole(folder: number, path: string): void {
    this.mirroring.visit(folder, path)
    if (path !== '') this.mirroring.sendTimes(folder, parentOf(path))
  }

  private stretch(folder: number, path: string, offset: number, length: number): void {
    // Something else has this name since, or not even that: it is looked at again, for its file may have other names.
    if (!this.mirroring.sendStretch(folder, path, offset, length)) this.run.again.push({ folder, path })
  }

  private attributes(folder: number, path: string): void {
    const tree = this.run.tree(folder)
    const sent = this.run.locked(() => {
      if (tree.meta(path) === null) return true
      const attributes = tree.attributes(path).filter(({ name }) => isCompared(name))
      if (attributesBytes(attributes) > FRAME_PAYLOAD_BYTES_MAX) return false
      this.run.log.appendStep({ kind: 'checkAttributes', folder, path, attributes })
      return true
    })
    // More than a frame holds: one by one, on a file made anew. A directory is cleared first by its step.
    if (!sent) this.mirroring.visitOne(folder, path)
    if (tree.meta(path)?.type === DIRECTORY) this.mirroring.sendTimes(folder, path)
  }
}
