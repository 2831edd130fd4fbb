import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { decide, whyManually, type Decision } from '../../../src/core/mirroring/decide'
import { ReportError } from '../../../src/report/report'
import { dataError } from '../../../src/wire/frame'
import { ACK_COMPLETE, ACK_MIRRORS, ACK_SUSPENDED, type Frame } from '../../../src/wire/frameFields'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import { monotonicMs } from '../../adapters/clock'
import { FrameQueue } from '../order/frameQueue'
import type { PageFile } from '../order/pageFile'
import type { SharedOrderedLog } from '../order/sharedOrderedLog'
import { Conversation, Refusal, type Greeting } from './conversation'
import { foldersSaid } from './foldersSaid'
import { STREAM_PROTOCOL, packBegin, packSessionNews, readSessionNews, type Hello, type SessionNews } from './hello'
import { LinkTable } from './linkTable'
import { Patience, type Outcome } from './patience'
import { Pump } from './pump'
import { connect, type DataLink } from './secure'
import type { Begun, SenderStart, SenderView } from './senderView'
import { TokenBucket } from './tokenBucket'

interface SenderHooks {
  /** A connection has begun in this way; `dirty`: the target's own dirty map. */
  begun(begun: Begun, dirty: Uint8Array[] | null): void
  say(line: string): void
  progress(): number
  /** What a comparison has found; and the connection that brought such things has ended. */
  differs(frame: Frame): void
  connectionLost(): void
  targetApplied(lsn: number): void
}

/** The target has said these about itself, and only a full mirror can help. */
const FAULT_CODES = ['E_REDO', 'E_FRAME_PATH', 'E_MIRRORD_STATE']
const KIB = 1024
/** Without the lease that it needs: how often it is looked at. */
const LEASE_LOOK_MS = 20

/** The sending end of a job's stream: one connection at a time, over the best link that answers. */
export class Sender {
  readonly view: SenderView
  private readonly links: LinkTable
  private readonly queue: FrameQueue
  private readonly pump: Pump
  private readonly patience = new Patience()
  private conversation: Conversation | null = null
  /** The stream began with a target that is equal, and none of it has been acknowledged yet. */
  private equal: boolean
  private selected = false
  private mirrorWanted = false
  private dirtyKnown: boolean
  private lineage: string | null
  private freshLineage: string | null
  private news: SessionNews | null = null
  /** The stream that this connection has begun, until the target's first word: then it knows that its copy is not complete. */
  private begunEpoch: number | null = null
  /** In this session. */
  private acknowledgedLsn: number | null = null
  private stopped = false
  private readonly ending = new AbortController()
  private wake: () => void = () => undefined

  constructor(
    private readonly config: MirrordConfig,
    private readonly log: SharedOrderedLog,
    page: PageFile,
    private readonly start: SenderStart,
    private readonly hooks: SenderHooks
  ) {
    this.links = new LinkTable(config.links, config.port)
    this.queue = new FrameQueue(log, page)
    this.pump = new Pump(log, this.queue, new TokenBucket(config.bandwidthBytesPerSecond))
    this.equal = start.startLsn !== null
    this.lineage = start.lineage
    this.freshLineage = start.freshLineage
    this.dirtyKnown = start.dirtyKnown
    this.view = firstView(start, this.links.states(), config.bandwidthBytesPerSecond)
  }

  /** Ends when `stop` is called. */
  async run(): Promise<void> {
    void this.probe()
    const probing = setInterval(() => void this.probe(), LinkTable.PROBE_MS)
    const spilling = this.queue.run(() => this.stopped)
    while (!this.stopped) {
      const silent = this.whyNotSpeak()
      if (silent !== null) {
        await this.untilLease(silent)
        continue
      }
      const begunMs = performance.now()
      const outcome = await this.oneRound()
      const waitMs = this.patience.waitMs(outcome, performance.now() - begunMs)
      if (!this.stopped) await Promise.race([delay(waitMs), new Promise<void>((resolve) => (this.wake = resolve))])
    }
    clearInterval(probing)
    await spilling
  }

  private async probe(): Promise<void> {
    const better = await this.links.probe(this.view.link)
    this.show({ links: this.links.states() })
    if (better !== null && this.view.connected && better.name !== this.view.link) this.preferBetter(better)
  }

  stop(): void {
    this.stopped = true
    this.ending.abort()
    this.reconnect()
  }

  /** The administrator wants a full mirror from here. */
  forceMirror(): void {
    this.mirrorWanted = true
    this.reconnect()
  }

  /** The administrator has said that this side's data is right, whatever the target says of its history. */
  select(): void {
    this.selected = true
    this.reconnect()
  }

  private reconnect(): void {
    this.patience.reset()
    this.conversation?.socket.destroy()
    this.wake()
  }

  pause(paused: boolean): void {
    this.pump.paused = paused
    this.show({ paused })
    // A target that stands still at a redo error tries again.
    if (!paused && this.view.redoError !== null && this.news !== null) this.tellSession({ ...this.news, state: 'SYNCHRONIZING', why: null })
  }

  setBandwidth(bytesPerSecond: number | null): void {
    this.pump.bucket.setLimit(bytesPerSecond)
    this.show({ bandwidthBytesPerSecond: bytesPerSecond })
  }

  /** A stream over a link that is not there any more, or is another one now, goes over at once; nothing is lost. */
  relink(links: DataLink[]): void {
    this.links.replace(links)
    this.show({ links: this.links.states() })
    const inUse = this.conversation?.link
    if (inUse === undefined || !this.links.has(inUse)) this.reconnect()
    else void this.probe()
  }

  /** What the dirty map can say, and the lineage of this copy. */
  setCopy(dirtyKnown: boolean, lineage: string | null): void {
    this.dirtyKnown = dirtyKnown
    this.lineage = lineage
  }

  tellSession(news: SessionNews): void {
    this.news = news
    if (this.view.connected) this.conversation?.say({ kind: 'session', folder: 0, payload: packSessionNews(news) })
  }

  /** What changes with every frame; main asks for it when it shows the rest. */
  refresh(): void {
    const { heardAtMs } = this.conversation ?? this.view
    this.show({ sentBytes: this.pump.sentBytes, sentLsn: this.queue.sentLsn(), pagefileBytes: this.queue.pageBytes(), heardAtMs })
  }

  /** A link before the one in use answers again: the stream moves over, and nothing is lost. */
  private preferBetter(link: DataLink): void {
    this.hooks.say(`data link ${link.name} is back, the stream returns to it`)
    this.conversation?.socket.destroy()
  }

  private async oneRound(): Promise<Outcome> {
    for (const link of this.links.inOrder()) {
      if (this.stopped) break
      let conversation: Conversation
      try {
        conversation = this.conversationOver(await connect(this.config, link, this.ending.signal), link)
      } catch (error) {
        if (this.stopped) break
        this.links.failed(link.name)
        this.show({ links: this.links.states() })
        this.problem(error, link)
        continue
      }
      this.links.works(link.name)
      if (!this.stopped && this.links.has(link)) return await this.serve(conversation)
      // Asked to stop, or given other links, while it connected.
      conversation.end()
    }
    return 'unreachable'
  }

  private conversationOver(socket: Conversation['socket'], link: DataLink): Conversation {
    const { roleSequence } = this.start
    const { links, hooks } = this
    const whyNotSpeak = (): Error | null => this.whyNotSpeak()
    return new Conversation(socket, link, { links, roleSequence, progress: () => hooks.progress(), whyNotSpeak, onFrame: (frame) => this.onFrame(frame) })
  }

  /** Who is about to take over must not be written to: a mirror from here would overwrite its copy. */
  private whyNotSpeak(): ReportError | null {
    const { job, node } = this.config
    return this.log.leaseRuns() ? null : dataError('E_LEASE_OVER', { job, node })
  }

  private async untilLease(why: ReportError): Promise<void> {
    this.sayProblem(why)
    while (!this.stopped && !this.log.leaseRuns()) await delay(LEASE_LOOK_MS)
  }

  private async serve(conversation: Conversation): Promise<Outcome> {
    const { link } = conversation
    this.conversation = conversation
    try {
      const greeting = await conversation.greet(this.hello())
      if (greeting !== null) {
        await this.begin(conversation, greeting)
        this.show({ connected: true, link: link.name, links: this.links.states(), problem: null })
        if (this.news !== null) this.tellSession(this.news)
        this.hooks.say(`connected over data link ${link.name}`)
        await this.pump.run(conversation)
      }
    } catch (error) {
      conversation.why ??= error
    } finally {
      conversation.end()
      this.disconnected(conversation)
    }
    return outcomeOf(conversation.why)
  }

  private disconnected({ link, why, heardAtMs }: Conversation): void {
    if (this.view.connected) this.hooks.say(`data link ${link.name} disconnected${why instanceof Error ? `: ${why.message}` : ''}`)
    this.conversation = null
    this.begunEpoch = null
    this.show({ connected: false, link: null, links: this.links.states(), heardAtMs })
    this.hooks.connectionLost()
    if (why === null) return
    this.problem(why, link)
    if (outcomeOf(why) === 'fault') this.show({ targetFault: this.view.problem, targetComplete: false, targetMirrors: false, needToVerify: 'Yes' })
  }

  private hello(): Hello {
    const { job, node } = this.config
    const { safety = 'off', safetySequence = 1 } = this.news ?? {}
    return {
      protocol: STREAM_PROTOCOL,
      job,
      node,
      roleSequence: this.start.roleSequence,
      lineage: this.lineage,
      safety,
      safetySequence,
      folders: foldersSaid(this.config)
    }
  }

  /** Decides how to go on with what the target has, and says so. Throws when an administrator has to decide. */
  private async begin(conversation: Conversation, { welcome, dirty }: Greeting): Promise<void> {
    const target = { ...welcome, dirty: welcome.dirty === 'follows' && dirty === null ? 'unknown' : welcome.dirty } as const
    const { roleSequence } = this.start
    const kept = this.log.streamState() === 'wanted'
    const decision = decide(
      {
        roleSequence,
        session: this.view.session,
        keptAfterLsn: kept ? this.view.targetHardLsn : null,
        acknowledgedLsn: this.acknowledgedLsn,
        lineage: this.lineage,
        dirtyKnown: this.dirtyKnown,
        equal: this.equal,
        selected: this.selected,
        mirrorWanted: this.mirrorWanted
      },
      target
    )
    if (decision === 'manually') {
      this.show({ needToVerify: 'Manually' })
      throw dataError('E_DIVERGED', { job: this.config.job, peer: this.config.peerNode, why: whyManually({ roleSequence }, welcome) })
    }
    const begun = await this.goOn(decision, welcome.receivedLsn, welcome.appliedLsn)
    const payload = packBegin({ ...begun, fromLsn: this.queue.sentLsn(), tolerant: this.config.capture === 'watch' })
    conversation.say({ kind: 'begin', folder: 0, payload })
    this.hooks.say(`${decision} from LSN ${this.queue.sentLsn()}`)
    this.show({ redoError: welcome.suspended?.message ?? null })
    this.hooks.begun(begun, dirty)
  }

  private async goOn(decision: Exclude<Decision, 'manually'>, hardLsn: number, appliedLsn: number): Promise<Begun> {
    const lineage = decision === 'mirror' || decision === 'verify' || this.lineage === null ? this.newLineage() : this.lineage
    if (decision === 'resume' || decision === 'adopt') {
      if (decision === 'resume') this.targetSaid(hardLsn, appliedLsn)
      await this.queue.goOnAfter(decision === 'resume' ? hardLsn : this.start.startLsn!)
      return { decision, session: this.view.session!, lineage }
    }
    const startLsn = await this.queue.restart(this.start.roleSequence)
    this.begunEpoch = this.log.epoch()
    this.acknowledgedLsn = null
    this.equal = this.selected = this.mirrorWanted = false
    const toldOfOld = { targetHardLsn: startLsn, targetAppliedLsn: startLsn, targetComplete: false, targetMirrors: true }
    this.show({ session: randomUUID(), needToVerify: 'Yes', ...toldOfOld })
    return { decision, session: this.view.session!, lineage }
  }

  private newLineage(): string {
    const lineage = this.lineage === null && this.freshLineage !== null ? this.freshLineage : randomUUID()
    this.freshLineage = null
    return lineage
  }

  private onFrame(frame: Frame): void {
    const { body } = frame
    if (body.kind === 'differs') return this.hooks.differs(frame)
    // Why redo stands still there; that it does, each acknowledgement says.
    if (body.kind === 'session') return this.show({ redoError: readSessionNews(body.payload).why })
    if (body.kind !== 'ack') throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} from the target` })
    if (this.begunEpoch !== null) this.log.openGateForWalk(this.begunEpoch)
    this.begunEpoch = null
    this.equal = false
    this.acknowledgedLsn = body.receivedLsn
    this.targetSaid(body.receivedLsn, body.appliedLsn)
    this.queue.release(body.receivedLsn)
    const has = (flag: number): boolean => (body.flags & flag) !== 0
    const targetComplete = has(ACK_COMPLETE)
    const suspended = has(ACK_SUSPENDED)
    this.show({
      acknowledged: true,
      targetMirrors: has(ACK_MIRRORS),
      targetComplete,
      targetRedoBytes: body.redoQueueKib * KIB,
      redoError: suspended ? (this.view.redoError ?? 'redo stands still on the target') : null,
      needToVerify: targetComplete ? 'No' : this.view.needToVerify
    })
    if (!targetComplete || suspended) return
    this.show({ targetFault: null })
    this.patience.reset()
  }

  /** Only words of the session that is: what an older one has said does not count. */
  private targetSaid(hardLsn: number, appliedLsn: number): void {
    this.log.targetSaid(hardLsn, appliedLsn)
    this.hooks.targetApplied(appliedLsn)
    this.show({ targetHardLsn: hardLsn, targetAppliedLsn: appliedLsn })
  }

  private show(change: Partial<SenderView>): void {
    Object.assign(this.view, change)
  }

  private problem(error: unknown, link: DataLink): void {
    this.sayProblem(error instanceof ReportError ? error : dataError('E_LINK_FAILED', { link: link.name, why: (error as Error).message }))
  }

  private sayProblem({ report }: ReportError): void {
    const problem = { code: report.code, message: report.message }
    if (problem.message !== this.view.problem?.message) this.hooks.say(problem.message)
    this.show({ problem })
  }
}

function firstView({ startLsn }: SenderStart, links: SenderView['links'], bandwidthBytesPerSecond: number | null): SenderView {
  const lsn = startLsn ?? 0
  return {
    connected: false,
    link: null,
    links,
    sentBytes: 0,
    pagefileBytes: 0,
    sentLsn: lsn,
    targetHardLsn: lsn,
    targetAppliedLsn: lsn,
    acknowledged: false,
    targetMirrors: false,
    targetComplete: false,
    targetRedoBytes: 0,
    redoError: null,
    heardAtMs: monotonicMs(),
    paused: false,
    bandwidthBytesPerSecond,
    needToVerify: startLsn === null ? 'Yes' : 'No',
    session: startLsn === null ? null : randomUUID(),
    problem: null,
    targetFault: null
  }
}

function outcomeOf(why: unknown): Outcome {
  if (!(why instanceof ReportError) || ['E_LINK_SILENT', 'E_LEASE_OVER'].includes(why.report.code)) return 'lost'
  return why instanceof Refusal && FAULT_CODES.includes(why.report.code) ? 'fault' : 'refused'
}
