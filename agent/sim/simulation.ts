import type { Config } from '../../src/model'
import type { SimFault, SimOutcome, SimView } from '../../src/wire'
import { applicationKey } from './node'
import { Engines, type SimAnswer, type SimRequest } from './engines'
import { SimPair } from './pair'
import { Faults, SimRefusal } from './words'

/** The machines of the pair before anybody types: both have found each other. */
const SETTLE_MS = 5_000
const ACCOUNT = 'administrator'

export interface SimulationOptions {
  file: string
  text: string
  config: Config
  licensor?: string | null
  version: string
  wallMs: number
}

/** A pair in this process: what the shell asks of it goes to the real engines; what is done to it are the words of `sim`. */
export class Simulation {
  private readonly pair: SimPair
  private readonly engines: Engines
  private readonly faults: Faults

  constructor(private readonly options: SimulationOptions) {
    this.pair = new SimPair(options)
    this.engines = new Engines(this.pair, options.version)
    this.faults = new Faults(this.pair, this.engines)
  }

  get file(): string {
    return this.options.file
  }

  /** Both machines and the witness are switched on. */
  async begin(): Promise<void> {
    if (this.options.config.witness) this.pair.witness.start()
    for (const node of this.pair.nodes) this.pair.boot(node)
    await this.pair.driver.pass(SETTLE_MS)
  }

  nodes(): { node: string; address: string; port: number; token: string; expiresAtMs: number; account: string; role: string }[] {
    const { port } = this.pair.config.api
    return this.pair.nodes.map(({ name, address }) => ({
      node: name,
      address,
      port,
      account: 'Administrator',
      role: 'admin',
      ...this.engines.newToken(ACCOUNT)
    }))
  }

  /** As a connection would: null when nobody is there to take it, or to answer in time. `paced`: time passes as it really does. */
  async request(address: string, port: number, { answerMs, paced, ...request }: SimRequest & { answerMs: number; paced: boolean }): Promise<SimAnswer | null> {
    const { driver, time, nodes, config } = this.pair
    const node = nodes.find((each) => this.pair.addressesOf(each).includes(address) && port === config.api.port)
    if (node === undefined || !this.engines.answers(node)) return null
    const late = new Promise<null>((resolve) => time.after(answerMs, () => resolve(null)))
    return await driver.until(Promise.race([this.engines.ask(node, request), late]), paced)
  }

  nowMs(): number {
    return this.pair.nowMs
  }

  wallMs(): number {
    return this.pair.wallMs
  }

  pass(forMs: number, paced: boolean): Promise<void> {
    return this.pair.driver.pass(forMs, paced)
  }

  async carryOut(fault: SimFault): Promise<SimOutcome> {
    try {
      return { done: await this.faults.carryOut(fault) }
    } catch (thrown) {
      if (thrown instanceof SimRefusal) return { refused: thrown.what, known: thrown.known }
      throw thrown
    }
  }

  view(): SimView {
    const { pair } = this
    const { config } = pair
    return {
      file: this.file,
      atMs: pair.nowMs,
      wallMs: pair.wallMs,
      machines: pair.nodes.map((node) => ({
        node: node.name,
        up: node.up,
        engine: node.running !== null,
        frozen: node.frozen,
        nicLost: node.nicLost,
        vips: [...node.vips],
        applications: Object.values(config.jobs).flatMap((job) =>
          job.applications.map(({ name }) => applicationKey(job.name, name)).filter((key) => node.applications.has(key))
        ),
        data: Object.values(config.jobs)
          .filter(({ data }) => data !== null)
          .map(({ name }) => {
            const { role, bytes, lsn } = pair.data(name).end(node.name)
            return { job: name, role, bytes, lsn }
          })
      })),
      witness: config.witness ? pair.witness.up : null,
      cuts: [...pair.cuts, ...(pair.gatewayLost ? ['gateway'] : [])],
      broken: [...pair.broken]
    }
  }
}
