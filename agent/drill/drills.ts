import path from 'node:path'
import { NO_TARGETS } from '../../src/model/drill'
import { drillReport } from '../../src/report/drill'
import { ReportError } from '../../src/report/report'
import type { DrillEntry, DrillsAnswer, JobView, ProbeAnswer, ProbeSeen, StatusAnswer } from '../../src/wire'
import type { ApplicationPort, ClockPort, HeartbeatPort, LogPort, Places } from '../ports'
import type { DrillBook } from './book'
import { Leading } from './leading'
import { type Probed, readProbe, removeProbe, writeProbe } from './probe'
import { Stillness } from './stillness'

/** What a node does for a drill that the shell leads: each part is bounded, and is over by itself. */
export interface DrillDoor {
  list(job: string): Promise<DrillsAnswer>
  add(entry: DrillEntry): Promise<void>
  /** A number into the job's folder; null: the probe is removed, and this drill is over. */
  probe(job: string, drill: string, sequence: number | null): Promise<ProbeAnswer>
  /** What stands in it here, whoever serves the job. */
  look(job: string): Promise<ProbeSeen>
  /** The application dies as by an accident. */
  crash(job: string, application: string): Promise<void>
  /** The heartbeat program neither sends nor hears on the link for so long. */
  hold(link: string, forMs: number): Promise<void>
  /** Throws why it does not now. */
  mayStill(job: string): void
  /** This node, which serves nothing, stands still for so long, as if it hung. Resolves before it begins. */
  still(job: string, forMs: number): Promise<void>
}

export interface DrillPorts {
  places: Places
  applications: Pick<ApplicationPort, 'crash'>
  heartbeat: Pick<HeartbeatPort, 'hold' | 'view'>
  clock: ClockPort
  log: LogPort
  book: Pick<DrillBook, 'read' | 'add'>
  /** Into a folder of the job; null: the probe is removed. */
  write(job: string, folder: string, sequence: number | null): Promise<Probed>
  read(job: string, folder: string): Promise<Probed>
  status(): StatusAnswer
  whyNotStill(job: string): string[]
  standStill(forMs: number): Promise<string[]>
}

export class Drills implements DrillDoor {
  /** One write of a probe at a time: one that hangs with its folder must not be followed by others. */
  private readonly writing = new Set<string>()

  private readonly leading: Leading
  private readonly stillness: Stillness

  constructor(private readonly ports: DrillPorts) {
    const { clock, log, places } = ports
    this.leading = new Leading(() => clock.nowMs())
    this.stillness = new Stillness({ node: places.node, clock, log, whyNot: (job) => ports.whyNotStill(job), standStill: (forMs) => ports.standStill(forMs) })
  }

  private get node(): string {
    return this.ports.places.node
  }

  async list(job: string): Promise<DrillsAnswer> {
    const config = this.ports.places.config.jobs[job]
    if (config === undefined) throw this.refused('E_DRILL_REFUSED', job, 'there is no such job')
    return { job, node: this.node, entries: await this.ports.book.read(job), targets: { ...NO_TARGETS, ...config.drill }, still: this.stillness.last }
  }

  async add(entry: DrillEntry): Promise<void> {
    if (this.ports.places.config.jobs[entry.job] === undefined) throw this.refused('E_DRILL_REFUSED', entry.job, 'there is no such job')
    await this.ports.book.add(entry)
    const outcome = entry.missed.length === 0 ? 'every target was met' : `missed: ${entry.missed.join('; ')}`
    this.ports.log.event(entry.missed.length === 0 ? 'info' : 'warning', `Drill ${entry.kind} of ${entry.job}: ${outcome}`, entry.job)
  }

  async probe(job: string, drill: string, sequence: number | null): Promise<ProbeAnswer> {
    this.serving(job)
    const folder = this.folderOf(job)
    const other = this.leading.begin(drill, job)
    if (other !== null) throw this.refused('E_DRILL_RUNS', other, 'one at a time')
    if (this.writing.has(job)) throw this.refused('E_DRILL_PROBE', job, 'the write before has not ended')
    this.writing.add(job)
    try {
      const done = await this.ports.write(job, folder, sequence)
      if ('why' in done) throw this.refused('E_DRILL_PROBE', job, done.why)
      return { node: this.node, sequence: sequence ?? 0, before: done.before }
    } finally {
      this.writing.delete(job)
      if (sequence === null) this.leading.end(drill)
    }
  }

  async look(job: string): Promise<ProbeSeen> {
    const seen = await this.ports.read(job, this.folderOf(job))
    if ('why' in seen) throw this.refused('E_DRILL_PROBE', job, seen.why)
    return { node: this.node, sequence: seen.before }
  }

  async crash(job: string, application: string): Promise<void> {
    const view = this.serving(job)
    const config = this.ports.places.config.jobs[job]
    const wanted = config?.applications.find(({ name }) => name === application)
    const known = config?.applications.map(({ name }) => name).join(', ') || 'none'
    if (config === undefined || wanted === undefined) throw this.refused('E_DRILL_REFUSED', job, `it has no application ${application}; it has ${known}`)
    if (view.applications.some(({ state }) => state !== 'online')) throw this.refused('E_DRILL_REFUSED', job, 'not every application is online')
    this.ports.log.event('warning', `Drill: ${application} of ${job} is killed`, job)
    await this.ports.applications.crash(config, wanted)
  }

  async hold(link: string, forMs: number): Promise<void> {
    const { links } = this.ports.heartbeat.view()
    const known = links.map(({ name }) => name).join(', ')
    if (!links.some(({ name }) => name === link)) throw this.refused('E_DRILL_REFUSED', link, `it is no heartbeat link; there is ${known || 'none'}`)
    if (!links.some(({ name, up, heardByPeer }) => name !== link && up && heardByPeer !== false))
      throw this.refused('E_DRILL_REFUSED', link, 'no other heartbeat link is up: the nodes would take each other for dead')
    this.ports.log.event('warning', `Drill: heartbeats on ${link} are held for ${forMs} ms`)
    this.ports.heartbeat.hold(link, forMs)
  }

  async still(job: string, forMs: number): Promise<void> {
    this.mayStill(job)
    this.stillness.begin(job, forMs)
  }

  mayStill(job: string): void {
    if (this.stillness.isNow) throw this.refused('E_DRILL_RUNS', this.stillness.last?.job ?? job, 'one at a time')
    const why = this.ports.places.config.jobs[job] === undefined ? ['there is no such job'] : this.ports.whyNotStill(job)
    if (why.length > 0) throw this.refused('E_DRILL_STILL', job, why.join('; '))
  }

  private folderOf(job: string): string {
    const folder = this.ports.places.config.jobs[job]?.data?.folders[0]?.path
    if (folder === undefined) throw this.refused('E_DRILL_REFUSED', job, 'it has no folder')
    return folder
  }

  /** Only where it serves, and all is well. */
  private serving(job: string): JobView {
    const view = this.ports.status().self.jobs[job]
    const state = view === undefined ? 'it is not known here' : `it is ${view.phase} here`
    if (view === undefined || view.record.owner !== this.node || view.phase !== 'online') throw this.refused('E_DRILL_NOT_HERE', job, state)
    return view
  }

  private refused(code: 'E_DRILL_REFUSED' | 'E_DRILL_NOT_HERE' | 'E_DRILL_PROBE' | 'E_DRILL_STILL' | 'E_DRILL_RUNS', what: string, why: string): ReportError {
    return new ReportError(drillReport(code, { node: this.node, what, why }))
  }
}

export const writeInFolder = (_job: string, folder: string, sequence: number | null): Promise<Probed> =>
  sequence === null ? removeProbe(folder) : writeProbe(folder, sequence)

export const readInFolder = (_job: string, folder: string): Promise<Probed> => readProbe(folder)

export const drillsFile = ({ stateDirectory }: Pick<Places, 'stateDirectory'>): string => path.join(stateDirectory, 'drills.json')
