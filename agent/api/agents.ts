import { agentName, nearest, parseAgentName } from '../../src/model'
import type { AgentAnswer, AgentsAnswer } from '../../src/wire'
import { failure, plainReason } from '../adapters/failure'
import type { Door } from './door'

export const listAgents = async ({ places: { node }, agents }: Door): Promise<AgentsAnswer> => ({ node, agents: await agents.list() })

/** Most think of an agent by its type alone. */
const meant = (word: string, known: string[]): string | null => known.find((name) => name.endsWith(`:${word}`)) ?? nearest(word, known)

export async function describeAgent({ places: { node }, agents }: Door, word: string): Promise<AgentAnswer> {
  const name = parseAgentName(word)
  if (name === null || agents.missing(name) !== null) throw failure('E_AGENT_UNKNOWN', { node, agent: word, nearest: meant(word, await agents.list()) })
  try {
    return { node, agent: await agents.describe(name) }
  } catch (error) {
    throw failure('E_AGENT_METADATA', { node, agent: agentName(name), why: plainReason(error) })
  }
}
