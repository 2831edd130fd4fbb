import { goesByConfig } from '../../src/core/staleConfig'
import {
  type Agreement,
  type AgreementAction,
  type AgreementEvent,
  type AgreementOutcome,
  type Kept,
  startAgreement,
  stepAgreement
} from '../../src/core/agreement/agreement'
import type { Failure, Outcome, State } from '../../src/core'
import type { Config } from '../../src/model'
import type { ConfigAnswer, ConfigPrepare, ConfigVersion, NodeView } from '../../src/wire'
import { jobsOf } from '../../agent/engine/openConfig'
import type { FakeNode } from './fakeNode'
import type { World } from './world'

type WithoutTime = AgreementEvent extends infer E ? (E extends AgreementEvent ? Omit<E, 'atMs'> : never) : never
type OnDisk = Kept & { before: ConfigVersion | null; passed: ConfigVersion[] }

const failure = (code: string, message: string): Failure => ({ code, message, tryThis: 'Nothing.', exitCode: 1 })

/** The texts of all versions that were ever proposed in a world, read. */
export class Texts {
  private readonly configs: Config[] = []

  write(config: Config): string {
    return String(this.configs.push(config) - 1)
  }

  read({ text }: ConfigVersion): Config {
    return this.configs[Number(text)] as Config
  }
}

/** With which both nodes begin. */
export const firstVersion = (texts: Texts, config: Config): ConfigVersion => {
  const text = texts.write(config)
  return { version: 1, hash: text, text, by: 'its maker', why: null, node: '', wallMs: 0, witnessSince: 0, id: 'given' }
}

/** agent/engine/agreeing.ts in virtual time: one event at a time, its persist before anything else of it; a crash in the middle leaves what is on the disk. */
export class FakeAgreeing {
  private readonly onDisk: { kept: OnDisk }
  private state: Agreement | null = null
  private queue: WithoutTime[] = []
  private busy = false
  private changing = false
  private checking = 0
  private readonly answers = new Map<number, (outcome: AgreementOutcome) => void>()
  private requests = 0

  constructor(
    private readonly world: World,
    private readonly node: FakeNode,
    private readonly texts: Texts,
    agreed: ConfigVersion
  ) {
    this.onDisk = { kept: { agreed, isAgreed: true, prepared: null, before: null, passed: [] } }
  }

  get kept(): OnDisk {
    return this.onDisk.kept
  }

  config(): Config {
    return this.inForce(this.kept.agreed)
  }

  private inForce(version: ConfigVersion): Config {
    const config = this.texts.read(version)
    const { jobsSince } = version
    const jobs = jobsSince
      ? Object.fromEntries(Object.entries(config.jobs).map(([name, job]) => [name, jobsSince[name] ? { ...job, since: jobsSince[name] } : job] as const))
      : config.jobs
    const quorum = config.quorum && { ...config.quorum, configVersion: this.kept.isAgreed ? this.kept.agreed.version : 0 }
    return { ...config, jobs, ...(quorum ? { quorum } : {}) }
  }

  /** The engine starts: what else there is beside the one in force. */
  start(incarnation: string): { before: Config | null; passed: Config[]; promised: Config | null } {
    const { kept, node } = this
    this.end()
    this.state = startAgreement({ node: node.name, peerNode: this.world.other(node).name, incarnation }, kept)
    return {
      before: kept.before && this.inForce(kept.before),
      passed: kept.passed.map((version) => this.inForce(version)),
      promised: kept.prepared && this.inForce(kept.prepared)
    }
  }

  end(): void {
    this.state = null
    this.queue = []
    this.busy = this.changing = false
    this.checking = 0
    this.answers.clear()
  }

  /** Somebody types it here: checked by the jobs of both nodes, then agreed on, or refused. */
  change(edit: (config: Config) => Config): void {
    const { state } = this
    if (state === null || this.changing) return
    this.changing = true
    this.checking += 1
    const next = edit(this.texts.read(state.agreed))
    this.hold(next, (held) => {
      const text = this.texts.write(next)
      const content = { text, hash: text, by: 'root', why: null, wallMs: this.world.nowMs, newWitness: false, ...jobsOf(this.texts.read(state.agreed), next) }
      if (!held.ok) this.endChange()
      else
        this.ask(
          (request) => ({ kind: 'proposed', request, next: content, whole: false }),
          () => this.endChange()
        )
    })
  }

  private endChange(): void {
    this.changing = false
    this.endChecking()
  }

  private endChecking(): void {
    this.checking -= 1
    this.letGo()
  }

  private hold(next: Config, done: (outcome: Outcome) => void): void {
    this.world.messages.askCore(this.node, (request) => ({ kind: 'configHeld', request, next, dryRun: false }), done)
  }

  private letGo(): void {
    if (this.checking === 0 && this.state?.prepared === null && this.state.proposal?.phase !== 'asking') this.world.emit(this.node, { kind: 'configReleased' })
  }

  peerSeen({ configVersion, configAgreed, configHash }: NodeView): void {
    const known = this.state?.peer
    if (configVersion === undefined || (known?.version === configVersion && known.hash === configHash && this.isSettled())) return
    this.emit({ kind: 'peerSeen', version: configVersion, agreed: configAgreed === true, hash: configHash })
  }

  private isSettled(): boolean {
    const { state } = this
    return state === null || (state.prepared === null && state.isAgreed && (state.peer === null || state.peer.version <= state.agreed.version))
  }

  versionSeen(version: number): void {
    if (this.state?.prepared) this.emit({ kind: 'versionSeen', version })
  }

  tick(): void {
    if (!this.isSettled()) this.emit({ kind: 'ticked' })
  }

  /** Nothing of the one before is left anywhere. */
  published(state: State): void {
    if (this.kept.before === null || !state.booted || state.configVersion !== this.kept.agreed.version || state.unconfirmed !== null) return
    if (!Object.values(state.jobs).every(goesByConfig)) return
    if ((state.peer?.view.configVersion ?? 0) >= state.configVersion) this.onDisk.kept = { ...this.kept, before: null, passed: [] }
  }

  private ask(event: (request: number) => WithoutTime, done: (outcome: AgreementOutcome) => void): void {
    this.requests += 1
    this.answers.set(this.requests, done)
    this.emit(event(this.requests))
  }

  private emit(event: WithoutTime): void {
    if (this.state === null) return
    this.queue.push(event)
    if (!this.busy) this.next()
  }

  private next(): void {
    const event = this.queue.shift()
    this.busy = event !== undefined && this.state !== null
    if (event === undefined || this.state === null) return
    const { state, actions } = stepAgreement(this.state, { ...event, atMs: this.world.localMs(this.node.name) } as AgreementEvent)
    this.state = state
    const act = (): void => {
      for (const action of actions) this.act(action)
      this.next()
    }
    if (actions[0]?.do === 'persist') this.persist(state, act)
    else act()
  }

  private persist({ agreed, isAgreed, prepared }: Agreement, done: () => void): void {
    const { engineStarts } = this.node
    this.world.onNode(this.node, this.world.options.diskMs?.() ?? 0, () => {
      if (this.node.engineStarts !== engineStarts || this.state === null) return
      const { before, passed } = this.kept
      const moved =
        agreed.text === this.kept.agreed.text
          ? { before, passed }
          : before === null
            ? { before: this.kept.agreed, passed }
            : { before, passed: [...passed, this.kept.agreed] }
      if (agreed.version > this.kept.agreed.version) this.world.options.happened?.('the configuration of a node is changed')
      this.onDisk.kept = { agreed, isAgreed, prepared, ...moved }
      done()
    })
  }

  private act(action: AgreementAction): void {
    switch (action.do) {
      case 'persist':
        return
      case 'use':
        this.node.config = this.inForce(action.agreed)
        this.world.jobs.follow(this.node, false)
        return this.world.emit(this.node, { kind: 'configChanged', config: this.node.config, configHash: action.agreed.hash, version: action.agreed.version })
      case 'release':
        return this.letGo()
      case 'reply':
        this.answers.get(action.request)?.(action.outcome)
        return void this.answers.delete(action.request)
      case 'sendPrepare':
        return this.send(
          (to, answer) => to.prepare(action.message, answer),
          (outcome) => this.emit({ kind: 'prepareAnswered', number: action.message.number, outcome })
        )
      case 'sendAgreed':
        return this.send(
          (to, answer) => to.agreed(action.agreed, answer),
          ({ ok }) => this.emit({ kind: 'agreedAnswered', number: action.number, ok })
        )
      case 'ask':
        return this.send(
          (to, answer) => to.whatIs(answer),
          (outcome) => this.emit({ kind: 'askAnswered', answer: outcome.ok ? (outcome.result as ConfigAnswer) : null })
        )
    }
  }

  private send(receive: (to: FakeAgreeing, answer: (outcome: Outcome) => void) => void, done: (outcome: Outcome) => void): void {
    this.world.messages.post(
      this.node,
      'config',
      (to, answer) => to.agreeing && receive(to.agreeing, answer),
      (outcome) => done(outcome ?? { ok: false, error: failure('E_PEER_UNREACHABLE', 'no answer') })
    )
  }

  private prepare(message: ConfigPrepare, answer: (outcome: Outcome) => void): void {
    const refuse = (why: string): void => answer({ ok: false, error: failure('E_CONFIG_BUSY', why) })
    const { agreed, isAgreed } = this.kept
    if (this.changing) return refuse('a change is under way')
    if (message.base !== agreed.hash || !isAgreed) return refuse('another base')
    this.checking += 1
    const end = (outcome: Outcome): void => {
      this.endChecking()
      answer(outcome)
    }
    this.hold(this.texts.read(message.next), (held) => {
      if (held.ok)
        this.ask(
          (request) => ({ kind: 'prepareReceived', request, message, check: null }),
          (outcome) => this.answered(outcome, end)
        )
      else end(held)
    })
  }

  private agreed(agreed: ConfigVersion, answer: (outcome: Outcome) => void): void {
    this.ask(
      (request) => ({ kind: 'agreedReceived', request, agreed }),
      (outcome) => this.answered(outcome, answer)
    )
  }

  private whatIs(answer: (outcome: Outcome) => void): void {
    this.ask(
      (request) => ({ kind: 'askReceived', request }),
      (outcome) => this.answered(outcome, answer)
    )
  }

  private answered(outcome: AgreementOutcome, answer: (outcome: Outcome) => void): void {
    if (outcome.ok) answer(outcome)
    else answer({ ok: false, error: failure('E_CONFIG_BUSY', outcome.refusal.why) })
  }
}
