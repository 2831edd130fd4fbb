import type { Node } from 'yaml'
import type { ApplicationConfig } from '../config'
import { AGENT_EXAMPLE, readAgent } from './agentSection'
import { emptyRecord } from './clusterSections'
import { checkName } from './name'
import { readRestart, RESTART_KEYS } from './restartSection'
import { scalarText, Section } from './section'

const KINDS = ['service', 'process', 'agent'] as const
const APPLICATION_KEYS = [
  'name',
  ...KINDS,
  'parameters',
  'checkLevel',
  'startTimeout',
  'stopTimeout',
  'checkInterval',
  'checkTimeout',
  ...RESTART_KEYS,
  'dependsOn'
]
const PROCESS_KEYS = ['start', 'stop', 'check', 'user', 'workingDirectory', 'environment', 'stopSignal']
const DEFAULT_START_TIMEOUT_MS = 60_000
const DEFAULT_STOP_TIMEOUT_MS = 60_000
const DEFAULT_CHECK_INTERVAL_MS = 5_000
const DEFAULT_CHECK_TIMEOUT_MS = 10_000
const TIMEOUT_MS = { min: 100, max: 24 * 3_600_000 }
const EXAMPLE_SERVICE = 'service: postgresql@15-main'
const EXAMPLE_COMMAND = '/usr/bin/myserver --foreground'

type ProcessPart = Pick<ApplicationConfig, 'start' | 'stop' | 'check' | 'user' | 'workingDirectory' | 'environment' | 'stopSignal'>

export function readApplication(job: Section, item: Node): ApplicationConfig {
  const section = new Section(job.source, `an application of ${job.where}`, item, APPLICATION_KEYS)
  const name = section.require('name', 'name: POSTGRES') ? section.text('name', '', 'POSTGRES') : ''
  if (name !== '') checkName(job.source, section.place('name'), 'an application', name)
  const kind = readKind(section)
  const application: ApplicationConfig = {
    name,
    kind,
    unit: kind === 'service' ? section.text('service', null, 'postgresql@15-main') : null,
    ...agentPart(readAgent(section)),
    ...readProcess(section.section('process', `process of application ${name}`, PROCESS_KEYS), kind),
    startTimeoutMs: section.durationMs('startTimeout', DEFAULT_START_TIMEOUT_MS, TIMEOUT_MS),
    stopTimeoutMs: section.durationMs('stopTimeout', DEFAULT_STOP_TIMEOUT_MS, TIMEOUT_MS),
    checkIntervalMs: section.durationMs('checkInterval', DEFAULT_CHECK_INTERVAL_MS, TIMEOUT_MS),
    checkTimeoutMs: section.durationMs('checkTimeout', DEFAULT_CHECK_TIMEOUT_MS, TIMEOUT_MS),
    ...readRestart(section),
    dependsOn: section.list('dependsOn', '[ POSTGRES ]').map((other) => scalarText(other) ?? '')
  }
  job.source.remember(application, section.place('name'))
  job.source.remember(application.dependsOn, section.place('dependsOn'))
  return application
}

/** Absent where there is none, so that what was written before there were agents stays the same. */
const agentPart = (agent: ApplicationConfig['agent']): Pick<ApplicationConfig, 'agent'> => (agent ? { agent } : {})

function readKind(section: Section): ApplicationConfig['kind'] {
  const [first, second] = KINDS.filter((kind) => section.valueNode(kind) !== null)
  if (first && second) section.refuse(second, `left out, as the application is of kind ${first} already`, EXAMPLE_COMMAND)
  if (!first) section.require('service', `${EXAMPLE_SERVICE} (a systemd unit), ${AGENT_EXAMPLE}, or process: { start: ${EXAMPLE_COMMAND} }`)
  return first ?? 'process'
}

function readProcess(section: Section, kind: ApplicationConfig['kind']): ProcessPart {
  if (kind === 'process' && section.node) section.require('start', `start: ${EXAMPLE_COMMAND} (it stays in the foreground)`)
  const workingDirectory = section.text('workingDirectory', null, '/var/lib/myserver')
  if (workingDirectory && !workingDirectory.startsWith('/')) section.refuse('workingDirectory', 'a path that begins with /', '/var/lib/myserver')
  return {
    start: commandLine(section, 'start'),
    stop: commandLine(section, 'stop'),
    check: commandLine(section, 'check'),
    user: section.text('user', null, 'postgres'),
    workingDirectory,
    environment: readEnvironment(section),
    stopSignal: section.oneOf('stopSignal', 'SIGTERM', ['SIGTERM', 'SIGINT', 'SIGQUIT'])
  }
}

/** A shell command may have several lines. */
function commandLine(section: Section, key: string): string | null {
  const node = section.valueNode(key)
  if (node === null) return null
  const text = scalarText(node)?.trim()
  if (text && !text.includes('\0')) return text
  section.refuse(key, 'a shell command', EXAMPLE_COMMAND)
  return null
}

function readEnvironment(section: Section): Record<string, string> {
  const environment = emptyRecord<string>()
  const variables = section.section('environment', `environment of ${section.where}`, null)
  for (const name of variables.names) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) environment[name] = variables.text(name, '', 'value')
    else section.source.refuse(variables.keyNode(name), 'E_CONFIG_NAME', { what: 'a variable', found: `"${name}"`, why: 'is not a name of a variable' })
  }
  return environment
}
