import { createHash } from 'node:crypto'
import {
  initialState,
  nodeView,
  step,
  type Action,
  type Event,
  type Happening,
  type HeartbeatFacts,
  type Order,
  type Outcome,
  type State
} from '../../src/core'
import type { Config, JobConfig, JobRecord } from '../../src/model'
import type { JobCommand, MirrorAction } from '../../src/wire'
import { blankMachine, serves, statusOf, type Machine } from './machine'
import { A, B, JOB, pairConfig } from './pairConfig'

type Records = Record<string, JobRecord>
type Performed = Exclude<Action, { do: 'persist' }>

export interface FakeNode {
  name: string
  up: boolean
  /** null: the engine is away, or was never started. */
  state: State | null
  boots: number
  engineStarts: number
  disk: Records | null
  machine: Machine
  engineStartedMs: number
  /** Its shutdown has been announced. */
  leaving: boolean
  /** Its mirrorpair.yaml: read when the engine starts. */
  config: Config
}

export interface WorldOptions {
  config?: Config
  /** 0 ≤ random < 1; the same numbers give the same story. */
  random?: () => number
  delayMs?: (what: 'message' | 'order') => number
  loses?: () => boolean
  repeats?: () => boolean
  observe?: (node: FakeNode, event: Event, actions: Action[]) => void
}

interface Waiting {
  atMs: number
  number: number
  run: () => void
}

export const WALL_MS = Date.UTC(2019, 8, 23, 15, 26, 4)
const TICK_MS = 500
const SILENCE_MS = 3_000
const HEAL_MS = 200
const SEND_TIMEOUT_MS = 5_000
const MIRROR_MS = 2_000
const CONNECT_MS = 100

/** Two nodes in virtual time: real decisions, simulated machines and network. */
export class World {
  nowMs = 0
  readonly nodes: Record<string, FakeNode> = {}
  readonly config: Config
  readonly cuts = new Set<string>()
  /** No heartbeat and no message gets through, although the service network lives: the VIP still answers. */
  private silent = false
  /** Set by stories and seeds: this order fails on this node. */
  fails: (node: string, order: Order) => string | null = () => null
  /** Answers to messages of this kind are lost. */
  losesAnswer: (kind: string) => boolean = () => false
  /** Messages of this kind are lost on their way. */
  losesMessage: (kind: string) => boolean = () => false
  readonly replies: { node: string; request: number; outcome: Outcome }[] = []
  private readonly waiting: Waiting[] = []
  private numbers = 0
  private requests = 0
  private readonly begun = new Map<string, { cancelled: boolean }>()
  private readonly asked = new Map<string, (outcome: Outcome) => void>()
  private dataEpoch = 0

  constructor(readonly options: WorldOptions = {}) {
    this.config = options.config ?? pairConfig()
    for (const name of [A, B]) {
      this.nodes[name] = {
        name,
        up: false,
        state: null,
        boots: 0,
        engineStarts: 0,
        disk: null,
        machine: blankMachine(name === A),
        engineStartedMs: 0,
        leaving: false,
        config: this.config
      }
    }
  }

  node(name: string): FakeNode {
    const node = this.nodes[name]
    if (!node) throw new Error(`no node ${name}`)
    return node
  }

  other(node: FakeNode): FakeNode {
    return this.node(node.name === A ? B : A)
  }

  /** Another file on one node, or on both, from the next start of the engine on. */
  changeConfig(change: (job: JobConfig) => Partial<JobConfig> | null, names: string[] = [A, B]): void {
    for (const name of names) {
      const node = this.node(name)
      const { [JOB]: job, ...others } = node.config.jobs
      const changed = job ? change(job) : null
      node.config = { ...node.config, jobs: job && changed ? { ...others, [JOB]: { ...job, ...changed } } : others }
    }
  }

  after(delayMs: number, run: () => void): void {
    this.numbers += 1
    const item = { atMs: this.nowMs + delayMs, number: this.numbers, run }
    const index = this.waiting.findIndex((other) => other.atMs > item.atMs)
    this.waiting.splice(index < 0 ? this.waiting.length : index, 0, item)
  }

  /** Lets virtual time pass. */
  run(forMs: number): void {
    const untilMs = this.nowMs + forMs
    for (let next = this.waiting[0]; next && next.atMs <= untilMs; next = this.waiting[0]) {
      this.waiting.shift()
      this.nowMs = next.atMs
      next.run()
    }
    this.nowMs = untilMs
  }

  // ── nodes ───────────────────────────────────────────────────────────────

  boot(name: string): void {
    const node = this.node(name)
    if (node.up) return
    node.up = true
    node.leaving = false
    node.boots += 1
    this.startEngine(name)
    this.pathsChanged()
  }

  /** Everything of the node ends at once; what was on disk stays. */
  kill(name: string): void {
    const node = this.node(name)
    node.up = false
    node.state = null
    node.machine = blankMachine(node.machine.data.copyComplete, node.machine.data.content)
    this.pathsChanged()
  }

  /** The node's services stop in order, its shutdown is announced, and it is gone. */
  shutDown(name: string): void {
    const node = this.node(name)
    node.leaving = true
    this.tellHeartbeats(false)
    this.after(HEAL_MS, () => this.kill(name))
  }

  crashEngine(name: string): void {
    this.node(name).state = null
  }

  startEngine(name: string): void {
    const node = this.node(name)
    if (!node.up || node.state) return
    node.engineStarts += 1
    node.engineStartedMs = this.nowMs
    node.state = initialState({
      node: name,
      config: node.config,
      configHash: createHash('sha256').update(JSON.stringify(node.config)).digest('hex'),
      incarnation: `${name}-${node.engineStarts}`
    })
    this.emit(node, { kind: 'booted', records: node.disk })
    this.emit(node, { kind: 'heartbeatChanged', heartbeat: this.heartbeatOf(node, false) })
    this.tick(node, node.engineStarts)
  }

  private tick(node: FakeNode, engine: number): void {
    if (!node.state || node.engineStarts !== engine) return
    this.emit(node, { kind: 'ticked', heartbeat: node.state.heartbeat })
    this.after(TICK_MS, () => this.tick(node, engine))
  }

  emit(node: FakeNode, happening: Happening): void {
    if (!node.state) return
    const event = { ...happening, atMs: this.nowMs, wallMs: WALL_MS + this.nowMs } as Event
    const { state, actions } = step(node.state, event)
    node.state = state
    this.options.observe?.(node, event, actions)
    for (const action of actions) this.obey(node, action)
  }

  // ── paths and heartbeats ────────────────────────────────────────────────

  cut(...links: string[]): void {
    for (const link of links) this.cuts.add(link)
    this.pathsChanged()
  }

  loseHeartbeats(): void {
    this.silent = true
    this.pathsChanged()
  }

  heal(): void {
    this.cuts.clear()
    this.silent = false
    this.pathsChanged()
  }

  linkWorks(link: string): boolean {
    return !this.silent && this.pathWorks(link)
  }

  private pathWorks(link: string): boolean {
    return !this.cuts.has(link) && this.node(A).up && this.node(B).up
  }

  reachable(): boolean {
    return this.config.links.some(({ name }) => this.linkWorks(name))
  }

  private dataReachable(): boolean {
    return this.config.links.some(({ name, data }) => data && this.linkWorks(name))
  }

  private pathsChanged(): void {
    const jitter = Math.floor((this.options.random?.() ?? 0) * 500)
    this.after(HEAL_MS, () => this.tellHeartbeats(false))
    this.after(SILENCE_MS + jitter, () => this.tellHeartbeats(true))
    this.after(CONNECT_MS, () => this.connectData())
  }

  /** A link that has come back is heard soon, one that is cut is missed only after its silence. */
  private tellHeartbeats(silenceToo: boolean): void {
    for (const node of Object.values(this.nodes)) {
      if (!node.state) continue
      const view = this.heartbeatOf(node, !silenceToo)
      if (JSON.stringify(view) !== JSON.stringify(node.state.heartbeat)) this.emit(node, { kind: 'heartbeatChanged', heartbeat: view })
    }
  }

  private heartbeatOf(node: FakeNode, keepUp: boolean): HeartbeatFacts {
    const before = node.state?.heartbeat
    const links = this.config.links.map(({ name, addresses }) => {
      const known = before?.links.find((link) => link.name === name)
      const up = this.linkWorks(name) || (keepUp && (known?.up ?? false))
      const ageMs = up || (known?.ageMs ?? null) !== null ? 0 : null
      const ends = { local: addresses[node.name] ?? '', remote: addresses[this.other(node).name] ?? '' }
      return { name, up, state: up ? ('ok' as const) : ('error' as const), ...ends, ageMs, sent: 0, received: 0, missed: 0, rejected: 0 }
    })
    return { links, peerAlive: links.some((link) => link.up), peerEngineSilentMs: 0, peerLeaving: this.other(node).leaving }
  }

  // ── actions ─────────────────────────────────────────────────────────────

  private obey(node: FakeNode, action: Action): void {
    if (!node.state) return
    if (action.do === 'persist') node.disk = action.records
    else this.perform(node, action)
  }

  private perform(node: FakeNode, action: Performed): void {
    switch (action.do) {
      case 'log':
        return
      case 'reply':
        return this.replied(node, action.request, action.outcome)
      case 'order':
        return this.order(node, action)
      case 'look':
        return this.emit(node, { kind: 'vipsSeen', job: action.job, attempt: action.attempt, held: [...node.machine.vips] })
      case 'sendState':
        return this.send(
          node,
          'state',
          (request) => ({ kind: 'peerStateReceived', request, view: action.view }),
          (outcome) => {
            if (outcome?.ok) this.emit(node, { kind: 'peerStateDelivered', sentAtMs: action.atMs })
          }
        )
      case 'sendHandover': {
        const { job, roleSequence, record, start, ticket } = action
        return this.send(
          node,
          'handover',
          (request) => ({ kind: 'handoverReceived', request, job, roleSequence, record, start, ticket }),
          this.answered(node, action, 'offer')
        )
      }
      case 'sendWithdraw': {
        const { job, roleSequence, ticket } = action
        return this.send(
          node,
          'withdraw',
          (request) => ({ kind: 'withdrawReceived', request, job, roleSequence, ticket }),
          this.answered(node, action, 'withdraw')
        )
      }
      case 'forward': {
        const { do: _, request: asked, ...command } = action
        return this.send(
          node,
          'command',
          (request) => ({ kind: 'commandGiven', request, ...command }),
          (outcome) => outcome && this.replied(node, asked, outcome)
        )
      }
    }
  }

  private answered(node: FakeNode, sent: { job: string; roleSequence: number; ticket: string }, asked: 'offer' | 'withdraw') {
    const { job, roleSequence, ticket } = sent
    return (outcome: Outcome | null): void => {
      const answer =
        outcome === null
          ? { is: 'silence' as const, why: 'timeout' }
          : outcome.ok
            ? { is: 'record' as const, record: outcome.result as JobRecord }
            : { is: 'refusal' as const, error: outcome.error }
      this.emit(node, { kind: 'handoverAnswered', job, roleSequence, ticket, asked, answer })
    }
  }

  /** A message goes to the engine that runs now: one that restarts meanwhile never sees it, as with a TCP connection. */
  private send(from: FakeNode, kind: string, happening: (request: number) => Happening, done: (outcome: Outcome | null) => void): void {
    const to = this.other(from)
    const [fromEngine, toEngine] = [from.engineStarts, to.engineStarts]
    let open = true
    const finish = (outcome: Outcome | null): void => {
      if (!open) return
      open = false
      if (from.engineStarts === fromEngine && from.state) done(outcome)
    }
    this.after(SEND_TIMEOUT_MS, () => finish(null))
    const deliver = (): void => {
      if (this.losesMessage(kind) || !this.reachable() || to.engineStarts !== toEngine || !to.state) return
      this.requests += 1
      const request = this.requests
      this.asked.set(`${to.name}/${request}`, (outcome) => {
        const lost = this.losesAnswer(kind) || this.options.loses?.() || !this.reachable()
        if (!lost) this.after(this.delay('message'), () => finish(outcome))
      })
      this.emit(to, happening(request))
    }
    if (!this.reachable() || this.options.loses?.()) return
    this.after(this.delay('message'), deliver)
    if (this.options.repeats?.()) this.after(this.delay('message') * 3, deliver)
  }

  command(name: string, command: JobCommand, more: { dryRun?: boolean; action?: MirrorAction; node?: string } = {}): number {
    this.requests += 1
    const request = this.requests
    this.emit(this.node(name), {
      kind: 'commandGiven',
      request,
      job: JOB,
      command,
      action: more.action ?? null,
      node: more.node ?? null,
      dryRun: more.dryRun ?? false,
      account: 'root',
      reason: null
    })
    return request
  }

  private replied(node: FakeNode, request: number, outcome: Outcome): void {
    const key = `${node.name}/${request}`
    const asked = this.asked.get(key)
    this.asked.delete(key)
    if (asked) asked(outcome)
    else this.replies.push({ node: node.name, request, outcome })
  }

  private delay(what: 'message' | 'order'): number {
    return this.options.delayMs?.(what) ?? (what === 'message' ? 5 : 100)
  }

  // ── orders ──────────────────────────────────────────────────────────────

  private order(node: FakeNode, action: Extract<Action, { do: 'order' }>): void {
    const { order, job, attempt, roleSequence, task } = action
    const { boots, engineStarts } = node
    const token = this.lane(node, order)
    this.after(this.delay('order'), () => {
      if (!node.up || node.boots !== boots) return
      // An order of an engine that has died may or may not have been carried out.
      if (node.engineStarts !== engineStarts || !node.state) return
      const why = token.cancelled ? 'it was stopped' : this.fails(node.name, order)
      const outcome: Outcome = why === null ? this.carryOut(node, order, roleSequence) : failed(why)
      this.emit(node, { kind: 'orderEnded', job, attempt, roleSequence, task, outcome })
    })
  }

  /** What ends a thing overrules what began it (agent/engine/lanes.ts). */
  private lane(node: FakeNode, order: Order): { cancelled: boolean } {
    const lane = `${node.name}/${order.do === 'raise' || order.do === 'drop' ? order.vip.name : order.do === 'start' || order.do === 'stop' ? order.application : 'data'}`
    const ends = order.do === 'drop' || (order.do === 'stop' && order.kill) || (order.do === 'stopData' && order.force)
    const before = this.begun.get(lane)
    if (ends && before) before.cancelled = true
    const token = { cancelled: false }
    if (order.do === 'raise' || order.do === 'start' || order.do === 'source' || order.do === 'target') this.begun.set(lane, token)
    return token
  }

  private carryOut(node: FakeNode, order: Order, roleSequence: number): Outcome {
    const { machine } = node
    switch (order.do) {
      case 'observe':
        machine.data.running = true
        return done({
          held: [...machine.vips],
          running: [...machine.applications],
          data: node.config.jobs[JOB]?.data ? { ran: true, status: statusOf(machine.data) } : null
        })
      case 'probe':
        return done(this.pathWorks('service') && this.other(node).machine.vips.has(order.vip.name) ? '52:54:00:00:00:01' : null)
      case 'raise':
        machine.vips.add(order.vip.name)
        return done(null)
      case 'drop':
        machine.vips.delete(order.vip.name)
        return done(null)
      case 'start':
        machine.applications.add(order.application)
        return done(null)
      case 'stop':
        machine.applications.delete(order.application)
        return done(null)
      case 'drain':
        return this.drain(node)
      case 'mirror':
        return machine.data.connected ? done(null) : failed('not connected')
      default:
        return this.changeData(node, order, roleSequence)
    }
  }

  private drain(node: FakeNode): Outcome {
    const { data } = node.machine
    if (!data.connected || data.mirroring) return failed('the target is not connected')
    this.other(node).machine.data.content = data.content
    return done(null)
  }

  private changeData(node: FakeNode, order: Extract<Order, { do: 'source' | 'target' | 'stopData' }>, roleSequence: number): Outcome {
    const { data } = node.machine
    this.disconnect()
    if (order.do === 'stopData') data.role = 'none'
    else {
      const same = data.role === order.do && data.roleSequence === roleSequence
      data.role = order.do
      data.roleSequence = roleSequence
      data.running = true
      if (order.do === 'source' && !same) data.peerCopyComplete = order.peerCopyComplete
    }
    this.tellData(node)
    this.after(CONNECT_MS, () => this.connectData())
    return done(null)
  }

  private ends(): { source: FakeNode; target: FakeNode } | null {
    const [a, b] = [this.node(A), this.node(B)]
    const pair = (source: FakeNode, target: FakeNode) =>
      source.machine.data.role === 'source' && target.machine.data.role === 'target' && source.machine.data.roleSequence === target.machine.data.roleSequence
        ? { source, target }
        : null
    return pair(a, b) ?? pair(b, a)
  }

  private connectData(): void {
    const ends = this.ends()
    if (!ends || !this.dataReachable()) return this.disconnect()
    const [from, to] = [ends.source.machine.data, ends.target.machine.data]
    if (from.connected) return
    this.dataEpoch += 1
    const epoch = this.dataEpoch
    from.connected = to.connected = true
    from.mirroring = to.mirroring = !from.peerCopyComplete
    if (from.peerCopyComplete) to.copyComplete = true
    else to.copyComplete = false
    if (from.mirroring) this.after(MIRROR_MS, () => epoch === this.dataEpoch && from.connected && this.mirrored(ends.source, ends.target))
    this.tellData(ends.source)
    this.tellData(ends.target)
  }

  private mirrored(source: FakeNode, target: FakeNode): void {
    source.machine.data.mirroring = target.machine.data.mirroring = false
    source.machine.data.peerCopyComplete = target.machine.data.copyComplete = true
    target.machine.data.content = source.machine.data.content
    this.tellData(source)
    this.tellData(target)
  }

  private disconnect(): void {
    this.dataEpoch += 1
    for (const node of Object.values(this.nodes)) {
      const { data } = node.machine
      if (!data.connected) continue
      data.connected = data.mirroring = false
      if (data.role === 'source') data.peerCopyComplete = false
      this.tellData(node)
    }
  }

  private tellData(node: FakeNode): void {
    this.emit(node, { kind: 'dataStatusChanged', job: JOB, status: statusOf(node.machine.data) })
  }

  /** The application writes; a connected target has it a moment later, and what is under way when it dies is lost. */
  write(): void {
    for (const node of Object.values(this.nodes)) {
      const { data, applications } = node.machine
      if (data.role === 'source' && applications.size > 0) data.content += 1
    }
  }

  applicationDies(name: string, application: string): void {
    const node = this.node(name)
    if (node.machine.applications.delete(application)) this.emit(node, { kind: 'applicationFailed', job: JOB, application, why: 'it ended with exit code 1' })
  }

  dataDies(name: string): void {
    const node = this.node(name)
    const { data } = node.machine
    if (data.role === 'none') return
    this.disconnect()
    data.role = 'none'
    this.emit(node, { kind: 'dataLost', job: JOB, why: 'its program died' })
  }

  serving(): FakeNode[] {
    return Object.values(this.nodes).filter((node) => serves(node.machine))
  }

  view(name: string) {
    const { state } = this.node(name)
    return state ? nodeView(state) : null
  }
}

const done = (result: unknown): Outcome => ({ ok: true, result })
const failed = (why: string): Outcome => ({ ok: false, error: { code: 'E_FAKE', message: why, tryThis: 'Nothing.', exitCode: 1 } })
