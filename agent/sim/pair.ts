import { carriesHeartbeat, type Config, hasQuorum } from '../../src/model'
import { alreadyAgreed, hashOf, inForce } from '../engine/openConfig'
import type { KeptConfig } from '../ports'
import { JobData } from './data/jobData'
import { Driver } from './driver'
import { SimEvents } from './events'
import { cardsOf } from './licence'
import { applicationKey, type SimNode } from './node'
import { VirtualTime } from './virtualTime'
import { SimWitness } from './witness'

/** The third host, as words name it. */
export const WITNESS = 'witness'
/** How often a node's heartbeat program looks at its links. */
const PULSE_MS = 100
/** What happens on a card is seen so much later. */
const NIC_LOOK_MS = 500

export interface PairOptions {
  file: string
  text: string
  config: Config
  /** What stands in licensor.json beside it; absent or null: there is none. */
  licensor?: string | null
  /** Wall clock at the start, epoch ms. */
  wallMs: number
}

/** Two machines, their network and a witness in virtual time. What decides on them is the real engine (engines.ts); here is what it would find in the world. */
export class SimPair {
  readonly time = new VirtualTime()
  readonly driver = new Driver(this.time)
  readonly nodes: [SimNode, SimNode]
  readonly witness = new SimWitness(() => this.nowMs)
  /** Names of links, and `witness`. */
  readonly cuts = new Set<string>()
  /** The addresses of the arbitration do not answer. */
  gatewayLost = false
  /** By so much the wall clocks were put forward. */
  private dateSetMs = 0
  /** Applications that do not start. */
  readonly broken = new Set<string>()
  private readonly jobs = new Map<string, JobData>()
  private bootEngine: (node: SimNode) => void = () => undefined

  constructor(readonly options: PairOptions) {
    const [a = '', b = ''] = Object.keys(options.config.nodes)
    this.nodes = [this.newNode(a), this.newNode(b)]
  }

  private newNode(name: string): SimNode {
    const { config, file, text } = this.options
    const whole = { ...config }
    const agreed = { ...alreadyAgreed({ node: name, config }, hashOf(whole)).kept, isAgreed: true }
    const kept: KeptConfig = { ...agreed, agreed: { ...agreed.agreed, text, by: 'the file', wallMs: this.options.wallMs } }
    return {
      name,
      address: config.nodes[name]?.address ?? '',
      up: false,
      boots: 0,
      frozen: false,
      asleep: [],
      running: null,
      engineEndedMs: 0,
      nicLost: false,
      cards: cardsOf(name, 0),
      exchanged: 0,
      licence: null,
      leaving: false,
      vips: new Set(),
      applications: new Set(),
      leases: new Map(),
      held: new Map(),
      heard: new Map(),
      disk: null,
      kept,
      takeovers: [],
      drills: [],
      monitored: [],
      usage: new Map(),
      places: { stateDirectory: '(simulated)', runDirectory: '(simulated)', configFile: file, config: inForce(whole, name, kept), node: name },
      events: new SimEvents((delayMs, run) => this.time.after(delayMs, run))
    }
  }

  get nowMs(): number {
    return this.time.nowMs
  }

  setWall(wallMs: number): void {
    this.dateSetMs += wallMs - this.wallMs
  }

  get wallMs(): number {
    return this.options.wallMs + this.dateSetMs + Math.round(this.time.nowMs)
  }

  find(name: string): SimNode | undefined {
    return this.nodes.find((node) => node.name.toLowerCase() === name.toLowerCase())
  }

  other(node: SimNode): SimNode {
    return node === this.nodes[0] ? this.nodes[1] : this.nodes[0]
  }

  /** The configuration that the pair goes by now. */
  get config(): Config {
    return this.nodes[0].places.config
  }

  // ── machines ────────────────────────────────────────────────────────────

  /** Who starts an engine on a machine that has booted. */
  onBoot(boot: (node: SimNode) => void): void {
    this.bootEngine = boot
  }

  boot(node: SimNode): void {
    if (node.up) return
    node.up = true
    node.leaving = false
    node.boots += 1
    this.bootEngine(node)
    this.pulse(node, node.boots)
    this.pathsChanged()
  }

  /** The power is gone: what was not on its disk is lost. */
  kill(node: SimNode): void {
    if (!node.up) return
    node.up = false
    node.frozen = false
    node.asleep = []
    this.endEngine(node)
    node.vips.clear()
    node.applications.clear()
    node.leases.clear()
    node.held.clear()
    node.heard.clear()
    for (const job of this.jobs.values()) job.lost(node.name)
    this.pathsChanged()
  }

  endEngine(node: SimNode): void {
    const { running } = node
    node.running = null
    node.engineEndedMs = this.nowMs
    if (running === null) return
    running.alive = false
    void running.engine.stop().catch(() => undefined)
  }

  freeze(node: SimNode, forMs: number): void {
    const { boots } = node
    node.frozen = true
    this.pathsChanged()
    this.time.after(forMs, () => {
      if (node.boots !== boots || !node.frozen) return
      node.frozen = false
      this.pathsChanged()
      for (const run of node.asleep.splice(0)) run()
    })
  }

  /** What happens on a node happens when it is awake, and not if it was switched off meanwhile. */
  onNode(node: SimNode, delayMs: number, run: () => void): void {
    const { boots } = node
    this.time.after(delayMs, () => {
      if (node.boots !== boots || !node.up) return
      if (node.frozen) node.asleep.push(run)
      else run()
    })
  }

  /** Modes with quorum: what the guard does when a lease is over. */
  guard(node: SimNode, job: string): void {
    const lease = node.leases.get(job)
    if (lease === undefined || this.nowMs < lease.killAtMs) return
    node.leases.delete(job)
    for (const { address } of node.places.config.jobs[job]?.vips ?? []) node.vips.delete(address)
    for (const { name } of node.places.config.jobs[job]?.applications ?? []) this.applicationDies(node, job, name, 'the guard has ended it: its lease is over')
    this.jobs.get(job)?.disconnect()
  }

  applicationDies(node: SimNode, job: string, application: string, why: string): boolean {
    if (!node.applications.delete(applicationKey(job, application))) return false
    node.running?.failed(job, application, why)
    return true
  }

  // ── network ─────────────────────────────────────────────────────────────

  linkWorks(name: string): boolean {
    const [a, b] = this.nodes
    return a.up && b.up && !a.frozen && !b.frozen && !this.cuts.has(name) && !(this.isPublic(name) && (a.nicLost || b.nicLost))
  }

  /** The link that runs over the nodes' own addresses, where the virtual address is. */
  isPublic(name: string): boolean {
    const link = this.config.links.find((each) => each.name === name)
    const { nodes } = this.config
    return link !== undefined && Object.entries(link.addresses).some(([node, address]) => nodes[node]?.address === address)
  }

  /** Where its agent can be found: at an old address too, as long as nobody takes it from the card. */
  addressesOf({ name, address }: SimNode): string[] {
    const { nodes, links } = this.config
    const own = [address, nodes[name]?.address ?? address, ...links.map(({ addresses }) => addresses[name] ?? address)]
    return this.find(name)?.nicLost === true ? own : [...own, ...(this.find(name)?.vips ?? [])]
  }

  /** Over a serial line agents do not talk. */
  reaches(): boolean {
    return this.config.links.some(({ name, serial }) => serial === undefined && this.linkWorks(name))
  }

  reachesWitness(node: SimNode): boolean {
    return node.up && !node.frozen && !node.nicLost && !this.cuts.has(WITNESS) && this.witness.up
  }

  /** The other node answers for the address on the public network. */
  answersThere(node: SimNode, key: string): boolean {
    const there = this.other(node)
    const open = this.config.links.filter(({ name }) => this.isPublic(name))
    const together = open.length === 0 ? !there.nicLost && !node.nicLost : open.some(({ name }) => this.linkWorks(name))
    return together && !there.frozen && there.vips.has(key)
  }

  pathsChanged(): void {
    for (const job of this.jobs.values()) {
      job.connectLater()
      if (!this.dataLinks().some(({ up }) => up)) job.disconnect()
    }
  }

  nicsChanged(): void {
    this.pathsChanged()
    for (const node of this.nodes) this.onNode(node, NIC_LOOK_MS, () => node.running?.pathsChanged())
  }

  private dataLinks(): { name: string; up: boolean }[] {
    return this.config.links.filter(({ data }) => data).map(({ name }) => ({ name, up: this.linkWorks(name) }))
  }

  /** Heartbeats: each link is sent on at its own interval, and what has arrived is looked at. */
  private pulse(node: SimNode, boots: number): void {
    if (!node.up || node.boots !== boots) return
    if (!node.frozen) {
      for (const { name, intervalMs } of node.places.config.links.filter(carriesHeartbeat)) this.beat(node, name, intervalMs)
      node.running?.linksChanged()
    }
    this.time.after(PULSE_MS, () => this.pulse(node, boots))
  }

  private beat(node: SimNode, link: string, intervalMs: number): void {
    const own = node.heard.get(link) ?? { atMs: -Infinity, sentMs: -Infinity, sent: 0, received: 0 }
    node.heard.set(link, own)
    if (this.nowMs - own.sentMs < intervalMs) return
    own.sentMs = this.nowMs
    own.sent += 1
    const there = this.other(node)
    if (!this.linkWorks(link) || this.isHeld(node, link) || this.isHeld(there, link) || !there.places.config.links.some(({ name }) => name === link)) return
    const theirs = there.heard.get(link) ?? { atMs: -Infinity, sentMs: -Infinity, sent: 0, received: 0 }
    there.heard.set(link, { ...theirs, atMs: this.nowMs, received: theirs.received + 1 })
  }

  private isHeld({ held }: SimNode, link: string): boolean {
    return this.nowMs < (held.get(link) ?? 0)
  }

  // ── data ────────────────────────────────────────────────────────────────

  data(job: string): JobData {
    const known = this.jobs.get(job)
    if (known) return known
    const [a, b] = this.nodes
    const safety = this.config.jobs[job]?.data?.safety ?? 'off'
    const made = new JobData(job, [a.name, b.name], safety, {
      nowMs: () => this.nowMs,
      wallMs: () => this.wallMs,
      after: (delayMs, run) => this.time.after(delayMs, run),
      links: () => this.dataLinks(),
      maySource: (node, name) => this.maySource(node, name),
      job: (node) => this.find(node)?.places.config.jobs[job],
      tell: (node, status) => this.find(node)?.running?.told(job, status)
    })
    this.jobs.set(job, made)
    return made
  }

  forget(job: string): void {
    this.jobs.delete(job)
  }

  forgetOthers(jobs: string[]): void {
    for (const job of this.jobs.keys()) if (!jobs.includes(job)) this.jobs.delete(job)
  }

  private maySource(name: string, job: string): boolean {
    const node = this.find(name)
    if (!node?.up || node.frozen) return false
    const mode = node.places.config.jobs[job]?.mode
    const lease = node.leases.get(job)
    return mode === undefined || !hasQuorum(mode) || (lease !== undefined && this.nowMs < lease.untilMs)
  }
}
