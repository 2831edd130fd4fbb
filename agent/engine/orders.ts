import type { Found, Order } from '../../src/core'
import { hasQuorum, invariant, type ApplicationConfig, type JobConfig, type VipConfig } from '../../src/model'
import { jobReport } from '../../src/report/job'
import { ReportError } from '../../src/report/report'
import type { Ports } from '../ports'
import { Lanes } from './lanes'

type OrderPorts = Pick<Ports, 'vip' | 'applications' | 'data' | 'lease'>

/** The other node is fenced for all jobs (perform.ts); everything else is a job's own. */
export type JobOrder = Exclude<Order, { do: 'fence' }>

/** One order → one call of a port. Rejects as the port does. */
export class Orders {
  private readonly lanes = new Lanes()

  constructor(private readonly ports: OrderPorts) {}

  carryOut(job: JobConfig, roleSequence: number, order: JobOrder): Promise<unknown> {
    switch (order.do) {
      case 'observe':
        return this.observe(job, roleSequence)
      case 'probe':
        return this.ports.vip.probe(order.vip)
      case 'raise':
        return this.lanes.begin(
          `vip/${order.vip.address}`,
          this.leased(job, roleSequence, () => this.raise(job, order.vip))
        )
      case 'drop':
        return this.lanes.end(`vip/${order.vip.address}`, () => this.ports.vip.drop(order.vip))
      case 'start':
        return this.lanes.begin(
          applicationLane(job, order.application),
          this.leased(job, roleSequence, () => this.ports.applications.start(job, applicationOf(job, order.application)))
        )
      case 'stop':
        return this.stop(job, order.application, order.kill)
      default:
        return this.carryOutData(job, roleSequence, order)
    }
  }

  /** Modes with quorum: what waited for its turn, or slept, until its lease was over does not begin any more. */
  private leased(job: JobConfig, roleSequence: number, call: () => Promise<void>): () => Promise<void> {
    if (!hasQuorum(job.mode)) return call
    const { lease } = this.ports
    return async () => {
      if (!lease.runs(job.name, roleSequence)) throw new ReportError(jobReport('E_LEASE_ENDED', { job: job.name, roleSequence }))
      await call()
    }
  }

  private raise({ name, mode }: JobConfig, vip: VipConfig): Promise<void> {
    return this.ports.vip.raise(vip, hasQuorum(mode) ? this.ports.lease.untilMs(name) : null)
  }

  private stop(job: JobConfig, name: string, kill: boolean): Promise<void> {
    const call = () => this.ports.applications.stop(job, applicationOf(job, name), { kill })
    return kill ? this.lanes.end(applicationLane(job, name), call) : this.lanes.after(applicationLane(job, name), call)
  }

  private carryOutData(
    job: JobConfig,
    roleSequence: number,
    order: Exclude<JobOrder, { do: 'observe' | 'probe' | 'raise' | 'drop' | 'start' | 'stop' }>
  ): Promise<unknown> {
    const { data } = this.ports
    const lane = `data/${job.name}`
    switch (order.do) {
      case 'source':
        return this.lanes.begin(
          lane,
          this.leased(job, roleSequence, () => this.source(job, roleSequence, order))
        )
      case 'target':
        return this.lanes.begin(lane, () => data.ensure(job).then(() => data.target(job.name, roleSequence)))
      case 'drain':
        return this.lanes.after(lane, () => data.drain(job.name, order.timeoutMs))
      case 'stopData':
        return this.stopData(job, lane, order.force)
      case 'reconfigure':
        return this.lanes.after(lane, () => data.reconfigure(job))
      case 'rebuild':
        return this.lanes.after(lane, () => data.rebuild(job))
      default:
        return this.lanes.after(lane, () => this.noteData(job.name, order))
    }
  }

  private async source(job: JobConfig, roleSequence: number, order: Extract<Order, { do: 'source' }>): Promise<void> {
    const { data } = this.ports
    await data.ensure(job)
    await data.safety(job.name, order.safety, order.safetySequence)
    await data.source(job.name, roleSequence, order.peerCopyComplete)
  }

  private noteData(
    job: string,
    order: Extract<Order, { do: 'mirror' | 'verify' | 'transmit' | 'bandwidth' | 'safety' | 'selectSource' | 'upgrade' }>
  ): Promise<unknown> {
    const { data } = this.ports
    switch (order.do) {
      case 'mirror':
        return data.mirror(job, order.action)
      case 'verify':
        return data.verify(job, order.action, order.mode)
      case 'transmit':
        return data.transmit(job, order.action)
      case 'bandwidth':
        return data.bandwidth(job, order.bytesPerSecond)
      case 'safety':
        return data.safety(job, order.safety, order.safetySequence)
      case 'selectSource':
        return data.selectSource(job)
      case 'upgrade':
        return data.upgrade(job)
    }
  }

  /** The program may have died: one that is started anew also cleans up what was left mounted. */
  private stopData(job: JobConfig, lane: string, force: boolean): Promise<void> {
    const call = () => this.ports.data.ensure(job).then(() => this.ports.data.stop(job.name, { force }))
    return force ? this.lanes.end(lane, call) : this.lanes.after(lane, call)
  }

  /** What runs here of a job, found and watched again. */
  private async observe(job: JobConfig, roleSequence: number): Promise<Found> {
    const data = job.data ? await this.ports.data.ensure(job) : null
    const held = await this.held(job)
    const running: string[] = []
    for (const application of job.applications) if (await this.ports.applications.adopt(job, application)) running.push(application.name)
    const { lease } = this.ports
    await lease.known()
    // One of an earlier role sequence was granted for something else.
    return { held, running, data, leaseUntilMs: lease.runs(job.name, roleSequence) ? lease.untilMs(job.name) : null }
  }

  async held(job: JobConfig): Promise<string[]> {
    const held: string[] = []
    for (const vip of job.vips) if (await this.ports.vip.held(vip)) held.push(vip.name)
    return held
  }
}

const applicationLane = (job: JobConfig, application: string): string => `application/${job.name}/${application}`

function applicationOf(job: JobConfig, name: string): ApplicationConfig {
  const application = job.applications.find((one) => one.name === name)
  invariant(application, `application ${name} is in the configuration of ${job.name}`)
  return application
}
