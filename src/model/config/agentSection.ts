import type { AgentConfig } from '../config'
import { emptyRecord } from './clusterSections'
import { scalarText, type Section } from './section'

const EXAMPLE = 'ocf:heartbeat:pgsql'
const CHECK_LEVEL = { min: 0, max: 100 }
/** `ocf:PROVIDER:TYPE`; the standard may be left out, as there is no other. */
const NAME = /^(?:ocf:)?([A-Za-z0-9_][\w.-]*):([A-Za-z0-9_][\w.-]*)$/
const PARAMETER = /^[A-Za-z_][\w-]*$/
/** Told to an agent by whoever runs it. */
const RESERVED = /^CRM_meta_/

/** null: it is no name of an OCF resource agent. */
export function parseAgentName(text: string): Pick<AgentConfig, 'provider' | 'type'> | null {
  const [, provider, type] = NAME.exec(text) ?? []
  return provider === undefined || type === undefined ? null : { provider, type }
}

/** `agent: ocf:heartbeat:pgsql`, `parameters: { pgdata: /srv/db }`, `checkLevel: 10` of an application. */
export function readAgent(section: Section): AgentConfig | null {
  const text = section.text('agent', null, EXAMPLE)
  if (text === null) return refuseLonely(section)
  const name = parseAgentName(text)
  if (name === null) section.refuse('agent', 'an OCF resource agent, ocf:PROVIDER:TYPE', EXAMPLE)
  const agent = { provider: name?.provider ?? '', type: name?.type ?? '', ...readSettings(section) }
  section.source.remember(agent.parameters, section.place('parameters'))
  return agent
}

const readSettings = (section: Section): Pick<AgentConfig, 'parameters' | 'checkLevel'> => ({
  parameters: readParameters(section),
  checkLevel: section.count('checkLevel', 0, CHECK_LEVEL)
})

function refuseLonely(section: Section): null {
  for (const key of ['parameters', 'checkLevel']) {
    if (section.valueNode(key) !== null) section.refuse(key, 'left out, as the application is no agent', `agent: ${EXAMPLE}`)
  }
  return null
}

function readParameters(section: Section): Record<string, string> {
  const parameters = emptyRecord<string>()
  const given = section.section('parameters', `parameters of ${section.where}`, null)
  for (const name of given.names) {
    const text = scalarText(given.valueNode(name))
    const why = whyNot(name)
    if (why !== null) section.source.refuse(given.keyNode(name), 'E_CONFIG_NAME', { what: 'a parameter of an agent', found: `"${name}"`, why })
    else if (text === null || text.includes('\0')) given.refuse(name, 'a text or a number', '/srv/db')
    else parameters[name] = text
  }
  return parameters
}

function whyNot(name: string): string | null {
  if (!PARAMETER.test(name)) return 'is not a name of a parameter'
  return RESERVED.test(name) ? 'is one that only the program that runs agents may set' : null
}

export const AGENT_EXAMPLE = `agent: ${EXAMPLE}`
