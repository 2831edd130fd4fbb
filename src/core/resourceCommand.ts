import type { ApplicationWord } from '../model'
import { jobReport } from '../report/job'
import type { CommandOptions } from '../wire'
import { type Decision, refused, whyPlanned } from './decision'
import type { Failure } from './event'
import { startApplications, stopApplications, withDependants } from './order'
import { names } from './ownership'
import { beginPlan, describe } from './plan'
import { isOff, isUnwatched, withNeeds, wordOf } from './resources'
import { configOf, setFailed, type JobState, type Plan, type Task } from './state'
import { endTicket, stepLine } from './tickets'
import { log, setRecord, type Turn } from './turn'

interface Typed {
  account: string
  options: CommandOptions
}

/** One application of a job that is online; those that depend on it follow (guide 5). It is done on a job that is detached, too. */
export function decideResource(turn: Turn, job: JobState, { account, options }: Typed): Decision {
  const { application = '', action } = options
  const why = whyNotResource(turn, job, application)
  if (why !== null) return refused(why)
  if (action === 'offline') return decideOffline(turn, job, application, account)
  return action === 'detach' ? decideDetached(turn, job, application, account) : decideOnline(turn, job, application)
}

function whyNotResource(turn: Turn, job: JobState, application: string): Failure | null {
  const at = names(turn, job)
  const known = configOf(turn.state, job).applications.map(({ name }) => name)
  if (!known.includes(application)) return jobReport('E_APPLICATION_UNKNOWN', { ...at, application, known: known.join(', ') || 'none' })
  if (job.phase !== 'online' || job.record.desired !== 'online') return jobReport('E_JOB_NOT_ONLINE', { ...at, state: job.phase, command: 'resource' })
  return whyPlanned(turn, job)
}

/** Stopped, those that depend on it first; none of them is started again before somebody says so. */
function decideOffline(turn: Turn, job: JobState, application: string, by: string): Decision {
  const { applications } = configOf(turn.state, job)
  const affected = withDependants(applications, [application]).filter((name) => !isOff(job, name))
  if (affected.length === 0) return { is: 'nothing', why: `${application} is offline already` }
  const stages = stopApplications(configOf(turn.state, job), affected, false)
  const begin = (): void => {
    say(turn, job, affected, { word: 'offline', sinceMs: turn.state.wallMs, by })
    beginPlan(turn, job, 'resource', 'command', stages)
  }
  return { is: 'steps', texts: stages.flat().map(describe), begin }
}

/** It goes on running, and its faults do not act. */
function decideDetached(turn: Turn, job: JobState, application: string, by: string): Decision {
  if (isOff(job, application)) return refused(jobReport('E_APPLICATION_OFFLINE', { ...names(turn, job), application }))
  const affected = withDependants(configOf(turn.state, job).applications, [application]).filter((name) => !isUnwatched(job, name))
  if (affected.length === 0) return { is: 'nothing', why: `${application} is detached already` }
  const texts = affected.map((name) => `Detach application ${name}`)
  const begin = (): void => {
    say(turn, job, affected, { word: 'detached', sinceMs: turn.state.wallMs, by })
    for (const text of texts) stepLine(turn, job.ticket, text, 'done')
    log(turn, 'warning', `${affected.join(', ')} of ${job.name}: faults do not act, until resource ${job.name} ${application} online`, job)
    endTicket(turn, job.ticket)
  }
  return { is: 'steps', texts, begin }
}

/** What it needs comes first; what depends on it stays as it is. One that runs is only watched again. */
function decideOnline(turn: Turn, job: JobState, application: string): Decision {
  const config = configOf(turn.state, job)
  const needed = withNeeds(config.applications, [application]).filter((name) => isUnwatched(job, name) || job.applications[name] !== 'online')
  if (needed.length === 0) return { is: 'nothing', why: `${application} is online already` }
  const stages = startApplications(config, needed)
  const stays = withDependants(config.applications, [application]).filter((name) => name !== application && isUnwatched(job, name))
  const notes = stays.map((name) => `Note: ${name} depends on it and stays ${wordOf(job, name)?.word}; resource ${job.name} ${name} online`)
  const begin = (): void => {
    say(turn, job, needed, null)
    for (const note of notes) stepLine(turn, job.ticket, note, 'done')
    beginPlan(turn, job, 'resource', 'command', stages)
  }
  return { is: 'steps', texts: [...stages.flat().map(describe), ...notes], begin }
}

function say(turn: Turn, job: JobState, affected: string[], word: ApplicationWord | null): void {
  const others = Object.entries(job.record.resources ?? {}).filter(([name]) => !affected.includes(name))
  const said = word === null ? [] : affected.map((name): [string, ApplicationWord] => [name, word])
  setRecord(turn, job, { resources: Object.fromEntries([...others, ...said]) })
  for (const name of affected) setFailed(job, name, null)
}

/** What did not start is restarted as any that fails; what did not stop is stopped again. */
export function resourceEnded(turn: Turn, job: JobState, plan: Plan): void {
  const [first] = plan.failures
  for (const { order, error } of plan.failures)
    if (order.do === 'start' && !isUnwatched(job, order.application)) setFailed(job, order.application, error.message)
  const error = first && jobReport('E_RESOURCE_FAILED', { ...names(turn, job), step: describe(first.order), why: first.error.message })
  endTicket(turn, plan.ticket, error ?? null)
}

/** An engine that ended in the middle of a stop, or a stop that came to nothing. True: it is on its way. */
export function settleResources(turn: Turn, job: JobState): boolean {
  if (job.record.resources === undefined) return false
  const running = Object.entries(job.applications).flatMap(([name, word]) => (word !== 'offline' && isOff(job, name) ? [name] : []))
  if (running.length === 0 || turn.state.atMs < job.retryAtMs) return false
  const stages: Task[][] = stopApplications(configOf(turn.state, job), running, false)
  beginPlan(turn, job, 'resource', 'automatic', stages)
  return true
}
