import { type AgentConfig, agentName } from './config'
import { nearest } from './config/nearest'

/** What a resource agent says of itself: its metadata, in plain words. */
export interface AgentDescription {
  /** `ocf:heartbeat:pgsql` */
  agent: string
  version: string
  /** One line. */
  summary: string
  description: string
  parameters: AgentParameter[]
  actions: AgentAdvice[]
}

export interface AgentParameter {
  name: string
  /** `string`, `integer`, `boolean`, `select` or what else the agent says. */
  type: string
  required: boolean
  /** Two resources may not have the same value. */
  unique: boolean
  deprecated: boolean
  /** null: there is none. */
  byDefault: string | null
  /** Of type `select`; else empty. */
  choices: string[]
  summary: string
  description: string
}

/** The agent's advice for an action. */
export interface AgentAdvice {
  name: string
  /** null: it says nothing. */
  timeoutMs: number | null
  intervalMs: number | null
}

export interface AgentProblem {
  /** null: the agent as a whole. */
  parameter: string | null
  what: string
  instead: string
}

/** Understood by every agent of resource-agents (ocf-shellfuncs), and in the metadata of a few only. */
const EVERYWHERE = ['trace_ra', 'trace_dir', 'trace_file']
const BOOLEAN = /^(yes|no|true|false|on|off|1|0|y|n|t|f|ja|nein)$/i
const INTEGER = /^[+-]?\d+$/

/** What is wrong with the parameters, as the agent's own metadata has them. */
export function agentProblems(agent: AgentConfig, description: AgentDescription): AgentProblem[] {
  const known = description.parameters.map(({ name }) => name)
  const unknown = Object.keys(agent.parameters).filter((name) => !known.includes(name) && !EVERYWHERE.includes(name))
  return [
    ...unknown.map((name) => unknownParameter(agent, name, known)),
    ...description.parameters.flatMap((parameter) => problemOf(agent, parameter, agent.parameters[parameter.name]) ?? [])
  ]
}

function unknownParameter(agent: AgentConfig, name: string, known: string[]): AgentProblem {
  const meant = nearest(name, known)
  const instead = meant === null ? `Its parameters: ${known.join(', ') || 'none'}.` : `Did you mean ${meant}?`
  return { parameter: name, what: `${agentName(agent)} has no parameter ${name}`, instead }
}

function problemOf(agent: AgentConfig, { name, required, byDefault, type, choices, summary }: AgentParameter, value: string | undefined): AgentProblem | null {
  if (value === undefined) {
    const what = `${agentName(agent)} needs the parameter ${name}`
    return required && !byDefault ? { parameter: null, what, instead: `Add ${name}: …${summary === '' ? '' : ` (${summary})`}.` } : null
  }
  const expected = value === '' || (byDefault && expectedOf(type, choices, byDefault)) ? null : expectedOf(type, choices, value)
  return expected === null ? null : { parameter: name, what: `the parameter ${name} of ${agentName(agent)} is "${value}"`, instead: expected }
}

/** null: the value is of this type. An agent whose own default is not means something else by it. */
function expectedOf(type: string, choices: string[], value: string): string | null {
  if (type === 'integer') return INTEGER.test(value) ? null : 'Write a whole number.'
  if (type === 'boolean') return BOOLEAN.test(value) ? null : 'Write true or false.'
  return type !== 'select' || choices.length === 0 || choices.includes(value) ? null : `Write one of ${choices.join(', ')}.`
}
