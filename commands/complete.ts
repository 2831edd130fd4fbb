import type { AgentsAnswer } from '../src/wire'
import type { Context } from './context'
import { agentWords } from './completeAgent'
import { askAll, call } from './kit/nodes'
import { where } from './kit/client'
import { clustersOf } from './view/cluster'
import { GUIDE_WORDS } from './words'

const JOBS_KEPT_MS = 5_000
/** Packages are seldom installed. */
const AGENTS_KEPT_MS = 60_000

interface Names {
  names: string[]
  at: number
}

/** What Tab offers: commands, then what the command's own usage line names at this place. */
export class Completer {
  private agents: Names = { names: [], at: -Infinity }
  private jobs: Names = { names: [], at: -Infinity }

  constructor(private readonly context: Context) {}

  /** The command's own word needs no node asked: answered at once, so that Enter may follow in the same breath. */
  command(line: string): [string[], string] | null {
    const word = line.trimStart()
    return /\s/.test(word) ? null : fitting(this.commandWords(), word)
  }

  async complete(line: string): Promise<[string[], string]> {
    const words = line.trimStart().split(/\s+/)
    const word = words.at(-1) ?? ''
    const inOption = words[0]?.toLowerCase() === 'job' ? await agentWords(this.context, words, () => this.agentNames()) : null
    if (inOption !== null) return fitting(inOption, word)
    const offered = words.length <= 1 ? this.commandWords() : await this.following((words[0] ?? '').toLowerCase(), words.length - 2, word)
    return fitting(offered, word)
  }

  private commandWords(): string[] {
    return [...new Set([...GUIDE_WORDS, ...Object.keys(this.context.commands)])].sort()
  }

  private async following(command: string, place: number, word: string): Promise<string[]> {
    const found = this.context.commands[command]
    if (found === undefined) return []
    if (word.startsWith('-'))
      return Object.keys(found.flags)
        .map((flag) => `--${flag}`)
        .sort()
    const kinds = placesOf(found.about.usage)[place] ?? []
    return (await Promise.all(kinds.map((kind) => this.named(kind)))).flat()
  }

  private async named(kind: string): Promise<string[]> {
    if (kind === 'JOB') return this.jobNames()
    if (kind === 'LINK') return this.linkNames()
    if (kind === 'VIP') return this.vipNames()
    if (kind === 'EVENT') return this.eventNames()
    if (kind === 'NODE') return this.context.store.open().map((entry) => entry.node)
    if (kind === 'AGENT') return this.agentNames()
    if (kind === 'COMMAND') return this.commandWords()
    if (kind === 'ADDRESS') return this.context.store.nodes().map(where)
    return /^[a-z]/.test(kind) ? [kind] : []
  }

  private async linkNames(): Promise<string[]> {
    const asked = await askAll(this.context.store.open())
    return [...new Set(asked.flatMap(({ status }) => status?.self.links.map(({ name }) => name) ?? []))]
  }

  /** Those of any node: the others have the same, or should. */
  private async agentNames(): Promise<string[]> {
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
    const asked = await askAll(this.context.store.open())
    return [...new Set(asked.flatMap(({ status }) => Object.values(status?.self.jobs ?? {}).flatMap(({ vips }) => vips.map(({ name }) => name))))]
  }

  /** Of the nodes' system resource monitors. */
  private async eventNames(): Promise<string[]> {
    const views = (await askAll(this.context.store.open())).flatMap(({ status }) => [status?.self, status?.peer?.view])
    return [...new Set(views.flatMap((view) => view?.monitor?.events.map(({ name }) => name) ?? []))]
  }

  private async jobNames(): Promise<string[]> {
    if (performance.now() - this.jobs.at < JOBS_KEPT_MS) return this.jobs.names
    const names = clustersOf(await askAll(this.context.store.open())).flatMap((cluster) => cluster.jobs)
    this.jobs = { names, at: performance.now() }
    return names
  }
}

function fitting(offered: string[], word: string): [string[], string] {
  const found = offered.filter((one) => one.toLowerCase().startsWith(word.toLowerCase()))
  return [found.map((one) => (found.length === 1 && !one.endsWith('=') ? `${one} ` : one)), word]
}

/** `mirror JOB start|stop [--yes]` → [[JOB], [start, stop]]. */
function placesOf(usage: string): string[][] {
  const [form = ''] = usage.split(',')
  const words = form.split(' ').slice(1)
  const end = words.findIndex((word) => word.startsWith('[--'))
  return (end < 0 ? words : words.slice(0, end)).map((word) =>
    word
      .replace(/\[:PORT\]/, '')
      .replace(/[[\]]/g, '')
      .split('|')
  )
}
