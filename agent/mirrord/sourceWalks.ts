import { dataError } from '../../src/wire/frame'
import type { CheckMode } from '../../src/wire/frameFields'
import type { MirrordConfig } from '../../src/wire/mirrord'
import type { CopyStateFile } from './copyState'
import type { SharedOrderedLog } from './order/sharedOrderedLog'
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
  private view: SenderView | null = null

  constructor(
    private readonly config: MirrordConfig,
    private readonly thread: WalkThread,
    private readonly log: SharedOrderedLog,
    private readonly state: CopyStateFile,
    private readonly hooks: Hooks
  ) {}

  /** A connection has begun. With a new stream the target is whole again when the walk has ended; until then both sides have no common lineage. */
  begun(begun: Begun): void {
    if (begun.decision === 'resume') return
    if (begun.decision === 'adopt') return this.state.update({ lineage: begun.lineage })
    this.needed = begun
    this.startNeeded()
  }

  /** With each view of the sender. */
  look(view: SenderView): void {
    this.view = view
    if (this.needed === null || !view.targetComplete || view.session !== this.needed.session) return
    this.state.update({ lineage: this.needed.lineage })
    this.needed = null
  }

  private startNeeded(): void {
    if (this.needed === null) return
    if (this.heldBack) return this.hooks.say('what the target needs was stopped by an administrator and waits for `mirror start`')
    this.failure = null
    this.thread.mirror()
  }

  needsMirror(why: string): void {
    this.hooks.say(`a full mirror is needed: ${why}`)
    if (this.log.streamState() === 'wanted') this.startMirror()
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
    if (this.thread.control.state() === 'idle' && this.view?.needToVerify === 'No') return
    this.heldBack = true
    this.thread.stop()
  }

  verify(action: 'start' | 'stop', mode: CheckMode): void {
    if (action === 'stop') return this.thread.stop()
    const impossible = (why: string): never => {
      throw dataError('E_VERIFY_IMPOSSIBLE', { job: this.config.job, why })
    }
    if (this.view?.connected !== true) impossible(`${this.config.peerNode} is not connected`)
    if (this.view?.targetComplete !== true) impossible(`the copy on ${this.config.peerNode} is not complete`)
    if (['walking', 'paused'].includes(this.thread.control.state())) impossible('a mirror or a comparison runs already')
    this.failure = null
    if (mode === 'full') this.thread.verify()
    else impossible('there is no dirty map')
  }

  failed(why: string): void {
    this.failure = why
    this.hooks.say(`the walk failed: ${why}`)
  }
}
