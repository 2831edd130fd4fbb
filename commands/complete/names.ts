import { JOB_MODES } from '../../src/model'
import type { AgentsAnswer } from '../../src/wire'
import type { Context } from '../context'
import { askAll, call } from '../kit/nodes'
import { where } from '../kit/client'
import { clustersOf } from '../view/cluster'
import { fileNames } from './files'

const JOBS_KEPT_MS = 5_000
/** Packages are seldom installed. */
const AGENTS_KEPT_MS = 60_000

interface Kept {
  names: string[]
  at: number
}

/** What the capital words of a usage line stand for, just now. */
export class Names {
  private agents: Kept = { names: [], at: -Infinity }
  private jobs: Kept = { names: [], at: -Infinity }

  constructor(private readonly context: Context) {}

  /** `words`: what has been typed before; `word`: what is being typed. */
  async of(kind: string, words: string[], word: string): Promise<string[]> {
    const { store } = this.context
    if (kind === 'JOB') return this.jobNames()
    if (kind === 'APPLICATION') return this.applicationNames(words)
    if (kind === 'LINK') return this.linkNames()
    if (kind === 'VIP') return this.vipNames()
    if (kind === 'EVENT') return this.eventNames()
    if (kind === 'NODE') return store.open().map((entry) => entry.node)
    if (kind === 'AGENT') return this.agentNames()
    if (kind === 'ADDRESS') return store.nodes().map(where)
    if (kind === 'MODE') return [...JOB_MODES]
    if (kind === 'FILE' || kind === 'PROGRAM') return fileNames(word)
    return /^[a-z]/.test(kind) ? [kind] : []
  }

  private async views() {
    const asked = await askAll(this.context.store.open())
    return asked.flatMap(({ status }) => (status === null ? [] : [status.self]))
  }

  private async linkNames(): Promise<string[]> {
    return unique((await this.views()).flatMap(({ links }) => links.map(({ name }) => name)))
  }

  /** Those of any node: the others have the same, or should. */
  async agentNames(): Promise<string[]> {
    if (performance.now() - this.agents.at < AGENTS_KEPT_MS) return this.agents.names
    const asked = this.context.store.open().map((entry) => call<AgentsAnswer>(entry, { method: 'GET', path: '/v1/agents' }))
    const names = await Promise.any(asked).then(
      ({ agents }) => agents,
      () => []
    )
    this.agents = { names, at: performance.now() }
    return names
  }

  private async vipNames(): Promise<string[]> {
    return unique((await this.views()).flatMap(({ jobs }) => Object.values(jobs).flatMap(({ vips }) => vips.map(({ name }) => name))))
  }

  /** Those of the job that is named before, or that is in use; of all where none is. */
  private async applicationNames(words: string[]): Promise<string[]> {
    const views = await this.views()
    const names = [...words, this.context.use.job ?? ''].filter((name) => views.some(({ jobs }) => Object.hasOwn(jobs, name)))
    const jobs = views.flatMap((view) => Object.entries(view.jobs)).filter(([name]) => names.length === 0 || name === names[0])
    return unique(jobs.flatMap(([, { applications }]) => applications.map(({ name }) => name)))
  }

  /** Of the nodes' system resource monitors. */
  private async eventNames(): Promise<string[]> {
    const views = (await askAll(this.context.store.open())).flatMap(({ status }) => [status?.self, status?.peer?.view])
    return unique(views.flatMap((view) => view?.monitor?.events.map(({ name }) => name) ?? []))
  }

  private async jobNames(): Promise<string[]> {
    if (performance.now() - this.jobs.at < JOBS_KEPT_MS) return this.jobs.names
    const names = clustersOf(await askAll(this.context.store.open())).flatMap((cluster) => cluster.jobs)
    this.jobs = { names, at: performance.now() }
    return names
  }
}

const unique = (names: string[]): string[] => [...new Set(names)]
