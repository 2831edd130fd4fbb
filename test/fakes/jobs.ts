import { firstOwnerOf } from '../../src/model'
import { DataPlane } from './dataPlane'
import { type FakeNode, machineOf, seatOf } from './fakeNode'
import { blankMachine, serves } from './machine'
import { JOB } from './pairConfig'
import type { World } from './world'

/** The jobs that a world has seen: mostly one, for all of its life. */
export class FakeJobs {
  /** The one that is meant where none is named. */
  aimedAt = JOB
  private readonly planes = new Map<string, DataPlane>()
  private readonly begun = new Set<string>()
  /** How often a node has got one while it ran. */
  made = 0

  constructor(private readonly world: World) {}

  /** What is done meanwhile is about this job. */
  aim(job: string, run: () => unknown): void {
    const before = this.aimedAt
    this.aimedAt = job
    run()
    this.aimedAt = before
  }

  dataOf(job: string): DataPlane {
    const known = this.planes.get(job) ?? new DataPlane(this.world, job)
    this.planes.set(job, known)
    return known
  }

  data(): Iterable<DataPlane> {
    return this.planes.values()
  }

  /** This node goes by its configuration from now on: what is new in it begins, and what has gone while no engine ran is seen to. */
  follow(node: FakeNode, isStart: boolean): void {
    for (const job of Object.keys(node.config.jobs)) {
      const key = `${node.name}/${job}`
      if (this.begun.has(key)) continue
      this.begun.add(key)
      machineOf(node, job).data.copyComplete = firstOwnerOf(node.config, job) === node.name
      if (node.config.jobs[job]?.since) this.made += 1
    }
    if (isStart) for (const job of this.planes.keys()) if (!Object.hasOwn(node.config.jobs, job)) this.forget(node, job)
  }

  /** It was taken out, and may be made again. */
  forget(node: FakeNode, job: string): void {
    if (!this.begun.delete(`${node.name}/${job}`)) return
    const { machine } = seatOf(node, job)
    if (serves(machine) || machine.data.role === 'source') throw new Error(`${node.name} forgets ${job}, and serves it, at ${this.world.nowMs}`)
    this.dataOf(job).disconnect()
    Object.assign(seatOf(node, job), { guard: null, machine: blankMachine(false) })
    this.dataOf(job).forget(node)
  }
}
