import type { HeartbeatFacts } from '../../src/core'
import type { VipPath } from '../../src/wire'
import type { FakeNode } from './fakeNode'
import { mishapsOfPaths } from './mishaps'
import { A, B } from './pairConfig'
import type { World } from './world'

const SILENCE_MS = 3_000
export const HEAL_MS = 200
const NIC_LOOK_MS = 500

/** What connects the two nodes, the witness and the world around them, and what is cut of it. */
export class FakeNetwork {
  readonly cuts = new Set<string>()
  /** No heartbeat and no message gets through, although the service network lives: the VIP still answers. */
  private silent = false
  /** `RMHW131>witness`: what the first one sends there is lost. */
  readonly oneWay = new Set<string>()
  /** These nodes do not reach the addresses of the arbitration. */
  readonly gatewayLost = new Set<string>()
  readonly nicLost = new Map<string, VipPath>()

  constructor(private readonly world: World) {}

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
    for (const node of Object.values(this.world.nodes)) this.world.onNode(node, NIC_LOOK_MS, () => this.tellPaths(node))
  }

  tellPaths(node: FakeNode): void {
    const path = this.nicLost.get(node.name) ?? 'ok'
    for (const [job, { vips }] of Object.entries(node.config.jobs)) {
      const known = node.state?.jobs[job]?.paths
      if (node.state?.booted && vips.some(({ name }) => (known?.[name] ?? 'ok') !== path))
        this.world.emit(node, { kind: 'vipPathsSeen', job, paths: Object.fromEntries(vips.map(({ name }) => [name, path])) })
    }
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
    return !this.cuts.has(link) && !(link === 'service' && [...this.nicLost.values()].includes('lost')) && this.world.node(A).up && this.world.node(B).up
  }

  reachable(): boolean {
    return this.world.config.links.some(({ name }) => this.linkWorks(name))
  }

  reachesBothWays(): boolean {
    return this.reachable() && this.arrives(A, B) && this.arrives(B, A)
  }

  reaches(from: FakeNode, to: FakeNode): boolean {
    return this.arrives(from.name, to.name) && !from.paused && this.reachable()
  }

  dataReachable(): boolean {
    const awake = !this.world.node(A).paused && !this.world.node(B).paused && this.arrives(A, B) && this.arrives(B, A)
    return awake && this.world.config.links.some(({ name, data }) => data && this.linkWorks(name))
  }

  pathsChanged(): void {
    const jitter = Math.floor((this.world.options.random?.() ?? 0) * 500)
    if (this.world.options.happened) for (const what of mishapsOfPaths(this.world)) this.world.options.happened(what)
    this.world.after(HEAL_MS, () => this.tellHeartbeats(false))
    this.world.after(SILENCE_MS + jitter, () => this.tellHeartbeats(true))
    for (const data of this.world.jobs.data()) data.later()
  }

  /** A link that has come back is heard soon, one that is cut is missed only after its silence. */
  tellHeartbeats(silenceToo: boolean): void {
    for (const node of Object.values(this.world.nodes)) {
      if (!node.state || node.paused) continue
      const view = this.heartbeatOf(node, !silenceToo)
      if (!isSameHeartbeat(view, node.state.heartbeat)) this.world.emit(node, { kind: 'heartbeatChanged', heartbeat: view })
    }
  }

  heartbeatOf(node: FakeNode, keepUp: boolean): HeartbeatFacts {
    const before = node.state?.heartbeat
    const links = this.world.config.links.map(({ name, addresses }) => {
      const known = before?.links.find((link) => link.name === name)
      const hears = this.linkWorks(name) && this.arrives(this.world.other(node).name, node.name) && !this.world.other(node).paused
      const up = hears || (keepUp && (known?.up ?? false))
      const ageMs = up || (known?.ageMs ?? null) !== null ? 0 : null
      const ends = { local: addresses[node.name] ?? '', remote: addresses[this.world.other(node).name] ?? '' }
      return { name, up, state: up ? ('ok' as const) : ('error' as const), ...ends, ageMs, sent: 0, received: 0, missed: 0, rejected: 0 }
    })
    return { links, peerAlive: links.some((link) => link.up), peerEngineSilentMs: 0, peerLeaving: this.world.other(node).leaving }
  }
}

function isSameHeartbeat(a: HeartbeatFacts, b: HeartbeatFacts | null): boolean {
  if (b === null || a.peerAlive !== b.peerAlive || a.peerLeaving !== b.peerLeaving) return false
  return a.links.every(({ up, ageMs }, place) => up === b.links[place]?.up && ageMs === b.links[place]?.ageMs)
}
