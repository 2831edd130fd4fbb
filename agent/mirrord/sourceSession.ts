import {
  exposedSinceMs,
  exposureOf,
  failoverLsn,
  newSession,
  sourceState,
  stepSession,
  type Exposure,
  type Session,
  type SessionFacts,
  type SessionOrder
} from '../../src/core/mirroring/session'
import type { Safety } from '../../src/model'
import type { SessionView } from '../../src/wire/mirrord'
import { monotonicMs } from '../adapters/clock'
import type { CopyStateFile } from './copyState'
import type { SharedOrderedLog } from './order/sharedOrderedLog'
import type { SessionNews } from './stream/hello'
import type { SenderView } from './stream/senderView'

interface Hooks {
  say(line: string): void
  /** The target is told, when it has changed. */
  tell(news: SessionNews): void
}

/** The source's side of the mirroring session: gives the facts to the session's rules, and does what they say. */
export class SourceSession {
  private session: Session = newSession()
  private view: SenderView | null = null
  private said = ''
  private saidState = ''
  private trouble = ''

  constructor(
    public partnerTimeoutMs: number,
    private readonly roleSequence: number,
    private readonly log: SharedOrderedLog,
    private readonly state: CopyStateFile,
    /** The engine's word, until the target has been heard. */
    private readonly peerCopyComplete: boolean,
    private readonly hooks: Hooks
  ) {
    const full = state.get().safety === 'full'
    log.setFull(full)
    if (full) log.closeGate()
  }

  private readonly startedAtMs = monotonicMs()

  private facts(): SessionFacts {
    const { log, view } = this
    const { safety, exposed } = this.state.get()
    return {
      atMs: performance.now(),
      wallMs: Date.now(),
      full: safety === 'full',
      connected: view?.connected ?? false,
      problem: view?.problem?.message ?? null,
      paused: view?.paused ?? false,
      redoError: view?.redoError ?? null,
      complete: view?.acknowledged ? view.targetComplete : this.peerCopyComplete,
      kept: log.streamState() !== 'overflowed',
      unheardMs: Math.max(0, monotonicMs() - (view?.heardAtMs ?? this.startedAtMs)),
      longestWaitMs: log.waiters.longestMs(),
      partnerTimeoutMs: this.partnerTimeoutMs,
      lsn: log.lsn(),
      sentLsn: view?.sentLsn ?? 0,
      hardLsn: view?.targetHardLsn ?? 0,
      gateClosed: log.gateClosed(),
      gateLsn: log.gateLsn(),
      queuedBytes: log.ring.usedBytes() + (view?.pagefileBytes ?? 0),
      exposedOnDisk: exposed !== null
    }
  }

  /** With each view of the sender, and by the clock. */
  look(view: SenderView | null): void {
    this.view = view
    const facts = this.facts()
    const { session, orders } = stepSession(this.session, facts)
    this.session = session
    try {
      for (const order of orders) this.obey(order)
    } catch (error) {
      // The state's disk is full or broken: it is tried again at the next look.
      this.sayOnce((error as Error).message)
    }
    this.tell(facts)
  }

  private obey(order: SessionOrder): void {
    if (order === 'closeGate') this.log.closeGate()
    else if (order === 'persistExposed') this.persistExposed()
    else this.state.update({ exposed: null })
  }

  private sayOnce(line: string): void {
    if (line !== this.trouble) this.hooks.say(line)
    this.trouble = line
  }

  private persistExposed(): void {
    if (this.state.get().exposed !== null) return
    const lsn = this.log.lsn()
    this.state.update({ exposed: { roleSequence: this.roleSequence, lsn } })
    this.hooks.say(`goes on without the target from LSN ${lsn}`)
  }

  private tell(facts: SessionFacts): void {
    const { state, why } = sourceState(facts)
    if (state !== this.saidState) this.hooks.say(`session ${state}${why === null ? '' : `: ${why}`}`)
    this.saidState = state
    if (state === 'DISCONNECTED') return
    const { safety, safetySequence, exposed } = this.state.get()
    const news: SessionNews = { safety, safetySequence, state, why, failoverLsn: failoverLsn(facts), exposed: exposed !== null }
    // The numbers move all the time: they go along when something else has changed.
    const text = JSON.stringify({ ...news, failoverLsn: 0 })
    if (text !== this.said) this.hooks.tell(news)
    this.said = text
  }

  setSafety(safety: Safety): void {
    this.log.setFull(safety === 'full')
    if (safety === 'full') this.log.closeGate()
    else this.log.openGate()
    this.look(this.view)
  }

  /** It is recorded that the target is out of date. On our own disk too, before anything is acknowledged without it. */
  expose(): Exposure {
    const facts = this.facts()
    // One that has left in order is not waited for, for as long as one that might come back.
    if (exposureOf(facts) === 'wanted' || (exposureOf(facts) === 'protected' && !facts.connected)) {
      this.persistExposed()
      this.log.openGate()
      this.hooks.say('writes are acknowledged without the target: it is recorded that it is out of date')
    }
    this.look(this.view)
    return exposureOf(this.facts())
  }

  sessionView(): SessionView {
    const facts = this.facts()
    const { safety, safetySequence } = this.state.get()
    return {
      safety,
      safetySequence,
      ...sourceState(facts),
      failoverLsn: failoverLsn(facts),
      exposure: exposureOf(facts),
      exposedSinceMs: exposedSinceMs(this.session, facts)
    }
  }
}
