import { type AgentDescription, agentName, agentPlace, agentProblems, type AgentUse, agentUses, type Config, type Place } from '../src/model'
import type { AgentAnswer } from '../src/wire'
import { reportOf } from './kit/fail'
import { call, openNodes } from './kit/nodes'
import type { NodeEntry, Store } from './kit/store'

/** An agent may have to be started first to tell its metadata. */
export const DESCRIBE_ANSWER_MS = 10_000
export const agentPath = (name: string): string => `/v1/agents/${encodeURIComponent(name)}`
const UNKNOWN = 'E_AGENT_UNKNOWN'

interface PlacedProblem {
  line: number
  column: number
  code: string
  message: string
  tryThis: string
}

interface CheckedAgents {
  problems: PlacedProblem[]
  /** Sentences: what could not be looked at. */
  unchecked: string[]
}

interface Read {
  text: string
  file: string
  config: Config
}

/** The agents of a configuration as the open nodes know them: are they there, and are these their parameters? */
export async function checkAgents(store: Store, only: string | undefined, read: Read): Promise<CheckedAgents> {
  const uses = agentUses(read.config)
  if (uses.length === 0) return { problems: [], unchecked: [] }
  if (only === undefined && store.open().length === 0) {
    const names = [...new Set(uses.map(({ agent }) => agentName(agent)))].join(', ')
    return { problems: [], unchecked: [`No node is open: whether ${names} is there, and has these parameters, was not looked at.`] }
  }
  const nodes = await Promise.all(openNodes(store, only).map((entry) => checkNode(entry, uses, read.text)))
  return { problems: joined(nodes.flatMap(({ found }) => found)), unchecked: nodes.flatMap(({ unchecked }) => unchecked) }
}

interface Found {
  node: string
  place: Place
  who: string
  what: string
  instead: string
}

async function checkNode(entry: NodeEntry, uses: AgentUse[], text: string): Promise<{ found: Found[]; unchecked: string[] }> {
  const found: Found[] = []
  const unchecked: string[] = []
  for (const use of uses) {
    const at = { node: entry.node, who: `Application ${use.application} of ${use.job}` }
    try {
      const problems = agentProblems(use.agent, await describe(entry, use))
      found.push(...problems.map(({ parameter, what, instead }) => ({ ...at, place: agentPlace(text, use, parameter), what, instead })))
    } catch (thrown) {
      const { code, message, tryThis } = reportOf(thrown)
      if (code !== UNKNOWN) unchecked.push(`${at.who}: ${message}`)
      else found.push({ ...at, place: agentPlace(text, use, null), what: `there is no agent ${agentName(use.agent)}`, instead: tryThis })
    }
  }
  return { found, unchecked }
}

async function describe(entry: NodeEntry, { agent }: AgentUse): Promise<AgentDescription> {
  return (await call<AgentAnswer>(entry, { method: 'GET', path: agentPath(agentName(agent)), answerMs: DESCRIBE_ANSWER_MS })).agent
}

/** The same on both nodes is one problem. */
function joined(found: Found[]): PlacedProblem[] {
  const groups = Map.groupBy(found, ({ place, who, what }) => JSON.stringify([place, who, what]))
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { place, who, what, instead } = first
    return [{ ...place, code: 'E_CONFIG_AGENT', message: `${who} on ${group.map(({ node }) => node).join(' and ')}: ${what}.`, tryThis: instead }]
  })
}
