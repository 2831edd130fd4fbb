import net from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { DataLink } from './secure'
import { PROBE_TIMEOUT_MS } from './secure'

/** A link that has come back must answer so often in a row before the stream returns to it. */
const STEADY_PROBES = 2
/** Twice as often after each return that did not hold, at most so often. */
const STEADY_PROBES_MAX = 64

const unknown = (): LinkHealth => ({ works: false, answersInRow: 0, answersWanted: STEADY_PROBES })

interface LinkHealth {
  works: boolean
  answersInRow: number
  answersWanted: number
}

/** What the source knows of its data links. A connect that the other node's system answers shows that a link works, whatever its mirrord does. */
export class LinkTable {
  static readonly PROBE_MS = 2_000
  private health: Map<string, LinkHealth>

  constructor(
    private links: DataLink[],
    private readonly port: number
  ) {
    this.health = new Map(links.map(({ name }) => [name, unknown()]))
  }

  /** What is known of one that stays is kept. */
  replace(links: DataLink[]): void {
    this.health = new Map(links.map((link) => [link.name, (this.has(link) ? this.health.get(link.name) : null) ?? unknown()]))
    this.links = links
  }

  has(link: DataLink): boolean {
    return this.links.some((each) => isDeepStrictEqual(each, link))
  }

  works(name: string): void {
    const health = this.health.get(name)
    if (health) health.works = true
  }

  failed(name: string): void {
    const health = this.health.get(name)
    if (health === undefined) return
    if (health.works) health.answersWanted = Math.min(STEADY_PROBES_MAX, health.answersWanted * 2)
    health.works = false
    health.answersInRow = 0
  }

  states(): { name: string; state: 'OK' | 'Error' }[] {
    return this.links.map(({ name }) => ({ name, state: this.health.get(name)!.works ? 'OK' : 'Error' }))
  }

  /** Those that work first; within that, in order of preference. */
  inOrder(): DataLink[] {
    const works = ({ name }: DataLink): boolean => this.health.get(name)!.works
    return [...this.links.filter(works), ...this.links.filter((link) => !works(link))]
  }

  /** Tries all links but the one in use. Answers the best one before it that has come back for good, or null. */
  async probe(inUse: string | null): Promise<DataLink | null> {
    await Promise.all(this.links.filter(({ name }) => name !== inUse).map((link) => this.probeOne(link)))
    const place = this.links.findIndex(({ name }) => name === inUse)
    const isBack = ({ name }: DataLink): boolean => this.health.get(name)!.answersInRow >= this.health.get(name)!.answersWanted
    return this.links.slice(0, Math.max(0, place)).find(isBack) ?? null
  }

  private async probeOne(link: DataLink): Promise<void> {
    const works = await this.answers(link)
    const health = this.health.get(link.name)
    if (health === undefined) return
    health.works = works
    health.answersInRow = health.works ? health.answersInRow + 1 : 0
  }

  /** Does the other node's system answer on this link? A port where nobody listens is an answer of the link, but useless. */
  answers({ peerAddress, localAddress }: DataLink): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = net.connect({ host: peerAddress, port: this.port, localAddress })
      const timer = setTimeout(() => end(false), PROBE_TIMEOUT_MS)
      const end = (works: boolean): void => {
        clearTimeout(timer)
        socket.destroy()
        resolve(works)
      }
      socket.once('connect', () => end(true))
      socket.once('error', () => end(false))
    })
  }
}
