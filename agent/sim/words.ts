import type { SimFault } from '../../src/wire'
import type { Engines } from './engines'
import { cardsOf } from './licence'
import { applicationKey, brokenKey, type SimNode } from './node'
import { type SimPair, WITNESS } from './pair'

/** A word that cannot be carried out, and what would do. */
export class SimRefusal extends Error {
  constructor(
    readonly what: string,
    readonly known: string[]
  ) {
    super(what)
  }
}

const WRITE_WAIT_MS = 60_000
const WRITE_AGAIN_MS = 100
/** Between the power and the engine. */
const START_MS = 1_000
const LEAVE_LOOK_MS = 200
const LEAVE_MS_MAX = 90_000

/** Carries out the words of `sim`. */
export class Faults {
  constructor(
    private readonly pair: SimPair,
    private readonly engines: Engines
  ) {}

  async carryOut(fault: SimFault): Promise<string> {
    switch (fault.do) {
      case 'kill':
        return this.kill(fault.node)
      case 'start':
        return await this.start(fault.node)
      case 'shutdown':
        return await this.shutDown(fault.node)
      case 'crash':
        return this.crash(fault.node)
      case 'freeze':
        return this.freeze(this.up(fault.node), fault.forMs)
      case 'nic':
        return this.nic(this.node(fault.node), fault.up)
      case 'exchange':
        return this.exchange(this.node(fault.node))
      case 'cut':
        return this.cut(fault.what)
      case 'heal':
        return this.heal(fault.what)
      case 'failApplication':
      case 'breakApplication':
        return this.fail(fault.job, fault.application, fault.do === 'breakApplication')
      case 'load':
        return this.load(this.node(fault.node), fault.key, fault.value)
      case 'advance':
        await this.pair.driver.pass(fault.forMs)
        return 'Time has passed.'
      case 'date':
        this.pair.setWall(fault.wallMs)
        return `It is ${new Date(this.pair.wallMs).toISOString()} on all machines.`
      case 'write':
        return await this.write(fault.job, fault.bytes)
    }
  }

  private node(name: string): SimNode {
    const node = this.pair.find(name)
    if (node) return node
    throw new SimRefusal(`${name} is no machine here.`, [...this.pair.nodes.map((each) => each.name), WITNESS])
  }

  private up(name: string): SimNode {
    const node = this.node(name)
    if (node.up) return node
    throw new SimRefusal(`${node.name} is off.`, [`sim start ${node.name}`])
  }

  private kill(name: string): string {
    if (name === WITNESS && this.pair.config.witness) {
      this.pair.witness.kill()
      return 'The witness is off.'
    }
    const node = this.up(name)
    this.pair.kill(node)
    return `${node.name} has no power any more.`
  }

  private async start(name: string): Promise<string> {
    if (name === WITNESS && this.pair.config.witness) {
      this.pair.witness.start()
      return 'The witness is on.'
    }
    const node = this.node(name)
    if (node.up && node.running !== null) throw new SimRefusal(`${node.name} runs.`, [`sim kill ${node.name}`])
    if (node.up) this.engines.start(node)
    else this.pair.boot(node)
    await this.pair.driver.pass(START_MS)
    return `${node.name} has started.`
  }

  private async shutDown(name: string): Promise<string> {
    const node = this.up(name)
    // As mirrorpair-agent leave does it before a machine goes down, and no longer than an operating system waits for it.
    const untilMs = this.pair.nowMs + LEAVE_MS_MAX
    while (node.up && node.running?.engine.leave().left === false && this.pair.nowMs < untilMs) await this.pair.driver.pass(LEAVE_LOOK_MS)
    this.pair.kill(node)
    return `${node.name} has shut down.`
  }

  private crash(name: string): string {
    const node = this.up(name)
    if (node.running === null) throw new SimRefusal(`The engine of ${node.name} does not run.`, [`sim start ${node.name}`])
    this.engines.crash(node)
    return `The engine of ${node.name} has ended; what it had started runs on.`
  }

  private freeze(node: SimNode, forMs: number): string {
    this.pair.freeze(node, forMs)
    return `${node.name} stands still for ${forMs / 1_000} s, with everything on it.`
  }

  private load(node: SimNode, key: string, value: number | null): string {
    node.usage.set(key, value)
    return `${key} of ${node.name} is ${value ?? 'not to be read'} from now on.`
  }

  private nic(node: SimNode, up: boolean): string {
    node.nicLost = !up
    this.pair.nicsChanged()
    return up ? `The public card of ${node.name} has a link again.` : `The public card of ${node.name} has no link.`
  }

  private exchange(node: SimNode): string {
    node.exchanged += 1
    node.cards = cardsOf(node.name, node.exchanged)
    return `${node.name} has another ${node.cards[0]?.name}, with another hardware address.`
  }

  private links(): string[] {
    return [
      ...this.pair.config.links.map(({ name }) => name),
      ...(this.pair.config.witness ? [WITNESS] : []),
      ...(this.pair.config.arbitration ? ['gateway'] : [])
    ]
  }

  private named(what: string): string[] {
    if (what === 'all') return this.pair.config.links.map(({ name }) => name)
    if (this.links().includes(what)) return [what]
    throw new SimRefusal(`${what} is no link here.`, [...this.links(), 'all'])
  }

  private cut(what: string): string {
    for (const name of this.named(what)) {
      if (name === 'gateway') this.pair.gatewayLost = true
      else this.pair.cuts.add(name)
    }
    this.pair.pathsChanged()
    return what === 'all' ? 'No link between the nodes works.' : `${what} is cut.`
  }

  private heal(what: string): string {
    const { pair } = this
    if (what === 'all') {
      pair.cuts.clear()
      pair.broken.clear()
      pair.gatewayLost = false
      for (const node of pair.nodes) node.nicLost = false
    } else
      for (const name of this.named(what)) {
        pair.cuts.delete(name)
        if (name === 'gateway') pair.gatewayLost = false
      }
    pair.nicsChanged()
    return what === 'all' ? 'All links, cards and applications work again.' : `${what} works again.`
  }

  private fail(job: string, application: string, forGood: boolean): string {
    const { jobs } = this.pair.config
    if (jobs[job] === undefined) throw new SimRefusal(`${job} is no job here.`, Object.keys(jobs))
    const known = jobs[job].applications.map(({ name }) => name)
    if (!known.includes(application)) throw new SimRefusal(`${job} has no application ${application}.`, known)
    const node = this.pair.nodes.find(({ applications }) => applications.has(applicationKey(job, application)))
    if (node === undefined) throw new SimRefusal(`${application} of ${job} runs nowhere.`, [`bringin ${job}`])
    if (forGood) this.pair.broken.add(brokenKey(node.name, job, application))
    this.pair.applicationDies(node, job, application, 'it ended with exit code 1')
    return `${application} of ${job} has died on ${node.name}${forGood ? ', and will not start there' : ''}.`
  }

  private async write(job: string, bytes: number): Promise<string> {
    const { jobs } = this.pair.config
    if (!jobs[job]?.data) throw new SimRefusal(`${job} is no job with data here.`, Object.keys(jobs))
    const beganMs = this.pair.nowMs
    for (;;) {
      const wrote = this.pair.nodes.find((node) => this.serves(node, job) && this.pair.data(job).write(node.name, bytes))
      const tookMs = this.pair.nowMs - beganMs
      if (wrote) return `The application of ${job} on ${wrote.name} wrote ${bytes} bytes, and was told so after ${(tookMs / 1_000).toFixed(1)} s.`
      if (tookMs >= WRITE_WAIT_MS) throw new SimRefusal(`Nobody acknowledged a write of ${job} within ${WRITE_WAIT_MS / 1_000} s.`, [`why ${job}`])
      await this.pair.driver.pass(WRITE_AGAIN_MS)
    }
  }

  private serves({ name, applications }: SimNode, job: string): boolean {
    const configured = this.pair.config.jobs[job]?.applications ?? []
    return this.pair.data(job).end(name).role === 'source' && configured.every((each) => applications.has(applicationKey(job, each.name)))
  }
}
