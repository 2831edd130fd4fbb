import { randomBytes } from 'node:crypto'
import { asServed, initialState, statusAnswer, whyUnlicensed, type Outcome, type State } from '../../src/core'
import { firstOwnerOf } from '../../src/model'
import { jobReport } from '../../src/report/job'
import { ReportError, type ExitCode } from '../../src/report/report'
import {
  STATUS_WAIT_MS_MAX,
  TICKET_WAIT_MS_MAX,
  type CommandAnswer,
  type ConfigChangeAnswer,
  type ConfigRequest,
  type ConfigView,
  type CommandRequest,
  type JobCommand,
  type PeerMessage,
  type PeerReply,
  type StatusAnswer,
  type TicketAnswer,
  type VerifyAnswer,
  type HistoryAnswer,
  type WhyAnswer,
  VERIFY_PAGE_MAX
} from '../../src/wire'
import { Loop } from '../loop'
import { failureOf, Performer } from '../perform'
import type { Places, Ports } from '../ports'
import { Agreeing } from './agreeing'
import type { Engine } from './engine'
import { alreadyAgreed, type OpenConfig } from './openConfig'
import { Inquiries } from './inquiries'
import { Leaving, type LeaveView } from './leaving'
import { Licensing } from './licensing'
import { Monitoring } from './monitoring'
import { StatusWaiters } from './statusWaiters'
import { TicketWaiters } from './ticketWaiters'

/** A ticket of the other node: its long poll and the way there and back. */
const TICKET_WAY_MS = 3_000
const VERIFY_REPORT_TIMEOUT_MS = 15_000

export interface EngineOptions {
  places: Places
  ports: Ports
  configHash: string
  /** What is kept of the configuration; absent: the one of `places` is agreed. */
  open?: OpenConfig
  fatal(why: unknown): void
}

/** Reads what is on disk, finds what runs, and goes on from there. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const engine = new RunningEngine(options)
  await engine.start()
  return engine
}

class RunningEngine implements Engine {
  private readonly loop: Loop
  private readonly waiters: TicketWaiters
  private readonly followers: StatusWaiters
  private readonly inquiries: Inquiries
  readonly monitoring: Monitoring
  readonly licensing: Licensing
  private readonly answers = new Map<number, (outcome: Outcome) => void>()
  private requests = 0
  private ended = false
  /** On disk: what may be spoken of. */
  private published: State
  private readonly agreeing: Agreeing
  private readonly leaving: Leaving

  constructor(private readonly options: EngineOptions) {
    const { places, ports, configHash } = options
    const incarnation = randomBytes(8).toString('hex')
    const open = options.open ?? alreadyAgreed(places, configHash)
    const { agreed, isAgreed } = open.kept
    this.published = initialState({ node: places.node, config: places.config, configHash, configVersion: agreed.version, configAgreed: isAgreed, incarnation })
    this.agreeing = new Agreeing({
      places,
      ports,
      ...open,
      incarnation,
      peerNode: this.published.peerNode,
      lookRebuild: (job) => ports.data.lookRebuild(job),
      hold: (next, dryRun) => this.ask((request) => this.loop.emit({ kind: 'configHeld', request, next, dryRun })),
      whyUnlicensed: () => whyUnlicensed({ state: this.published }, 'a change of the configuration'),
      ownerOf: (job, next) => this.published.jobs[job]?.record.owner ?? firstOwnerOf(next, job),
      release: () => this.loop.emit({ kind: 'configReleased' }),
      use: (config, hash, version) => {
        ports.lease.reconfigured()
        this.loop.emit({ kind: 'configChanged', config, configHash: hash, version })
      },
      fatal: (why) => this.fail(why)
    })
    this.waiters = new TicketWaiters(ports.clock, () => this.published)
    this.followers = new StatusWaiters(ports.clock, () => this.status())
    this.inquiries = new Inquiries(ports, () => this.published)
    this.leaving = new Leaving(
      ports,
      () => this.published,
      () => this.loop.emit({ kind: 'shutdownBegun' })
    )
    this.monitoring = new Monitoring(ports, () => this.published)
    this.licensing = new Licensing({ node: places.node, ports, seen: (facts) => this.loop.emit({ kind: 'licenceSeen', facts }) })
    const performer = new Performer({
      node: places.node,
      config: () => this.published.config,
      job: (name) => asServed(this.published, name),
      ports,
      emit: (happening) => this.loop.emit(happening),
      answer: (request, outcome) => this.answer(request, outcome),
      sawConfigVersion: (version) => this.agreeing.versionSeen(version)
    })
    this.loop = new Loop(this.published, ports, {
      persist: (action) => performer.persist(action),
      perform: (action) => performer.perform(action),
      published: (state) => this.publish(state),
      fatal: (why) => this.fail(why)
    })
  }

  private fail(why: unknown): void {
    this.loop.end()
    this.endAnswers()
    this.options.fatal(why)
  }

  async start(): Promise<void> {
    const { ports } = this.options
    const persisted = await ports.disk.load()
    ports.applications.onFailed((job, application, why) => this.loop.emit({ kind: 'applicationFailed', job, application, why }))
    ports.data.onStatus((job, status) => this.loop.emit({ kind: 'dataStatusChanged', job, status }))
    ports.data.onLost((job, why) => this.loop.emit({ kind: 'dataLost', job, why }))
    await this.agreeing.start()
    this.forgetOthers()
    this.loop.emit({ kind: 'booted', bootId: ports.clock.bootId(), records: persisted?.records ?? null, ...this.agreeing.besideInForce() })
    await ports.heartbeat.start((heartbeat) => this.loop.emit({ kind: 'heartbeatChanged', heartbeat }))
    ports.peer.onMessage((message) => this.receive(message))
    ports.nics.watch(
      () => Object.values(this.published.config.jobs),
      (job, paths) => this.loop.emit({ kind: 'vipPathsSeen', job, paths })
    )
    ports.usage.watch(
      () => this.published.config.monitors?.[this.published.node] ?? null,
      (values) => this.loop.emit({ kind: 'usageSampled', values })
    )
    this.licensing.start()
    this.loop.tick()
  }

  /** Of a job that was taken away just before the engine before this one ended. */
  private forgetOthers(): void {
    const { data, log } = this.options.ports
    data
      .forgetOthers(Object.keys(this.published.config.jobs))
      .catch((error: unknown) => log.event('error', `What jobs that have gone had kept could not be put aside: ${failureOf(error).message}`))
  }

  async stop(): Promise<void> {
    this.loop.end()
    this.licensing.stop()
    this.endAnswers()
    await this.agreeing.stop()
    await this.options.ports.heartbeat.close(false)
  }

  status(): StatusAnswer {
    const { clock, heartbeat } = this.options.ports
    const wallMs = clock.wallMs()
    const utcOffsetMinutes = -new Date(wallMs).getTimezoneOffset()
    return statusAnswer(this.published, { atMs: clock.nowMs(), wallMs, utcOffsetMinutes, heartbeat: heartbeat.view() })
  }

  statusNews(known: string, waitMs: number): Promise<StatusAnswer> {
    return this.followers.wait(known, Math.min(waitMs, STATUS_WAIT_MS_MAX))
  }

  async command(job: string, command: JobCommand, request: CommandRequest, account: string): Promise<CommandAnswer> {
    const { dryRun, reason, ...options } = request
    const outcome = await this.ask((number) =>
      this.loop.emit({
        kind: 'commandGiven',
        request: number,
        job,
        command,
        options,
        dryRun: dryRun ?? false,
        account,
        reason: reason ?? null
      })
    )
    return this.resultOf(outcome) as CommandAnswer
  }

  async ticket(id: string, since: number, waitMs: number): Promise<TicketAnswer> {
    const wait = Math.min(waitMs, TICKET_WAIT_MS_MAX)
    const answer = await this.waiters.wait(id, since, wait)
    if (answer) return answer
    if (!id.startsWith(`${this.published.peerNode}-`)) throw this.unknownTicket(id)
    const reply = await this.options.ports.peer.send({ kind: 'ticket', ticket: id, sinceStep: since, waitMs: wait }, wait + TICKET_WAY_MS)
    return this.resultOf(reply.ok ? reply : { ok: false, error: reply.error }) as TicketAnswer
  }

  async verifyReport(job: string, from: number, max: number): Promise<VerifyAnswer> {
    const count = Math.min(max, VERIFY_PAGE_MAX)
    const { peerNode, jobs } = this.published
    if (jobs[job]?.record.owner !== peerNode) return await this.ownVerifyReport(job, from, count)
    const reply = await this.options.ports.peer.send({ kind: 'verifyReport', job, from, max: count }, VERIFY_REPORT_TIMEOUT_MS)
    return this.resultOf(reply.ok ? reply : { ok: false, error: reply.error }) as VerifyAnswer
  }

  history(job: string): Promise<HistoryAnswer> {
    return this.inquiries.history(job)
  }

  whyNotStill(job: string): string[] {
    return this.inquiries.whyNotStill(job)
  }

  why(job: string): Promise<WhyAnswer> {
    return this.inquiries.why(job)
  }

  private async ownVerifyReport(job: string, from: number, max: number): Promise<VerifyAnswer> {
    const { node, jobs, config } = this.published
    const known = Object.keys(jobs).join(', ') || 'none'
    if (jobs[job] === undefined) throw new ReportError(jobReport('E_JOB_UNKNOWN', { job, node, known }))
    const data = config.jobs[job]?.data ?? null
    if (data === null) throw new ReportError(jobReport('E_JOB_NO_DATA', { job, node }))
    const report = await this.options.ports.data.verifyReport(job, from, max)
    return { node, job, folders: data.folders.map(({ path }) => path), report }
  }

  config(): ConfigView {
    return this.agreeing.view()
  }

  async changeConfig(request: ConfigRequest, account: string): Promise<ConfigChangeAnswer> {
    return await this.agreeing.change(request, account)
  }

  leave(): LeaveView {
    return this.leaving.leave()
  }

  private unknownTicket(ticket: string): ReportError {
    return new ReportError(jobReport('E_TICKET_UNKNOWN', { ticket, node: this.published.node }))
  }

  private publish(state: State): void {
    this.published = state
    this.agreeing.published(state)
    this.waiters.changed()
    this.leaving.publishedIs(state)
    this.followers.changed()
  }

  /** Nobody waits for an engine that decides nothing any more. */
  private endAnswers(): void {
    this.ended = true
    for (const request of [...this.answers.keys()]) this.answer(request, this.endsOutcome())
  }

  private endsOutcome(): Outcome {
    return { ok: false, error: jobReport('E_ENGINE_ENDS', { node: this.published.node }) }
  }

  private ask(emit: (request: number) => void): Promise<Outcome> {
    if (this.ended) return Promise.resolve(this.endsOutcome())
    this.requests += 1
    const request = this.requests
    return new Promise((resolve) => {
      this.answers.set(request, resolve)
      emit(request)
    })
  }

  private answer(request: number, outcome: Outcome): void {
    this.answers.get(request)?.(outcome)
    this.answers.delete(request)
  }

  private resultOf(outcome: Outcome): unknown {
    if (outcome.ok) return outcome.result
    throw new ReportError({ node: this.published.node, ...outcome.error, exitCode: outcome.error.exitCode as ExitCode })
  }

  private async receive(message: PeerMessage): Promise<PeerReply> {
    try {
      const outcome = await this.receiveOutcome(message)
      return outcome.ok ? { ok: true, result: outcome.result } : { ok: false, error: outcome.error }
    } catch (error) {
      return { ok: false, error: failureOf(error) }
    }
  }

  private async receiveOutcome(message: PeerMessage): Promise<Outcome> {
    switch (message.kind) {
      case 'configPrepare':
      case 'configAgreed':
      case 'configAsk':
        return await this.agreeing.receive(message)
      case 'state':
        this.agreeing.peerSeen(message.state)
        return await this.ask((request) => this.loop.emit({ kind: 'peerStateReceived', request, view: message.state }))
      case 'handover':
        return await this.ask((request) => this.loop.emit({ ...message, kind: 'handoverReceived', request }))
      case 'withdraw':
        return await this.ask((request) => this.loop.emit({ ...message, kind: 'withdrawReceived', request }))
      case 'outOfSync':
        return await this.ask((request) => this.loop.emit({ ...message, kind: 'outOfSyncReceived', request }))
      case 'vote':
        return await this.ask((request) => this.loop.emit({ kind: 'voteAsked', request, job: message.vote.job, message: message.vote }))
      case 'ticket':
        return await this.receiveTicket(message.ticket, message.sinceStep, message.waitMs)
      case 'verifyReport':
        return { ok: true, result: await this.ownVerifyReport(message.job, message.from, message.max) }
      case 'history':
        return { ok: true, result: await this.inquiries.takeovers(message.job) }
      case 'monitorTest':
        return { ok: true, result: await this.monitoring.testHere(message.conditions) }
      case 'monitorHistory':
        return { ok: true, result: await this.monitoring.historyHere() }
      case 'why':
        return { ok: true, result: this.inquiries.decisions(message.job) }
      case 'command':
        return await this.receiveCommand(message)
    }
  }

  private async receiveTicket(id: string, since: number, waitMs: number): Promise<Outcome> {
    const answer = await this.waiters.wait(id, since, Math.min(waitMs, TICKET_WAIT_MS_MAX))
    if (!answer) throw this.unknownTicket(id)
    return { ok: true, result: answer }
  }

  /** Never sent back: an error flag is cleared here, this node's data program is replaced here, the rest is the owner's; while the two do not agree on the owner, nobody carries it out. */
  private async receiveCommand(message: Extract<PeerMessage, { kind: 'command' }>): Promise<Outcome> {
    const owner = this.published.jobs[message.job]?.record.owner
    const { node, peerNode } = this.published
    const isHere = message.command === 'clearerr' || message.command === 'upgrade'
    if (owner === peerNode && !isHere)
      return { ok: false, error: jobReport('E_JOB_BUSY', { job: message.job, node, ticket: 'no ticket', doing: 'the owner is changing' }) }
    const { kind: _, job, command, reason, account, ...options } = message
    const whose = isHere ? { node } : {}
    return { ok: true, result: await this.command(job, command, { ...options, ...(reason === null ? {} : { reason }), ...whose }, account) }
  }
}
