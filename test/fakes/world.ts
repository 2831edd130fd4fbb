import { createHash } from 'node:crypto'
import {
  initialState,
  nodeView,
  step,
  type Action,
  type Event,
  type HandoverAnswer,
  type Happening,
  type HeartbeatFacts,
  type Order,
  type Outcome,
  type State
} from '../../src/core'
import { type Config, hasQuorum, type JobConfig, type JobRecord, type QuorumConfig } from '../../src/model'
import type { CommandOptions, Danger, JobCommand, VoteMessage } from '../../src/wire'
import type { Ballot, VipPath, VoteReply } from '../../src/wire'
import { type KeptRecord, readKept } from '../../src/wire/keptState'
import { asServed } from '../../src/core/modeChange'
import { FakeAgreeing, firstVersion, Texts } from './agreeing'
import { DataPlane } from './dataPlane'
import { FakeLanes } from './fakeLanes'
import { blankMachine, done, failed, serves, statusOf, type Machine } from './machine'
import { A, B, JOB, pairConfig } from './pairConfig'
import { type Mishap, mishapsOfPaths, wakesAsLeader } from './mishaps'
import { VirtualTime } from '../../agent/sim/virtualTime'
import { hasLeft } from '../../src/core/leave'
import { FakeStore } from './store'
import { FakeWitness, W } from './witness'

type Records = Record<string, KeptRecord>
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
  /** Events that wait while one is being decided or persisted. */
  queue: Happening[]
  turning: boolean
  /** Carries out an order that is under way, whoever asked for it. */
  underWay: Set<() => void>
  /** On the way to the disk. */
  saving: Records | null
  /** Its mirrorpair.yaml: read when the engine starts. */
  config: Config
  /** All of the node is stopped (a suspended machine): it knows nothing of it. */
  paused: boolean
  /** What would have happened on it meanwhile. */
  asleep: (() => void)[]
  /** The next persist fails, and its engine ends. */
  diskFails: boolean
  /** What outlives the engine, and what the data program was told, on the node's own clock. */
  guard: { roleSequence: number; untilMs: number; killAtMs: number } | null
  /** How it agrees on a configuration with the other one; null: it is given one. */
  agreeing: FakeAgreeing | null
}

export interface WorldOptions {
  config?: Config
  /** 0 ≤ random < 1; the same numbers give the same story. */
  random?: () => number
  delayMs?: (what: 'message' | 'order') => number
  loses?: () => boolean
  repeats?: () => boolean
  /** How long a persist takes; 0 when it is left out. */
  diskMs?: () => number
  /** Orders that were under way when their engine crashed: done all the same, and nobody hears of it? */
  finishes?: () => boolean
  saved?: (node: FakeNode, records: Records) => void
  observe?: (node: FakeNode, event: Event, actions: Action[]) => void
  /** How fast the clock of a host runs; 1 when it is left out. */
  clockRate?: (host: string) => number
  /** Something began that serves: an address, an application, an acknowledgement. */
  served?: (node: FakeNode, what: string) => void
  /** What the witness recorded, and what it answered. */
  witnessed?: (ballot: Ballot) => void
  answered?: (reply: VoteReply) => void
  wiped?: () => void
  /** How long the guard's kill takes; at once when it is left out. */
  killMs?: () => number
  /** What went wrong, and really did: for those who count. */
  happened?: (what: Mishap) => void
  /** Configurations are agreed on while the engines run, as agent/engine/agreeing.ts does it. */
  agrees?: boolean
  /** Planted bugs of the tests go in here. */
  step?: typeof step
}

/** `fails`: it says so, and the other node is off or not. */
export interface FakeFence {
  afterMs: number
  fails: boolean
  switchesOff: boolean
}

const FENCES: FakeFence = { afterMs: 0, fails: false, switchesOff: true }

export const WALL_MS = Date.UTC(2019, 8, 23, 15, 26, 4)
const TICK_MS = 500
const SILENCE_MS = 3_000
const HEAL_MS = 200
const SEND_TIMEOUT_MS = 5_000
const REACH_MS = 1_000
const NIC_LOOK_MS = 500
/** Of a machine that nobody has made busy, in per cent. */
const IDLE = 5
const LEAVE_LIMIT_MS = 30_000
/** From here on it is told as one. */
const SLOW_DISK_MS = 1_000

function witnessOf(world: World, config: Config): FakeWitness | null {
  if (!config.witness) return null
  return config.witness.etcd ? new FakeStore(world, config) : new FakeWitness(world, config)
}

const bootOf = ({ name, boots }: FakeNode): string => `${name}-boot-${boots}`

/** Two nodes in virtual time: real decisions, simulated machines and network. */
export class World {
  private readonly time = new VirtualTime()
  readonly data = new DataPlane(this)
  readonly nodes: Record<string, FakeNode> = {}
  readonly config: Config
  readonly cuts = new Set<string>()
  /** No heartbeat and no message gets through, although the service network lives: the VIP still answers. */
  private silent = false
  /** `RMHW131>witness`: what the first one sends there is lost. */
  readonly oneWay = new Set<string>()
  /** These nodes do not reach the addresses of the arbitration. */
  readonly gatewayLost = new Set<string>()
  /** What a node's fence agent does to the other one, and says; it works when nothing is said here. */
  readonly fences = new Map<string, FakeFence>()
  readonly nicLost = new Map<string, VipPath>()
  /** How busy a node is, where it is not idle; null: it cannot be read. */
  readonly cpu = new Map<string, number | null>()
  readonly witness: FakeWitness | null
  /** Set by stories and seeds: this order fails on this node. */
  fails: (node: string, order: Order) => string | null = () => null
  /** Answers to messages of this kind are lost. */
  losesAnswer: (kind: string) => boolean = () => false
  /** Messages of this kind are lost on their way. */
  losesMessage: (kind: string) => boolean = () => false
  readonly replies: { node: string; request: number; outcome: Outcome }[] = []
  private requests = 0
  /** Messages between the nodes, and the newest that has arrived of each: counted for those who want to know. */
  private sent = 0
  private readonly newest = new Map<string, number>()
  private readonly lanes = new FakeLanes()
  /** By request: no two nodes are asked with the same number. */
  private readonly asked = new Map<number, (outcome: Outcome) => void>()

  constructor(readonly options: WorldOptions = {}) {
    this.config = options.config ?? pairConfig()
    this.witness = witnessOf(this, this.config)
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
        queue: [],
        turning: false,
        underWay: new Set(),
        saving: null,
        config: this.config,
        paused: false,
        asleep: [],
        diskFails: false,
        guard: null,
        agreeing: null
      }
    }
    if (options.agrees) this.agreeFromNowOn()
  }

  private agreeFromNowOn(): void {
    const texts = new Texts()
    const first = firstVersion(texts, this.config)
    for (const node of Object.values(this.nodes)) node.agreeing = new FakeAgreeing(this, node, texts, first)
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

  get nowMs(): number {
    return this.time.nowMs
  }

  after(delayMs: number, run: () => void): void {
    this.time.after(delayMs, run)
  }

  /** Lets virtual time pass. */
  run(forMs: number): void {
    this.time.run(forMs)
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

  /** All three, where there are three, with their engines. */
  bootAll(): void {
    this.witness?.boot()
    for (const name of [A, B]) {
      this.node(name).diskFails = false
      this.boot(name)
      this.startEngine(name)
    }
  }

  /** Everything of the node ends at once; what was on disk stays. */
  kill(name: string): void {
    const node = this.node(name)
    if (node.up) this.options.happened?.(node.saving ? 'a power cut in the middle of a disk write' : 'a power cut')
    node.up = false
    this.endEngine(node)
    node.underWay.clear()
    node.paused = false
    node.asleep = []
    node.guard = null
    node.machine = blankMachine(node.machine.data.copyComplete, keptData(node.machine.data))
    this.pathsChanged()
  }

  /** The node's services stop in order, its shutdown is announced, and it is gone. */
  shutDown(name: string): void {
    const node = this.node(name)
    node.leaving = true
    this.tellHeartbeats(false)
    this.after(HEAL_MS, () => this.kill(name))
  }

  /** As an operating system does it: what the node serves stops first, and the voters are told. It does not wait for ever. */
  leave(name: string): void {
    const node = this.node(name)
    if (!node.up || !node.state || node.leaving) return
    node.leaving = true
    this.tellHeartbeats(false)
    this.emit(node, { kind: 'shutdownBegun' })
    this.endWhenLeft(node, node.boots, this.nowMs + LEAVE_LIMIT_MS)
  }

  private endWhenLeft(node: FakeNode, boots: number, limitMs: number): void {
    this.onNode(node, HEAL_MS, () => {
      if (node.boots !== boots || !node.up) return
      if (this.nowMs >= limitMs || (node.state?.leaving && hasLeft(Object.values(node.state.jobs)))) this.kill(node.name)
      else this.endWhenLeft(node, boots, limitMs)
    })
  }

  /** As a version of before had written it; read as the engine reads it. */
  ageDisk(name: string, formatVersion: 1 | 2): void {
    const node = this.node(name)
    const records = Object.entries(node.disk ?? {}).map(([job, record]) => {
      const { detached: _d, detachSequence: _n, detachUnheard: _u, dataHeld: _h, resources: _e, restarts: _t, ...second } = record
      const { safety: _s, safetySequence: _q, mirrorInSync: _m, syncSequence: _y, selectedSequence: _l, claim: _c, released: _r, ...first } = second
      return [job, formatVersion === 1 ? first : second]
    })
    const read = readKept({ formatVersion, node: name, records: Object.fromEntries(records) })
    if (read.is !== 'state') throw new Error(`format ${formatVersion} is not read: ${JSON.stringify(read)}`)
    node.disk = read.state.records
  }

  /** Somebody types a change of the configuration at this node, as it is there by now. */
  agreeOn(name: string, edit: (config: Config) => Config): void {
    this.node(name).agreeing?.change(edit)
  }

  crashEngine(name: string): void {
    const node = this.node(name)
    if (node.state) this.options.happened?.(node.saving ? 'an engine dies in the middle of a disk write' : 'an engine dies')
    if (node.saving && this.options.finishes?.()) this.save(node, node.saving)
    this.endEngine(node)
    for (const finish of node.underWay) if (this.options.finishes?.()) finish()
    node.underWay.clear()
  }

  private endEngine(node: FakeNode): void {
    this.lanes.forget(node.name)
    node.agreeing?.end()
    node.state = null
    node.queue = []
    node.turning = false
    node.saving = null
  }

  startEngine(name: string): void {
    const node = this.node(name)
    if (!node.up || node.state) return
    node.engineStarts += 1
    node.engineStartedMs = this.nowMs
    const incarnation = `${name}-${node.engineStarts}`
    const { agreeing } = node
    const beside = agreeing?.start(incarnation) ?? {}
    if (agreeing) node.config = agreeing.config()
    const version = agreeing ? { configVersion: agreeing.kept.agreed.version, configAgreed: agreeing.kept.isAgreed } : {}
    node.state = initialState({ node: name, config: node.config, configHash: agreeing?.kept.agreed.hash ?? hashOf(node.config), incarnation, ...version })
    this.emit(node, { kind: 'booted', bootId: bootOf(node), records: node.disk, ...beside })
    this.emit(node, { kind: 'heartbeatChanged', heartbeat: this.heartbeatOf(node, false) })
    this.tellPaths(node)
    this.tick(node, node.engineStarts)
    this.sample(node, node.engineStarts)
  }

  private tick(node: FakeNode, engine: number): void {
    if (!node.state || node.engineStarts !== engine) return
    this.emit(node, { kind: 'ticked', heartbeat: node.state.heartbeat })
    node.agreeing?.tick()
    this.after(TICK_MS, () => this.tick(node, engine))
  }

  /** As agent/adapters/usage does it, where anything is watched. */
  private sample(node: FakeNode, engine: number): void {
    const monitor = node.config.monitors?.[node.name]
    if (!node.state || node.engineStarts !== engine || monitor === undefined) return
    this.emit(node, { kind: 'usageSampled', values: { cpu: this.cpu.has(node.name) ? (this.cpu.get(node.name) ?? null) : IDLE } })
    this.onNode(node, monitor.intervalMs, () => this.sample(node, engine))
  }

  /** As agent/loop.ts does it: one event at a time, and nothing of it is said or done before its records are on disk. */
  emit(node: FakeNode, happening: Happening): void {
    if (!node.state) return
    node.queue.push(happening)
    if (!node.turning && !node.paused) this.turn(node)
  }

  private turn(node: FakeNode): void {
    node.turning = true
    for (let queued = node.queue.shift(); queued && node.state; queued = node.queue.shift()) {
      // When it is looked at, as agent/loop.ts does it: who was asleep must not see old times.
      const event = queued as Event
      event.atMs = this.localMs(node.name)
      event.wallMs = WALL_MS + this.nowMs
      const { state, actions } = (this.options.step ?? step)(node.state, event)
      node.state = state
      this.options.observe?.(node, event, actions)
      const persist = actions[0]?.do === 'persist' ? actions[0] : null
      if (persist && node.diskFails) return this.diskFailed(node)
      const diskMs = persist ? (this.options.diskMs?.() ?? 0) : 0
      if (persist && diskMs > 0) return this.persistSlowly(node, persist.records, actions, diskMs)
      if (persist) this.save(node, persist.records)
      node.agreeing?.published(state)
      for (const action of actions) this.obey(node, action)
    }
    node.turning = false
  }

  /** What was promised is not on disk, so nothing of it was said or done: the engine ends, as agent/loop.ts does it. */
  private diskFailed(node: FakeNode): void {
    node.diskFails = false
    this.options.happened?.('a disk fails')
    this.crashEngine(node.name)
  }

  /** A node or an engine that dies meanwhile has not persisted: not there, and nothing of it was said. */
  private persistSlowly(node: FakeNode, records: Records, actions: Action[], diskMs: number): void {
    const { engineStarts } = node
    if (diskMs > SLOW_DISK_MS) this.options.happened?.('a disk is slow')
    node.saving = records
    this.onNode(node, diskMs, () => {
      if (node.engineStarts !== engineStarts || !node.state) return
      this.save(node, records)
      node.agreeing?.published(node.state)
      for (const action of actions) this.obey(node, action)
      this.turn(node)
    })
  }

  private save(node: FakeNode, records: Records): void {
    this.options.saved?.(node, records)
    node.disk = records
    node.saving = null
  }

  // ── clocks, pauses, the guard ───────────────────────────────────────────

  localMs(host: string): number {
    return this.nowMs * (this.options.clockRate?.(host) ?? 1)
  }

  /** What happens on a node happens when it is awake. */
  onNode(node: FakeNode, delayMs: number, run: () => void): void {
    this.after(delayMs, () => (node.paused ? void node.asleep.push(run) : run()))
  }

  /** It hears and does nothing, and wakes up with its old beliefs; what was to happen comes after. */
  pause(name: string, forMs: number): void {
    const node = this.node(name)
    if (!node.up || node.paused) return
    const { boots } = node
    node.paused = true
    this.pathsChanged()
    this.after(forMs, () => node.boots === boots && this.wake(node))
  }

  private wake(node: FakeNode): void {
    if (!node.up || !node.paused) return
    node.paused = false
    for (const what of wakesAsLeader(this, node)) this.options.happened?.(what)
    this.endWhatIsOver(node)
    if (serves(node.machine)) this.options.served?.(node, 'woke up')
    this.pathsChanged()
    if (!node.turning) this.turn(node)
    for (const run of node.asleep.splice(0)) run()
  }

  private setGuard(node: FakeNode, { roleSequence, untilMs, killAtMs }: Extract<Action, { do: 'lease' }>): void {
    node.guard = { roleSequence, untilMs, killAtMs }
    const trueMs = killAtMs / (this.options.clockRate?.(node.name) ?? 1)
    this.onNode(node, Math.max(0, trueMs - this.nowMs), () => this.guardLooks(node))
    // The data program waits for its lease, and has it again.
    if (!node.machine.data.connected) this.data.later()
  }

  /** What it kills takes its time to be gone. */
  private guardLooks(node: FakeNode): void {
    const { boots } = node
    const killMs = this.options.killMs?.() ?? 0
    if (killMs === 0 || !this.isOver(node)) this.endWhatIsOver(node)
    else this.after(killMs, () => node.boots === boots && node.up && this.endWhatIsOver(node))
  }

  private isOver = ({ name, guard }: FakeNode): boolean => guard !== null && this.localMs(name) + 1 >= guard.killAtMs

  private endWhatIsOver(node: FakeNode): void {
    if (node.guard === null || !this.isOver(node)) return
    // What has no lease sends nothing either: it would overwrite the copy of who is about to take over.
    this.after(Math.max(0, node.guard.untilMs - this.localMs(node.name)) + 1, () => this.data.later())
    node.machine.vips.clear()
    for (const application of [...node.machine.applications]) this.applicationDies(node.name, application)
  }

  /** The mode of the job, as this node goes by it, and not that there is a witness, says whether leases count. */
  hasQuorum({ config }: FakeNode): boolean {
    return hasQuorum(config.jobs[JOB]?.mode ?? 'guide')
  }

  /** As agent/perform.ts gives orders: what is not served under a lease yet is begun as if it needed none. */
  isLeased(node: FakeNode): boolean {
    return hasQuorum((node.state && asServed(node.state, JOB)?.mode) ?? 'guide')
  }

  /** In the modes with quorum nothing begins to serve, and nothing is acknowledged, without a lease that runs. */
  maySource(node: FakeNode): boolean {
    return node.up && !node.paused && (!node.machine.data.leased || (node.guard !== null && this.localMs(node.name) < node.guard.untilMs))
  }

  private whyNotBegin(node: FakeNode, order: Order, roleSequence: number, leased: boolean): string | null {
    if (!leased || !['raise', 'start', 'source'].includes(order.do)) return null
    const { guard } = node
    const runs = guard !== null && guard.roleSequence === roleSequence && this.localMs(node.name) < guard.killAtMs
    return runs ? null : 'its lease is over'
  }

  cutOneWay(from: string, to: string): void {
    this.oneWay.add(`${from}>${to}`)
    this.pathsChanged()
  }

  cutBoth(a: string, b: string): void {
    this.oneWay.add(`${a}>${b}`)
    this.cutOneWay(b, a)
  }

  /** What is sent from one host to another one arrives, if both live. */
  arrives(from: string, to: string): boolean {
    return this.oneWay.size === 0 || !this.oneWay.has(`${from}>${to}`)
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

  /** The cable of its public card is pulled; `other`: a second card of that machine could carry the address. */
  loseNic(name: string, other = false): void {
    const was = this.nicLost.get(name)
    this.nicLost.set(name, other ? 'other' : 'lost')
    this.nicsChanged()
    if (!other || was === 'lost') this.pathsChanged()
  }

  private nicsChanged(): void {
    for (const node of Object.values(this.nodes)) this.onNode(node, NIC_LOOK_MS, () => this.tellPaths(node))
  }

  private tellPaths(node: FakeNode): void {
    const vips = node.config.jobs[JOB]?.vips ?? []
    const path = this.nicLost.get(node.name) ?? 'ok'
    const known = node.state?.jobs[JOB]?.paths
    if (node.state?.booted && vips.some(({ name }) => (known?.[name] ?? 'ok') !== path))
      this.emit(node, { kind: 'vipPathsSeen', job: JOB, paths: Object.fromEntries(vips.map(({ name }) => [name, path])) })
  }

  heal(): void {
    this.nicLost.clear()
    this.nicsChanged()
    this.cuts.clear()
    this.gatewayLost.clear()
    this.oneWay.clear()
    this.silent = false
    this.pathsChanged()
  }

  linkWorks(link: string): boolean {
    return !this.silent && this.pathWorks(link)
  }

  pathWorks(link: string): boolean {
    return !this.cuts.has(link) && !(link === 'service' && [...this.nicLost.values()].includes('lost')) && this.node(A).up && this.node(B).up
  }

  reachable(): boolean {
    return this.config.links.some(({ name }) => this.linkWorks(name))
  }

  private reaches(from: FakeNode, to: FakeNode): boolean {
    return this.arrives(from.name, to.name) && !from.paused && this.reachable()
  }

  dataReachable(): boolean {
    const awake = !this.node(A).paused && !this.node(B).paused && this.arrives(A, B) && this.arrives(B, A)
    return awake && this.config.links.some(({ name, data }) => data && this.linkWorks(name))
  }

  private pathsChanged(): void {
    const jitter = Math.floor((this.options.random?.() ?? 0) * 500)
    if (this.options.happened) for (const what of mishapsOfPaths(this)) this.options.happened(what)
    this.after(HEAL_MS, () => this.tellHeartbeats(false))
    this.after(SILENCE_MS + jitter, () => this.tellHeartbeats(true))
    this.data.later()
  }

  /** A link that has come back is heard soon, one that is cut is missed only after its silence. */
  private tellHeartbeats(silenceToo: boolean): void {
    for (const node of Object.values(this.nodes)) {
      if (!node.state || node.paused) continue
      const view = this.heartbeatOf(node, !silenceToo)
      if (!isSameHeartbeat(view, node.state.heartbeat)) this.emit(node, { kind: 'heartbeatChanged', heartbeat: view })
    }
  }

  private heartbeatOf(node: FakeNode, keepUp: boolean): HeartbeatFacts {
    const before = node.state?.heartbeat
    const links = this.config.links.map(({ name, addresses }) => {
      const known = before?.links.find((link) => link.name === name)
      const hears = this.linkWorks(name) && this.arrives(this.other(node).name, node.name) && !this.other(node).paused
      const up = hears || (keepUp && (known?.up ?? false))
      const ageMs = up || (known?.ageMs ?? null) !== null ? 0 : null
      const ends = { local: addresses[node.name] ?? '', remote: addresses[this.other(node).name] ?? '' }
      return { name, up, state: up ? ('ok' as const) : ('error' as const), ...ends, ageMs, sent: 0, received: 0, missed: 0, rejected: 0 }
    })
    return { links, peerAlive: links.some((link) => link.up), peerEngineSilentMs: 0, peerLeaving: this.other(node).leaving }
  }

  // ── actions ─────────────────────────────────────────────────────────────

  private obey(node: FakeNode, action: Action): void {
    if (!node.state) return
    if (action.do !== 'persist') this.perform(node, action)
  }

  private perform(node: FakeNode, action: Performed): void {
    switch (action.do) {
      case 'log':
      case 'history':
      case 'monitorNote':
      case 'alarm':
      case 'exportUsage':
        return
      case 'reply':
        return this.replied(node, action.request, action.outcome)
      case 'order':
        return this.order(node, action)
      case 'askReach': {
        const { engineStarts } = node
        const { number } = action
        return this.onNode(node, REACH_MS, () => {
          if (node.engineStarts !== engineStarts) return
          const reached = !this.gatewayLost.has(node.name)
          this.emit(node, { kind: 'reachTold', number, reached, why: reached ? '' : 'the gateway did not answer' })
        })
      }
      case 'look':
        return this.emit(node, { kind: 'vipsSeen', job: action.job, attempt: action.attempt, held: [...node.machine.vips] })
      case 'sendState':
        return this.send(
          node,
          'state',
          (request) => ({ kind: 'peerStateReceived', request, view: action.view }),
          null,
          (to) => to.agreeing?.peerSeen(action.view)
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
      case 'sendOutOfSync': {
        const { job, roleSequence, syncSequence } = action
        return this.send(
          node,
          'outOfSync',
          (request) => ({ kind: 'outOfSyncReceived', request, job, roleSequence, syncSequence }),
          (outcome) => this.emit(node, { kind: 'outOfSyncAnswered', job, roleSequence, syncSequence, answer: answerOf(outcome) })
        )
      }
      case 'expose': {
        const { job, roleSequence } = action
        const { engineStarts } = node
        return this.after(this.delay('message'), () => {
          const outcome = this.data.expose(node, roleSequence)
          if (node.engineStarts === engineStarts && node.state) this.emit(node, { kind: 'exposeEnded', job, roleSequence, outcome })
        })
      }
      case 'sendVote': {
        const { to, job, message } = action
        const told = (reply: VoteReply | null): void => {
          if (reply?.ballot) node.agreeing?.versionSeen(reply.ballot.configVersion)
          this.emit(node, { kind: 'voteAnswered', job, voter: to, number: message.number, reply })
        }
        if (to === 'witness') return this.askWitness(node, message, node.state?.config.quorum ?? null, told)
        return this.send(
          node,
          'vote',
          (request) => ({ kind: 'voteAsked', request, job, message }),
          (outcome) => told(outcome?.ok ? (outcome.result as VoteReply) : null)
        )
      }
      case 'lease':
        return this.setGuard(node, action)
      case 'unlease':
        node.guard = null
        return
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
      this.emit(node, { kind: 'handoverAnswered', job, roleSequence, ticket, asked, answer: answerOf(outcome) })
    }
  }

  /** A message goes to the engine that runs now: one that restarts meanwhile never sees it, as with a TCP connection. */
  private send(
    from: FakeNode,
    kind: string,
    happening: (request: number) => Happening,
    done: ((outcome: Outcome | null) => void) | null,
    seen?: (to: FakeNode) => void
  ): void {
    const receive = (to: FakeNode, answer: (outcome: Outcome) => void): void => {
      seen?.(to)
      this.askCore(to, happening, answer)
    }
    this.post(from, kind, receive, done)
  }

  /** Of the engine that runs there now. */
  askCore(node: FakeNode, happening: (request: number) => Happening, done: (outcome: Outcome) => void): void {
    this.requests += 1
    const request = this.requests
    this.asked.set(request, done)
    this.emit(node, happening(request))
  }

  post(
    from: FakeNode,
    kind: string,
    receive: (to: FakeNode, answer: (outcome: Outcome) => void) => void,
    done: ((outcome: Outcome | null) => void) | null
  ): void {
    const to = this.other(from)
    const [fromEngine, toEngine] = [from.engineStarts, to.engineStarts]
    let open = true
    const finish = (outcome: Outcome | null): void => {
      if (!open) return
      open = false
      if (from.engineStarts === fromEngine && from.state) done?.(outcome)
    }
    if (done) this.after(SEND_TIMEOUT_MS, () => finish(null))
    const deliver = (): void => {
      if (this.losesMessage(kind) || !this.reaches(from, to) || to.engineStarts !== toEngine || !to.state) return
      receive(to, (outcome) => {
        if (!done) return
        const lost = this.losesAnswer(kind) || this.loses() || !this.reaches(to, from)
        if (!lost) this.after(this.delay('message'), () => finish(outcome))
      })
    }
    if (!this.reaches(from, to) || this.loses()) return
    const [sent, newest] = [(this.sent += 1), this.newest]
    this.after(this.delay('message'), () => {
      if ((newest.get(from.name) ?? 0) > sent) this.options.happened?.('a message is overtaken')
      newest.set(from.name, Math.max(sent, newest.get(from.name) ?? 0))
      deliver()
    })
    if (this.repeats()) this.after(this.delay('message') * 3, deliver)
  }

  private loses(): boolean {
    const lost = this.options.loses?.() ?? false
    if (lost) this.options.happened?.('a message is lost')
    return lost
  }

  private repeats(): boolean {
    const again = this.options.repeats?.() ?? false
    if (again) this.options.happened?.('a message comes twice')
    return again
  }

  private askWitness(from: FakeNode, message: VoteMessage, times: QuorumConfig | null, told: (reply: VoteReply | null) => void): void {
    const { engineStarts } = from
    let open = true
    const finish = (reply: VoteReply | null): void => {
      if (open && from.engineStarts === engineStarts && from.state) told(reply)
      open = false
    }
    this.after(SEND_TIMEOUT_MS, () => finish(null))
    if (times === null) return
    const ask = (): void =>
      this.witness?.ask(from.name, message, times, (reply) => {
        if (this.loses() || !this.arrives(W, from.name)) return
        this.after(this.delay('message'), () => finish(reply))
      })
    if (!this.arrives(from.name, W) || from.paused || this.loses()) return
    this.after(this.delay('message'), ask)
    if (this.repeats()) this.after(this.delay('message') * 3, ask)
  }

  command(name: string, command: JobCommand, more: CommandOptions & { dryRun?: boolean } = {}): number {
    this.requests += 1
    const request = this.requests
    const { dryRun = false, ...options } = more
    this.emit(this.node(name), {
      kind: 'commandGiven',
      request,
      job: JOB,
      command,
      options,
      dryRun,
      account: 'root',
      reason: null
    })
    return request
  }

  /** As the shell does it: the warning of the dry run is read, if there is one, and confirmed for the state that it was about. */
  confirmed(name: string, command: JobCommand, options: CommandOptions = {}, thinkMs = 0): void {
    this.asked.set(this.requests + 1, (outcome) => {
      if (!outcome.ok) return
      const { danger } = outcome.result as { danger?: Danger }
      this.after(thinkMs, () => this.command(name, command, { ...options, ...(danger ? { confirm: danger.state } : {}) }))
    })
    this.command(name, command, { ...options, dryRun: true })
  }

  private replied(node: FakeNode, request: number, outcome: Outcome): void {
    const asked = this.asked.get(request)
    this.asked.delete(request)
    if (outcome.ok && !asked) this.options.happened?.('what an administrator has typed is accepted')
    if (asked) asked(outcome)
    else this.replies.push({ node: node.name, request, outcome })
  }

  delay(what: 'message' | 'order'): number {
    return this.options.delayMs?.(what) ?? (what === 'message' ? 5 : 100)
  }

  // ── orders ──────────────────────────────────────────────────────────────

  private order(node: FakeNode, action: Extract<Action, { do: 'order' }>): void {
    const { order, job, attempt, roleSequence, task } = action
    const { engineStarts } = node
    const leased = this.isLeased(node) || (order.do === 'reconfigure' && order.leased === true)
    const entered = this.lanes.enter(node.name, order, this.nowMs + this.delay('order') + (order.do === 'fence' ? this.fenceOf(node).afterMs : 0))
    const carryOut = (): Outcome => {
      node.underWay.delete(carryOut)
      const why = entered.cancelled ? 'it was stopped' : (this.whyNotBegin(node, order, roleSequence, leased) ?? this.fails(node.name, order))
      return why === null ? this.carryOut(node, order, roleSequence, leased) : failed(why)
    }
    node.underWay.add(carryOut)
    this.onNode(node, entered.endsAtMs - this.nowMs, () => {
      // What was under way when its engine ended was decided then (crashEngine).
      if (node.engineStarts !== engineStarts || !node.state || !node.underWay.has(carryOut)) return
      const outcome = carryOut()
      this.emit(node, { kind: 'orderEnded', job, attempt, roleSequence, task, outcome })
    })
  }

  private fenceOf = ({ name }: FakeNode): FakeFence => this.fences.get(name) ?? FENCES

  private carryOut(node: FakeNode, order: Order, roleSequence: number, leased: boolean): Outcome {
    const { machine } = node
    // It is configured with that before each of these.
    if (['observe', 'source', 'target', 'stopData', 'reconfigure'].includes(order.do)) this.data.lease(node, leased)
    switch (order.do) {
      case 'observe':
        machine.data.running = true
        return done({
          held: [...machine.vips],
          running: [...machine.applications],
          ...(node.guard === null ? {} : { leaseUntilMs: node.guard.untilMs }),
          data: node.config.jobs[JOB]?.data ? { ran: true, status: statusOf(machine.data), ...this.data.differs(node) } : null
        })
      case 'fence':
        if (this.fenceOf(node).switchesOff) this.kill(order.node)
        return this.fenceOf(node).fails ? failed('the fence agent says that it is on') : done(null)
      case 'probe':
        return done(this.answersThere(node, order.vip.name) ? '52:54:00:00:00:01' : null)
      case 'raise':
        if (this.nicLost.get(node.name) === 'other') this.nicLost.delete(node.name)
        this.tellPaths(node)
        if (this.answersThere(node, order.vip.name)) return failed('the address is in use on another machine')
        this.options.served?.(node, 'raises its VIP')
        machine.vips.add(order.vip.name)
        return done(null)
      case 'drop':
        machine.vips.delete(order.vip.name)
        return done(null)
      case 'start':
        this.options.served?.(node, 'starts an application')
        machine.applications.add(order.application)
        return done(null)
      case 'stop':
        machine.applications.delete(order.application)
        return done(null)
      case 'drain':
        return this.data.drain(node)
      case 'mirror':
      case 'verify':
      case 'bandwidth':
        return machine.data.connected ? done(null) : failed('not connected')
      case 'transmit':
        return this.data.transmit(node, order.action)
      case 'safety':
        return this.data.setSafety(node, order)
      case 'selectSource':
        return this.data.select(node)
      case 'reconfigure':
        return machine.data.running ? done(null) : failed('it does not run')
      case 'rebuild':
        return this.data.rebuild(node)
      case 'upgrade':
        return machine.data.running
          ? done({ version: '0.2.0', pausedMs: machine.data.role === 'source' ? 120 : null, silentMs: null })
          : failed('it does not run')
      default:
        return this.data.change(node, order, roleSequence)
    }
  }

  write(): void {
    this.data.write()
  }

  private answersThere(node: FakeNode, vip: string): boolean {
    const there = this.other(node)
    return this.pathWorks('service') && this.arrives(A, B) && this.arrives(B, A) && !there.paused && there.machine.vips.has(vip)
  }

  applicationDies(name: string, application: string): void {
    const node = this.node(name)
    if (node.machine.applications.delete(application)) this.emit(node, { kind: 'applicationFailed', job: JOB, application, why: 'it ended with exit code 1' })
  }

  /** An administrator works in the folder of a job that was brought out. */
  workByHand(name: string): void {
    const node = this.node(name)
    const record = node.state?.jobs[JOB]?.record
    if (record?.owner === name && record.desired === 'offline') this.data.changeByHand(node)
  }

  dataDies(name: string): void {
    this.data.dies(this.node(name))
  }

  serving(): FakeNode[] {
    return Object.values(this.nodes).filter((node) => !node.paused && serves(node.machine))
  }

  view(name: string) {
    const { state } = this.node(name)
    return state ? nodeView(state) : null
  }
}

function isSameHeartbeat(a: HeartbeatFacts, b: HeartbeatFacts | null): boolean {
  if (b === null || a.peerAlive !== b.peerAlive || a.peerLeaving !== b.peerLeaving) return false
  return a.links.every(({ up, ageMs }, place) => up === b.links[place]?.up && ageMs === b.links[place]?.ageMs)
}

const hashes = new WeakMap<Config, string>()
const hashOf = (config: Config): string => {
  const known = hashes.get(config) ?? createHash('sha256').update(JSON.stringify(config)).digest('hex')
  hashes.set(config, known)
  return known
}

function answerOf(outcome: Outcome | null): HandoverAnswer {
  if (outcome === null) return { is: 'silence', why: 'timeout' }
  return outcome.ok ? { is: 'record', record: outcome.result as JobRecord } : { is: 'refusal', error: outcome.error }
}

/** What is on a disk when the power goes. */
const keptData = ({ content, exposed, sourceSequence, safety, safetySequence }: Machine['data']): Partial<Machine['data']> => ({
  content,
  exposed,
  sourceSequence,
  safety,
  safetySequence
})
