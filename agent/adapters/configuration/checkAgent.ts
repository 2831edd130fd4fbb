import { type AgentConfig, type AgentDescription, agentName, agentProblems, type ApplicationConfig, type JobConfig } from '../../../src/model'
import { isInside } from '../../../src/model/places'
import type { AgentsPort, Places } from '../../ports'
import { callAgent } from '../applications/ocf/call'
import { isHopeless, OCF } from '../applications/ocf/codes'
import { agentNote } from '../applications/ocf/note'
import { failure, plainReason } from '../failure'
import type { Findings } from './findings'

/** The other node waits for the answer, and other applications are still to be looked at. */
const VALIDATE_TIMEOUT_MS = 4_000
const MS_A_SECOND = 1_000

type CheckPlaces = Pick<Places, 'node' | 'runDirectory'>

/** What the agent's own metadata, and the agent itself, say of an application. */
export async function checkAgent(places: CheckPlaces, agents: AgentsPort, job: JobConfig, application: ApplicationConfig, findings: Findings): Promise<void> {
  const { agent } = application
  if (!agent) return
  const at = { node: findings.node, job: job.name, application: application.name }
  const missing = agents.missing(agent)
  if (missing !== null)
    return findings.refuse(
      failure('E_CONFIG_AGENT', { ...at, what: missing, instead: 'Install its package on both nodes; agents list has those that are there.' })
    )
  const description = await agents.describe(agent).catch((error: unknown) => plainReason(error))
  if (typeof description === 'string')
    return findings.warn(`the parameters of application ${application.name} could not be checked: ${agentName(agent)}: ${description}.`)
  const problems = agentProblems(agent, description)
  for (const { what, instead } of problems) findings.refuse(failure('E_CONFIG_AGENT', { ...at, what, instead }))
  warnOfAdvice(application, agent, description, findings)
  if (problems.length === 0 && !isInFolders(job, agent)) await validate(places, job, application, agent, findings)
}

function warnOfAdvice(application: ApplicationConfig, agent: AgentConfig, { parameters, actions }: AgentDescription, findings: Findings): void {
  const { name, startTimeoutMs, stopTimeoutMs, checkTimeoutMs } = application
  const given = { start: ['startTimeout', startTimeoutMs], stop: ['stopTimeout', stopTimeoutMs], monitor: ['checkTimeout', checkTimeoutMs] } as const
  for (const [action, [key, ms]] of Object.entries(given)) {
    const advised = Math.max(0, ...actions.filter((each) => each.name === action).map(({ timeoutMs }) => timeoutMs ?? 0))
    if (advised > ms) findings.warn(`${key} of application ${name} is ${ms / MS_A_SECOND}s; ${agentName(agent)} advises ${advised / MS_A_SECOND}s.`)
  }
  for (const { name: parameter, deprecated } of parameters)
    if (deprecated && parameter in agent.parameters) findings.warn(`the parameter ${parameter} of application ${name} is deprecated, says ${agentName(agent)}.`)
}

/** What is in the job's folders comes with the first copy, and until then an agent would miss it. */
const isInFolders = (job: JobConfig, { parameters }: AgentConfig): boolean =>
  (job.data?.folders ?? []).some(({ path }) => Object.values(parameters).some((value) => isInside(path, value)))

/** It may need what another application makes first: so what it says is a warning. */
async function validate(places: CheckPlaces, job: JobConfig, application: ApplicationConfig, agent: AgentConfig, findings: Findings): Promise<void> {
  const note = agentNote(places, job, application, agent, null)
  const { code, why } = await callAgent(note, 'validate-all', { timeoutMs: VALIDATE_TIMEOUT_MS, intervalMs: 0, checkLevel: 0, logFile: null })
  if (isHopeless(code) && code !== OCF.unimplemented)
    findings.warn(`${agentName(agent)} does not take the parameters of application ${application.name} as things are: ${why}.`)
}
