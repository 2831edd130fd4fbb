import fs from 'node:fs'
import type { ApplicationConfig, Config, JobConfig } from '../../../src/model'
import { isInside } from '../../../src/model/places'
import type { AgentsPort, Places } from '../../ports'
import { findAccount, runAs } from '../applications/account'
import { runCommand } from '../command'
import { failure, plainReason } from '../failure'
import { checkAgent } from './checkAgent'
import type { Findings } from './findings'

const SYSTEMCTL_TIMEOUT_MS = 10_000
/** As systemd has read the unit, or would. */
const LOADED = 'loaded'

type CheckPlaces = Pick<Places, 'node' | 'runDirectory'>

/** Applications that are new in it, or have changed. */
export async function checkApplications(places: CheckPlaces, agents: AgentsPort, before: Config, next: Config, findings: Findings): Promise<void> {
  for (const job of Object.values(next.jobs)) {
    for (const application of job.applications) {
      const old = before.jobs[job.name]?.applications.find(({ name }) => name === application.name)
      if (JSON.stringify(old) === JSON.stringify(application)) continue
      await checkOne(job, application, findings)
      await checkAgent(places, agents, job, application, findings)
    }
  }
}

async function checkOne(job: JobConfig, application: ApplicationConfig, findings: Findings): Promise<void> {
  if (application.unit !== null) return await checkUnit(job, application, application.unit, findings)
  if (application.user !== null) await checkUser(job, application, application.user, findings)
  const { workingDirectory, start } = application
  const command = commandOf(start ?? '')
  if (workingDirectory !== null && isMissing(job, workingDirectory))
    findings.warn(`the working directory ${workingDirectory} of application ${application.name} is not there.`)
  if (command !== null && isMissing(job, command)) findings.warn(`the command ${command} of application ${application.name} is not there.`)
}

/** The first word, when it is a whole path; a shell may make anything of other words. */
const commandOf = (line: string): string | null => /^(?:exec\s+)?(\/[\w./@+-]+)(?=\s|$)/.exec(line)?.[1] ?? null

/** What is in the job's own folders comes with the first copy. */
const isMissing = (job: JobConfig, file: string): boolean => !(job.data?.folders ?? []).some(({ path }) => isInside(path, file)) && !fs.existsSync(file)

async function checkUser(job: JobConfig, application: ApplicationConfig, user: string, findings: Findings): Promise<void> {
  const { node } = findings
  try {
    runAs(await findAccount(user))
  } catch (error) {
    findings.refuse(failure('E_APPLICATION_USER', { node, job: job.name, application: application.name, user, why: plainReason(error) }))
  }
}

async function checkUnit(job: JobConfig, { name }: ApplicationConfig, unit: string, findings: Findings): Promise<void> {
  const { node } = findings
  const asked = await runCommand('systemctl', ['show', '--property=LoadState,UnitFileState', '--', unit], SYSTEMCTL_TIMEOUT_MS)
  const state = /^LoadState=(.*)$/m.exec(asked.output)?.[1]
  if (asked.exitCode !== 0 || state === undefined)
    return findings.warn(`systemd could not be asked about ${unit} of application ${name}: ${asked.problem || 'no answer'}.`)
  if (state !== LOADED) return findings.refuse(failure('E_CONFIG_UNIT', { node, job: job.name, application: name, unit, state }))
  const isEnabled = /^UnitFileState=enabled/m.test(asked.output)
  if (isEnabled) findings.warn(`systemd starts ${unit} by itself at boot, whoever owns ${job.name}; systemctl disable ${unit} leaves that to the job.`)
}
