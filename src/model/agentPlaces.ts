import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import type { AgentConfig, Config } from './config'

/** An agent that a configuration uses, and where. */
export interface AgentUse {
  job: string
  application: string
  agent: AgentConfig
}

export const agentUses = (config: Config): AgentUse[] =>
  Object.values(config.jobs).flatMap((job) => job.applications.flatMap(({ name, agent }) => (agent ? [{ job: job.name, application: name, agent }] : [])))

export interface Place {
  line: number
  column: number
}

/** Where a text has an application, or a parameter of it; its first line when that cannot be told. */
export function agentPlace(text: string, { job, application }: AgentUse, parameter: string | null): Place {
  const counter = new LineCounter()
  const list = parseDocument(text, { lineCounter: counter }).getIn(['jobs', job, 'applications'])
  const items = isSeq(list) ? list.items.filter((item) => isMap(item)) : []
  const found = items.find((item) => item.get('name') === application)
  const parameters = found?.get('parameters')
  const pair = isMap(parameters) ? parameters.items.find(({ key }) => String(key) === parameter) : undefined
  const node = (pair?.key ?? found) as { range?: [number, number, number] } | undefined
  const { line, col } = counter.linePos(node?.range?.[0] ?? 0)
  return { line, column: col }
}
