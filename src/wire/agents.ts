import type { AgentDescription } from '../model'

/** GET /v1/agents: the resource agents that are installed on the node. */
export interface AgentsAnswer {
  node: string
  agents: string[]
}

/** GET /v1/agents/:agent */
export interface AgentAnswer {
  node: string
  agent: AgentDescription
}
