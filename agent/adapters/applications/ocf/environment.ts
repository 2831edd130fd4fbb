import type { AgentConfig, ApplicationConfig, JobConfig } from '../../../../src/model'
import type { Places } from '../../../ports'
import { programPath } from '../../environment'
import { fileWord } from '../../files'
import { ocfRoot, stateDirectory } from './places'

const API_MAJOR = '1'
const API_MINOR = '1'

/** What every action of one application's agent is told. Nothing of our own environment but the time zone and the programs' places. */
export function agentEnvironment(
  { node, runDirectory }: Pick<Places, 'node' | 'runDirectory'>,
  job: JobConfig,
  application: ApplicationConfig,
  agent: AgentConfig
): Record<string, string> {
  const parameters = Object.fromEntries(Object.entries(agent.parameters).map(([name, value]) => [`OCF_RESKEY_${name}`, value]))
  return {
    ...plainEnvironment(agent),
    HA_RSCTMP: stateDirectory(runDirectory),
    OCF_RESOURCE_INSTANCE: `${fileWord(job.name)}.${fileWord(application.name)}`,
    OCF_RESKEY_CRM_meta_on_node: node,
    MIRRORPAIR_JOB: job.name,
    MIRRORPAIR_APPLICATION: application.name,
    ...parameters
  }
}

/** Enough to be asked for its metadata. */
export function plainEnvironment(agent: Pick<AgentConfig, 'provider' | 'type'>): Record<string, string> {
  const { TZ, HOME } = process.env
  return {
    ...(TZ === undefined ? {} : { TZ }),
    PATH: programPath(),
    HOME: HOME ?? '/',
    LC_ALL: 'C',
    OCF_ROOT: ocfRoot(),
    OCF_RA_VERSION_MAJOR: API_MAJOR,
    OCF_RA_VERSION_MINOR: API_MINOR,
    OCF_RESOURCE_PROVIDER: agent.provider,
    OCF_RESOURCE_TYPE: agent.type
  }
}

export interface ActionSettings {
  timeoutMs: number
  /** 0: a probe, which asks what is so and expects nothing. */
  intervalMs: number
  checkLevel: number
}

/** What differs from one action to the next. */
export const actionEnvironment = (action: string, { timeoutMs, intervalMs, checkLevel }: ActionSettings): Record<string, string> => ({
  OCF_RESKEY_CRM_meta_name: action,
  OCF_RESKEY_CRM_meta_timeout: String(timeoutMs),
  OCF_RESKEY_CRM_meta_interval: String(intervalMs),
  ...(checkLevel > 0 ? { OCF_CHECK_LEVEL: String(checkLevel) } : {})
})

const SECRET_NAME = /pass(wd|word|phrase)?|secret|token|credential|apikey|api_key/i
/** Shorter ones would hide half of a sentence. */
const SECRET_LENGTH_MIN = 3

/** The values that must not be said again, whatever the agent prints. */
export const secretsOf = ({ parameters }: Pick<AgentConfig, 'parameters'>): string[] =>
  Object.entries(parameters).flatMap(([name, value]) => (SECRET_NAME.test(name) && value.length >= SECRET_LENGTH_MIN ? [value] : []))
