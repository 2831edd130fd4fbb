import {
  type Agreement,
  type AgreementAction,
  type AgreementEvent,
  type AgreementOutcome,
  type Refusal,
  startAgreement,
  stepAgreement
} from '../../src/core/agreement/agreement'
import { firstCopyWarnings } from '../../src/core/agreement/firstCopy'
import type { Failure, Outcome, State } from '../../src/core'
import { goesByConfig } from '../../src/core/staleConfig'
import type { Config, JobConfig } from '../../src/model'
import { changeReport } from '../../src/report/change'
import { jobReport } from '../../src/report/job'
import { type Report, ReportError } from '../../src/report/report'
import type { ConfigChangeAnswer, ConfigChecked, ConfigRequest, ConfigVersion, ConfigView, NodeView, PeerMessage } from '../../src/wire'
import { configAnswerSchema, configCheckedSchema } from '../../src/wire/configSchemas'
import { failureOf, outcomeOf } from '../perform'
import type { KeptConfig, Places, Ports } from '../ports'
import { type CheckedChange, checkChange, refusal, refusalOf, reportOf } from './checkChange'
import { BY_HAND, hashOf, inForce, isSameWitness, jobsOf, passedSince, readAgreed, withOlder } from './openConfig'

/** With the other node's own checks, which ask the network whether a new address is free. */
export const PREPARE_TIMEOUT_MS = 20_000
const TELL_TIMEOUT_MS = 5_000
const ASK_TIMEOUT_MS = 3_000
const LOOK_EVERY_MS = 1_000
/** What is the same for both nodes is said once. */
const OF_BOTH = ['E_CONFIG_LINKS', 'E_CONFIG_JOB_ONLINE']

export interface AgreeingOptions {
  places: Places
  ports: Pick<Ports, 'clock' | 'peer' | 'configuration' | 'heartbeat' | 'log'>
  kept: KeptConfig
  whole: Config
  incarnation: string
  peerNode: string
  /** Does a job stand in its way? If not, none comes to stand there from now on (not of a dry run). */
  hold(next: Config, dryRun: boolean): Promise<Outcome>
  /** The data program of a job that is served here: could it go on with this configuration? Rejects with what stands in the way. */
  lookRebuild(job: JobConfig): Promise<void>
  release(): void
  /** Nothing is changed on a node that has no valid licence, wherever it is typed. */
  whyUnlicensed(): Failure | null
  /** Who owns the job, or would own it as a new one. */
  ownerOf(job: string, next: Config): string
  /** The engine goes on with this one. */
  use(config: Config, hash: string, version: number): void
  fatal(why: unknown): void
}

type ConfigMessage = Extract<PeerMessage, { kind: 'configPrepare' | 'configAgreed' | 'configAsk' }>

/** The hands of src/core/agreement: one event at a time, its persist before anything else of it. */
export class Agreeing {
  private state: Agreement
  private kept: KeptConfig
  private whole: Config
  private turn: Promise<void> = Promise.resolve()
  private readonly answers = new Map<number, (outcome: AgreementOutcome) => void>()
  private requests = 0
  private changing = false
  /** Changes that are being checked here, and not promised or proposed yet: what they hold is not let go of when another one comes to nothing. */
  private checking = 0
  private held: boolean
  private cancelLook: () => void = () => undefined
  private ended = false

  constructor(private readonly options: AgreeingOptions) {
    const { places, peerNode, incarnation, kept, whole } = options
    this.kept = kept
    this.whole = whole
    this.held = kept.prepared !== null
    this.state = startAgreement({ node: places.node, peerNode, incarnation }, kept)
  }

  /** What the engine begins with. */
  async start(): Promise<void> {
    const { kept } = this
    await this.options.ports.configuration.save(kept)
    if (!kept.fileWritten) await this.writeFile(kept.agreed)
    if (!kept.isAgreed && kept.agreed.id === BY_HAND) this.tellByHand()
    this.look()
  }

  private tellByHand(): void {
    const { places, ports, peerNode } = this.options
    const since = `${places.configFile} was edited by hand since version ${this.kept.agreed.version}`
    ports.log.event('warning', `${since}: ${this.node} goes by it, and it counts as agreed when ${peerNode} goes by the same`)
  }

  /** What else there is to an engine that starts in the middle of a change. */
  besideInForce(): { before: Config | null; passed: Config[]; promised: Config | null } {
    const { before, prepared } = this.kept
    const read = (version: ConfigVersion | null): Config | null => (version === null ? null : readAgreed(version, this.options.places.configFile))
    const ofNode = (whole: Config | null): Config | null => whole && inForce(whole, this.node, this.kept)
    const passed = passedSince(this.kept).flatMap((version) => ofNode(read(version)) ?? [])
    return { before: ofNode(read(before)), passed, promised: ofNode(read(prepared)) }
  }

  stop(): Promise<void> {
    this.end()
    return this.turn
  }

  /** Nobody waits for an engine that decides nothing any more. */
  private end(): void {
    this.ended = true
    this.cancelLook()
    for (const answer of this.answers.values()) answer(this.endsOutcome())
    this.answers.clear()
  }

  private endsOutcome(): AgreementOutcome {
    return { ok: false, refusal: { why: 'refusedHere', error: jobReport('E_ENGINE_ENDS', { node: this.node }) } }
  }

  view(): ConfigView {
    const { agreed, isAgreed, prepared, history } = this.kept
    return { node: this.node, file: this.options.places.configFile, agreed, isAgreed, prepared, history }
  }

  /** Checked here and there, then agreed on, or refused with nothing changed anywhere. */
  async change(request: ConfigRequest, account: string): Promise<ConfigChangeAnswer> {
    const unlicensed = this.options.whyUnlicensed()
    if (unlicensed !== null) throw new ReportError(reportOf(this.node, unlicensed))
    if (this.changing) throw refusal('E_CONFIG_BUSY', { node: this.node })
    this.changing = true
    try {
      return await this.whileChecking(() => this.changeOnce(request, account))
    } finally {
      this.changing = false
    }
  }

  private async whileChecking<Result>(work: () => Promise<Result>): Promise<Result> {
    this.checking += 1
    try {
      return await work()
    } finally {
      this.checking -= 1
      this.letGo()
    }
  }

  private letGo(): void {
    if (!this.held || this.checking > 0 || this.state.prepared !== null || this.state.proposal?.phase === 'asking') return
    this.held = false
    this.options.release()
  }

  private async changeOnce({ text, base, reason, dryRun = false }: ConfigRequest, account: string): Promise<ConfigChangeAnswer> {
    const { agreed } = this.kept
    if (base !== undefined && base !== agreed.hash) throw refusal('E_CONFIG_BASE', { node: this.node, version: agreed.version })
    const checked = await this.check(text, dryRun)
    const { differences, hash, whole, problems, folders } = checked
    const answer = { dryRun, node: this.node, differences, followed: true, warnings: checked.warnings }
    if (problems.length === 0 && this.kept.isAgreed && text === agreed.text) return { ...answer, version: agreed.version }
    if (dryRun || problems.length > 0 || folders.length > 0) {
      answer.warnings = await this.lookThere(checked, text, base)
      if (dryRun) return { ...answer, version: agreed.version }
    }
    const next = {
      text,
      hash,
      by: account,
      why: reason ?? null,
      wallMs: this.options.ports.clock.wallMs(),
      newWitness: !isSameWitness(this.whole, whole),
      ...jobsOf(this.whole, whole)
    }
    const outcome = await this.ask((number) => ({ kind: 'proposed', request: number, next, whole: base === undefined }))
    if (!outcome.ok) throw this.refused(outcome.refusal)
    const { version, followed } = outcome.result as { version: number; followed: boolean }
    return { ...answer, version, followed }
  }

  /** The other node is asked as well, and keeps nothing of it: what stands in the way on either is told at once. Answers with the warnings of both. */
  private async lookThere({ whole, hash, problems, warnings, folders }: CheckedChange, text: string, base: string | undefined): Promise<string[]> {
    const { agreed } = this.kept
    const { node, peerNode } = this.state
    const next = { ...agreed, text, hash, version: agreed.version + 1 }
    const prepare = { incarnation: this.state.incarnation, number: 0, base: base ?? null, next }
    const sent = await this.send({ kind: 'configPrepare', prepare, dryRun: true }, PREPARE_TIMEOUT_MS)
    const silent = !sent.ok && sent.error.code === 'E_PEER_UNREACHABLE'
    if (silent && problems.length === 0) throw this.refused({ why: 'silent', error: sent.error })
    const theirs = checkedThere(peerNode, sent)
    const said = new Set(problems.map(({ code }) => code))
    const all = [...problems, ...(silent ? [] : theirs.problems.filter(({ code }) => !OF_BOTH.includes(code) || !said.has(code)))]
    if (all.length > 0) {
      this.options.release()
      throw refusalOf(node, all)
    }
    const copies = firstCopyWarnings({ [node]: folders, [peerNode]: theirs.folders }, (job) => this.options.ownerOf(job, whole))
    return [...warnings, ...theirs.warnings, ...copies]
  }

  /** What is held is held only for one that nothing here stands in the way of. */
  private async check(text: string, dryRun: boolean): Promise<CheckedChange> {
    const { places, ports } = this.options
    const checked = await checkChange(places, ports, this.whole, text)
    const only = dryRun || checked.problems.length > 0
    const next = inForce(checked.whole, this.node, this.kept)
    const held = await this.options.hold(next, only)
    if (held.ok && !only) this.held = true
    const problems = held.ok ? await this.whyNotRebuild(next, (held.result as string[] | null) ?? []) : [reportOf(this.node, held.error)]
    return { ...checked, problems: [...checked.problems, ...problems] }
  }

  private async whyNotRebuild({ jobs }: Config, names: string[]): Promise<Report[]> {
    const looked = await Promise.all(names.flatMap((name) => (jobs[name] ? [outcomeOf(this.options.lookRebuild(jobs[name]))] : [])))
    return looked.flatMap((outcome) => (outcome.ok ? [] : [reportOf(this.node, outcome.error)]))
  }

  private refused(why: Refusal): ReportError {
    const { node, peerNode: peer } = this.state
    if (why.why === 'busy') return refusal('E_CONFIG_BUSY', { node })
    if (why.why === 'differs') return refusal('E_CONFIG_BASE', { node, version: this.kept.agreed.version })
    if (why.why === 'silent') return refusal('E_CONFIG_PEER', { node, peer, why: why.error.message })
    return new ReportError({ node: why.why === 'refusedHere' ? node : peer, ...why.error } as never)
  }

  /** What the peer says about it. */
  async receive(message: ConfigMessage): Promise<Outcome> {
    if (message.kind === 'configPrepare') return await this.whileChecking(() => this.prepare(message))
    const outcome = await this.ask((request) =>
      message.kind === 'configAsk' ? { kind: 'askReceived', request } : { kind: 'agreedReceived', request, agreed: message.agreed }
    )
    return this.outcomeFor(outcome)
  }

  private async prepare({ prepare, dryRun }: Extract<ConfigMessage, { kind: 'configPrepare' }>): Promise<Outcome> {
    const { base, next } = prepare
    const { agreed, isAgreed } = this.kept
    const unlicensed = this.options.whyUnlicensed()
    if (unlicensed !== null) return { ok: false, error: unlicensed }
    if (this.changing) return { ok: false, error: changeReport('E_CONFIG_BUSY', { node: this.node }) }
    if (base !== null && (base !== agreed.hash || !isAgreed))
      return { ok: false, error: changeReport('E_CONFIG_BASE', { node: this.node, version: agreed.version }) }
    const checked = await outcomeOf(this.check(next.text, dryRun))
    if (!checked.ok) return checked
    const { problems, warnings, folders } = checked.result
    if (dryRun) return { ok: true, result: { problems, warnings, folders } }
    if (problems.length > 0) return { ok: false, error: refusalOf(this.node, problems).report }
    return this.outcomeFor(await this.ask((request) => ({ kind: 'prepareReceived', request, message: prepare, check: null })))
  }

  private outcomeFor(outcome: AgreementOutcome): Outcome {
    return outcome.ok ? outcome : { ok: false, error: failureOf(this.refused(outcome.refusal)) }
  }

  peerSeen({ configVersion, configAgreed, configHash }: NodeView): void {
    if (configVersion !== undefined) this.emit({ kind: 'peerSeen', version: configVersion, agreed: configAgreed === true, hash: configHash })
  }

  versionSeen(version: number): void {
    if (this.state.prepared !== null) this.emit({ kind: 'versionSeen', version })
  }

  /** Nothing of the one before is left anywhere: it need not be remembered any more. */
  published(state: State): void {
    if (this.kept.before === null || !state.booted || state.configVersion !== this.kept.agreed.version) return
    const clean = Object.values(state.jobs).every(goesByConfig)
    if (!clean || state.unconfirmed !== null || !state.peer || (state.peer.view.configVersion ?? 0) < state.configVersion) return
    this.inTurn(() => this.keep({ before: null }))
  }

  private get node(): string {
    return this.options.places.node
  }

  private look(): void {
    if (this.ended) return
    this.emit({ kind: 'ticked' })
    this.cancelLook = this.options.ports.clock.after(LOOK_EVERY_MS, () => this.look())
  }

  private ask(event: (request: number) => WithoutTime): Promise<AgreementOutcome> {
    if (this.ended) return Promise.resolve(this.endsOutcome())
    this.requests += 1
    const request = this.requests
    return new Promise((resolve) => {
      this.answers.set(request, resolve)
      this.emit(event(request))
    })
  }

  private emit(event: WithoutTime): void {
    this.inTurn(() => this.happen({ ...event, atMs: this.options.ports.clock.nowMs() } as AgreementEvent))
  }

  /** What cannot be kept must not be gone by: the engine ends, and recovers from what is on disk. */
  private inTurn(work: () => Promise<void>): void {
    this.turn = this.turn.then(() => (this.ended ? undefined : work())).catch((error: unknown) => this.fail(error))
  }

  private fail(error: unknown): void {
    if (this.ended) return
    this.end()
    this.options.fatal(error)
  }

  private async happen(event: AgreementEvent): Promise<void> {
    const { state, actions } = stepAgreement(this.state, event)
    this.state = state
    for (const action of actions) await this.act(action)
  }

  private async act(action: AgreementAction): Promise<void> {
    switch (action.do) {
      case 'persist':
        return await this.persist()
      case 'use':
        return await this.use(action.agreed)
      case 'release':
        return this.letGo()
      case 'reply':
        this.answers.get(action.request)?.(action.outcome)
        return void this.answers.delete(action.request)
      case 'sendPrepare': {
        const { message } = action
        const answered = (outcome: Outcome): void => this.emit({ kind: 'prepareAnswered', number: message.number, outcome })
        return void this.send({ kind: 'configPrepare', prepare: message, dryRun: false }, PREPARE_TIMEOUT_MS).then(answered)
      }
      case 'sendAgreed': {
        const answered = ({ ok }: Outcome): void => this.emit({ kind: 'agreedAnswered', number: action.number, ok })
        return void this.send({ kind: 'configAgreed', agreed: action.agreed }, TELL_TIMEOUT_MS).then(answered)
      }
      case 'ask':
        return void this.send({ kind: 'configAsk' }, ASK_TIMEOUT_MS).then((outcome) => this.heardAnswer(outcome))
    }
  }

  private heardAnswer(outcome: Outcome): void {
    const answer = outcome.ok ? configAnswerSchema.safeParse(outcome.result) : null
    this.emit({ kind: 'askAnswered', answer: answer?.success ? answer.data : null })
  }

  private async send(message: ConfigMessage, timeoutMs: number): Promise<Outcome> {
    const sent = await outcomeOf(this.options.ports.peer.send(message, timeoutMs))
    return sent.ok ? sent.result : sent
  }

  private async persist(): Promise<void> {
    const { agreed, isAgreed, prepared } = this.state
    const changes = agreed.text !== this.kept.agreed.text
    const moved = changes ? { before: this.kept.before ?? this.kept.agreed, history: withOlder(this.kept), fileWritten: false } : {}
    await this.keep({ agreed, isAgreed, prepared, ...moved })
  }

  private async keep(change: Partial<KeptConfig>): Promise<void> {
    this.kept = { ...this.kept, ...change }
    await this.options.ports.configuration.save(this.kept)
  }

  /** It is on disk. Heartbeats first: the other node changes its links too. */
  private async use(agreed: ConfigVersion): Promise<void> {
    const { places, ports } = this.options
    const whole = readAgreed(agreed, places.configFile)
    if (whole === null) throw new Error(`version ${agreed.version} of the configuration cannot be read by this version of the program`)
    this.whole = whole
    places.config = inForce(whole, this.node, this.kept)
    await ports.heartbeat
      .reconfigure()
      .catch((error: unknown) => ports.log.event('error', `The heartbeat links could not be changed: ${failureOf(error).message}`))
    this.options.use(places.config, hashOf(whole), agreed.version)
    if (!this.kept.fileWritten) await this.writeFile(agreed)
  }

  /** A file that cannot be written is no reason to go by an old one: it is written when the engine starts again. */
  private async writeFile({ text, version }: ConfigVersion): Promise<void> {
    const { places, ports } = this.options
    const written = await outcomeOf(ports.configuration.writeFile(text))
    if (written.ok) return await this.keep({ fileWritten: true })
    ports.log.event('warning', `Version ${version} of the configuration is in force, but ${places.configFile} could not be written: ${written.error.message}`)
  }
}

/** An older version says no more than that it would take it. */
function checkedThere(node: string, sent: Outcome): ConfigChecked {
  const none = { problems: [], warnings: [], folders: [] }
  if (!sent.ok) return { ...none, problems: [reportOf(node, sent.error)] }
  const read = configCheckedSchema.safeParse(sent.result)
  return read.success ? read.data : none
}

type WithoutTime = AgreementEvent extends infer E ? (E extends AgreementEvent ? Omit<E, 'atMs'> : never) : never
