import { createHash } from 'node:crypto'
import { initialState, nodeView, step, type Action, type Event, type Happening, type Order, type Outcome } from '../../src/core'
import { hasLeft } from '../../src/core/leave'
import { type Config, hasQuorum, type JobConfig } from '../../src/model'
import type { CommandOptions, Danger, JobCommand } from '../../src/wire'
import { readKept } from '../../src/wire/keptState'
import { VirtualTime } from '../../agent/sim/virtualTime'
import { FakeAgreeing, firstVersion, Texts } from './agreeing'
import { FakeDeeds } from './deeds'
import { blankNode, type FakeFence, type FakeNode, machineOf, type Records, seatsOf, type WorldOptions } from './fakeNode'
import { FakeGuard } from './guard'
import { FakeJobs } from './jobs'
import { blankMachine, serves, type Machine } from './machine'
import { FakeMessages } from './messages'
import { wakesAsLeader } from './mishaps'
import { FakeNetwork, HEAL_MS } from './network'
import { FakeOrders } from './orders'
import { A, B, JOB, pairConfig } from './pairConfig'
import { FakeStore } from './store'
import { FakeWitness } from './witness'

export const WALL_MS = Date.UTC(2019, 8, 23, 15, 26, 4)
const TICK_MS = 500
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
  readonly jobs = new FakeJobs(this)
  readonly data = this.jobs.dataOf(JOB)
  readonly network = new FakeNetwork(this)
  readonly messages = new FakeMessages(this)
  readonly orders = new FakeOrders(this)
  readonly guard = new FakeGuard(this)
  readonly deeds = new FakeDeeds(this)
  readonly nodes: Record<string, FakeNode> = {}
  readonly config: Config
  /** What a node's fence agent does to the other one, and says; it works when nothing is said here. */
  readonly fences = new Map<string, FakeFence>()
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

  constructor(readonly options: WorldOptions = {}) {
    this.config = options.config ?? pairConfig()
    this.witness = witnessOf(this, this.config)
    for (const name of [A, B]) this.nodes[name] = blankNode(name, this.config)
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

  boot(name: string): void {
    const node = this.node(name)
    if (node.up) return
    node.up = true
    node.leaving = false
    node.boots += 1
    this.startEngine(name)
    this.network.pathsChanged()
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
    for (const [, seat] of seatsOf(node))
      Object.assign(seat, { guard: null, machine: blankMachine(seat.machine.data.copyComplete, keptData(seat.machine.data)) })
    this.network.pathsChanged()
  }

  /** The node's services stop in order, its shutdown is announced, and it is gone. */
  shutDown(name: string): void {
    const node = this.node(name)
    node.leaving = true
    this.network.tellHeartbeats(false)
    this.after(HEAL_MS, () => this.kill(name))
  }

  /** As an operating system does it: what the node serves stops first, and the voters are told. It does not wait for ever. */
  leave(name: string): void {
    const node = this.node(name)
    if (!node.up || !node.state || node.leaving) return
    node.leaving = true
    this.network.tellHeartbeats(false)
    this.emit(node, { kind: 'shutdownBegun' })
    this.endWhenLeft(node, node.boots, this.nowMs + LEAVE_LIMIT_MS)
  }

  private endWhenLeft(node: FakeNode, boots: number, limitMs: number): void {
    this.onNode(node, HEAL_MS, () => {
      if (node.boots !== boots || !node.up) return
      if (this.nowMs >= limitMs || (node.state?.leaving && hasLeft(node.state))) this.kill(node.name)
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
    this.orders.lanes.forget(node.name)
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
    this.jobs.follow(node, true)
    const version = agreeing ? { configVersion: agreeing.kept.agreed.version, configAgreed: agreeing.kept.isAgreed } : {}
    node.state = initialState({ node: name, config: node.config, configHash: agreeing?.kept.agreed.hash ?? hashOf(node.config), incarnation, ...version })
    this.emit(node, { kind: 'booted', bootId: bootOf(node), records: node.disk, ...beside })
    this.emit(node, { kind: 'heartbeatChanged', heartbeat: this.network.heartbeatOf(node, false) })
    this.network.tellPaths(node)
    this.tick(node, node.engineStarts)
    this.sample(node, node.engineStarts)
  }

  private tick(node: FakeNode, engine: number): void {
    if (!node.state || node.engineStarts !== engine) return
    // As it is now: what was told last may wait behind a slow disk.
    const told = node.queue.findLast((each) => each.kind === 'heartbeatChanged')
    this.emit(node, { kind: 'ticked', heartbeat: told?.kind === 'heartbeatChanged' ? told.heartbeat : node.state.heartbeat })
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
      event.wallMs = this.wallMs(node)
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

  wallMs({ wallOffMs }: FakeNode): number {
    return WALL_MS + this.nowMs + wallOffMs
  }

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
    this.network.pathsChanged()
    this.after(forMs, () => node.boots === boots && this.wake(node))
  }

  private wake(node: FakeNode): void {
    if (!node.up || !node.paused) return
    node.paused = false
    for (const what of wakesAsLeader(this, node)) this.options.happened?.(what)
    this.guard.endWhatIsOver(node)
    for (const [job, { machine }] of seatsOf(node)) if (serves(machine)) this.options.served?.(node, 'woke up', job)
    this.network.pathsChanged()
    if (!node.turning) this.turn(node)
    for (const run of node.asleep.splice(0)) run()
  }

  /** The mode of the job, as this node goes by it, and not that there is a witness, says whether leases count. */
  hasQuorum({ config }: FakeNode, job = JOB): boolean {
    return hasQuorum(config.jobs[job]?.mode ?? 'guide')
  }

  private obey(node: FakeNode, action: Action): void {
    if (!node.state) return
    if (action.do !== 'persist') this.deeds.perform(node, action)
  }

  command(name: string, command: JobCommand, more: CommandOptions & { dryRun?: boolean } = {}): number {
    this.messages.requests += 1
    const request = this.messages.requests
    const { dryRun = false, ...options } = more
    this.emit(this.node(name), {
      kind: 'commandGiven',
      request,
      job: this.jobs.aimedAt,
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
    const { aimedAt } = this.jobs
    this.messages.asked.set(this.messages.requests + 1, (outcome) => {
      if (!outcome.ok) return
      const { danger } = outcome.result as { danger?: Danger }
      this.after(thinkMs, () => this.jobs.aim(aimedAt, () => this.command(name, command, { ...options, ...(danger ? { confirm: danger.state } : {}) })))
    })
    this.command(name, command, { ...options, dryRun: true })
  }

  delay(what: 'message' | 'order'): number {
    return this.options.delayMs?.(what) ?? (what === 'message' ? 5 : 100)
  }

  write(): void {
    for (const data of this.jobs.data()) data.write()
  }

  applicationDies(name: string, application: string, job = this.jobs.aimedAt): void {
    const node = this.node(name)
    if (machineOf(node, job).applications.delete(application))
      this.emit(node, { kind: 'applicationFailed', job, application, why: 'it ended with exit code 1' })
  }

  /** An administrator works in the folder of a job that was brought out. */
  workByHand(name: string): void {
    const node = this.node(name)
    const record = node.state?.jobs[this.jobs.aimedAt]?.record
    if (record?.owner === name && record.desired === 'offline') this.jobs.dataOf(this.jobs.aimedAt).changeByHand(node)
  }

  dataDies(name: string): void {
    this.jobs.dataOf(this.jobs.aimedAt).dies(this.node(name))
  }

  serving(job = this.jobs.aimedAt): FakeNode[] {
    return Object.values(this.nodes).filter((node) => !node.paused && serves(machineOf(node, job)))
  }

  view(name: string) {
    const { state } = this.node(name)
    return state ? nodeView(state) : null
  }
}

const hashes = new WeakMap<Config, string>()
const hashOf = (config: Config): string => {
  const known = hashes.get(config) ?? createHash('sha256').update(JSON.stringify(config)).digest('hex')
  hashes.set(config, known)
  return known
}

/** What is on a disk when the power goes. */
const keptData = ({ content, copyKnown, exposed, sourceSequence, safety, safetySequence }: Machine['data']): Partial<Machine['data']> => ({
  content,
  copyKnown,
  exposed,
  sourceSequence,
  safety,
  safetySequence
})
