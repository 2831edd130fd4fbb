import { dataError } from '../../src/wire/frame'
import type { CheckMode } from '../../src/wire/frameFields'
import type { MirrordConfig } from '../../src/wire/mirrord'
import type { CopyStateFile } from './copyState'
import type { DirtyMap } from './dirty/dirtyMap'
import { decodeDirty, joinSets, type DirtySet } from './dirty/dirtySet'
import type { Begun, SenderView } from './stream/senderView'
import type { WalkThread } from './walk/walkThread'

interface Hooks {
  say(line: string): void
  /** A full mirror in a new stream: there is no session to walk in. */
  forceMirror(): void
}

/** Which walk runs on a source, and why: full mirror, comparison of everything, comparison of what is marked. */
export class SourceWalks {
  failure: string | null = null
  /** An administrator has stopped what the target needs; it begins again when he says so, not by itself. */
  private heldBack = false
  private needed: Begun | null = null
  /** The target's own dirty map, for as long as a comparison of what is marked is needed. */
  private theirs: Uint8Array[] | null = null
  private view: SenderView | null = null

  constructor(
    private readonly config: MirrordConfig,
    private readonly thread: WalkThread,
    private readonly state: CopyStateFile,
    private readonly hooks: Hooks
  ) {}

  /** Marks what may differ; null: watch capture marks nothing. */
  dirty: DirtyMap | null = null
  /** What is marked belongs to it. */
  dirtyLineage = ''

  /** A connection has begun. With a new stream the target is whole again when the walk has ended; until then both sides have no common lineage. */
  async begun(begun: Begun, theirs: Uint8Array[] | null): Promise<void> {
    if (begun.decision === 'resume') return
    this.needed = begun
    this.theirs = theirs
    if (begun.lineage !== this.dirtyLineage) {
      this.dirtyLineage = begun.lineage
      await this.dirty?.beginLineage(begun.lineage)
    }
    if (this.needed !== begun) return
    if (begun.decision === 'adopt') this.isWhole(begun)
    else await this.startNeeded()
  }

  private isWhole({ lineage }: Begun): void {
    this.state.update({ lineage })
    this.needed = this.theirs = null
  }

  /** With each view of the sender. */
  look(view: SenderView): void {
    this.view = view
    if (!view.connected || !view.targetComplete) return
    if (this.needed !== null && view.session === this.needed.session) this.isWhole(this.needed)
    if (this.needed === null) this.dirty?.releaseUpTo(view.targetHardLsn)
  }

  /** What is marked here can be said, and by which lineage. */
  copy(): { dirtyKnown: boolean; lineage: string | null } {
    return { dirtyKnown: this.dirty !== null && this.dirty.bytes() !== null, lineage: this.state.get().lineage }
  }

  private async startNeeded(): Promise<void> {
    const { needed } = this
    if (needed === null) return
    if (this.heldBack) return this.hooks.say('what the target needs was stopped by an administrator and waits for `mirror start`')
    this.failure = null
    if (needed.decision === 'mirror') return this.thread.mirror()
    const set = needed.decision === 'difference' ? await this.marked() : 'unknown'
    if (this.needed !== needed) return
    if (set === 'unknown') this.thread.verify()
    else this.thread.difference(set)
  }

  /** What either side may have changed since both were equal. Taken when the stream has begun: what changes from then on is in it. */
  private async marked(): Promise<DirtySet | 'unknown'> {
    const ours = this.dirty === null ? 'unknown' : await this.dirty.snapshot()
    const theirs = this.theirs === null ? [] : decodeDirty(this.theirs, this.config.folders.length)
    return ours === 'unknown' || theirs === 'unknown' ? 'unknown' : joinSets(ours, theirs)
  }

  private startMirror(): void {
    if (this.heldBack) return this.hooks.say('the full mirror was stopped by an administrator and waits for `mirror start`')
    this.failure = null
    this.thread.mirror()
  }

  mirror(action: 'start' | 'stop' | 'pause' | 'resume'): void {
    const { control } = this.thread
    if (action === 'pause' || action === 'resume') return control.pause(action === 'pause')
    if (action === 'stop') return this.stopMirror()
    if (this.view?.needToVerify === 'Manually') throw this.undecided()
    this.heldBack = false
    if (this.view?.connected === true) this.startMirror()
    else this.hooks.forceMirror()
  }

  private undecided(): Error {
    const { job, peerNode } = this.config
    return dataError('E_DIVERGED', { job, peer: peerNode, why: 'nobody has said yet whose data is right' })
  }

  private stopMirror(): void {
    const { control } = this.thread
    if (control.state() === 'idle' && this.view?.needToVerify === 'No') return
    if (control.kind() !== 'mirror' && this.needed === null) return
    this.heldBack = true
    this.thread.stop()
  }

  async verify(action: 'start' | 'stop', mode: CheckMode): Promise<void> {
    if (action === 'stop') return this.stopVerify()
    this.refuseVerify()
    this.heldBack = false
    const set = mode === 'full' ? 'unknown' : await this.marked()
    if (mode === 'difference' && set === 'unknown') throw this.impossible('it is not known what may differ (no dirty map): verify with --mode full')
    this.refuseVerify()
    this.failure = null
    if (set === 'unknown') this.thread.verify()
    else this.thread.difference(set)
  }

  /** Watch capture: a comparison that nobody needs would look at what is marked only at its end. */
  makeWay(): void {
    if (this.needed === null && this.thread.control.isComparing()) this.thread.stop()
  }

  private refuseVerify(): void {
    const { peerNode } = this.config
    if (this.view?.connected !== true) throw this.impossible(`${peerNode} is not connected`)
    if (!this.view.targetComplete && this.needed?.decision === 'mirror') throw this.impossible(`the copy on ${peerNode} is not complete`)
    if (this.thread.control.isRunning()) throw this.impossible('a mirror or a comparison runs already')
  }

  private impossible(why: string): Error {
    return dataError('E_VERIFY_IMPOSSIBLE', { job: this.config.job, why })
  }

  /** One that the target needs waits for an administrator from now on; any other one is simply over. */
  private stopVerify(): void {
    if (this.thread.control.kind() === 'mirror' || this.thread.control.state() === 'idle') return
    this.heldBack = this.needed !== null
    this.thread.stop()
  }

  failed(why: string): void {
    this.failure = why
    this.hooks.say(`the walk failed: ${why}`)
  }
}
