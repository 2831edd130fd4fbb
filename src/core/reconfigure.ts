import { configDifferences, type ChangeNeeds, type Config, type JobConfig, type JobName } from '../model'
import { jobReport } from '../report/job'
import { blankJob } from './boot'
import { dataIsStopped, isDetached } from './detached'
import type { Event, Failure } from './event'
import { followMonitors } from './monitor/sampled'
import { firstRecord } from './ownership'
import { changedModes, changeRules, holdModes, timesDiffer, unconfirmedOf, whyNotChangeMode, witnessDiffers } from './modeChange'
import { forgetWitness, startQuorum } from './quorum/rules'
import { jobsThatNeed, makeStale } from './staleConfig'
import { configOf, isTouched, owns, type JobState, peerJob, type State } from './state'
import { endTicket, runningTicket } from './tickets'
import { log, refuse, reply, type Turn } from './turn'

type Changed = Extract<Event, { kind: 'configChanged' }>
type Held = Extract<Event, { kind: 'configHeld' }>

/** Before a change is proposed or promised: it is refused while a job stands in its way, and from then on none comes to stand there. */
export function configHeld(turn: Turn, { request, next, dryRun }: Held): void {
  const { state } = turn
  const known = (names: JobName[]): JobName[] => names.filter((name) => state.jobs[name] !== undefined)
  const away = known(jobsThatNeed('offline', state.config, next))
  const stopped = known(jobsThatNeed('stopped', state.config, next)).filter((name) => !away.includes(name))
  const unwatched = known(jobsThatNeed('detached', state.config, next)).filter((name) => !away.includes(name) && !stopped.includes(name))
  const modes = changedModes(state.config, next)
  const error = [
    ...away.map((name) => whyNotChange(turn, name, next)),
    ...stopped.map((name) => whyNotUnwatched(turn, name, next, 'stopped')),
    ...unwatched.map((name) => whyNotUnwatched(turn, name, next, 'detached')),
    ...modes.map((name) => whyModeBusy(turn, name))
  ].find((each) => each !== null)
  if (error) return refuse(turn, request, error)
  if (!dryRun) {
    // What was promised before may still be decided.
    const { hold } = state
    state.hold = { jobs: union(hold?.jobs, [...away, ...stopped, ...unwatched]), modes: union(hold?.modes, modes) }
    holdModes(turn, next, modes)
  }
  // Their data programs say themselves what stands in the way.
  reply(turn, request, { ok: true, result: stopped.filter((name) => servesData(state, state.jobs[name] as JobState)) })
}

const servesData = (state: State, job: JobState): boolean => owns(state, job) && job.phase === 'online' && job.dataRole === 'source'

/** It is brought out, on both nodes. */
function whyNotChange({ state }: Turn, name: JobName, next: Config): Failure | null {
  const job = state.jobs[name] as JobState
  return isAway(state, job)
    ? null
    : jobReport('E_CONFIG_JOB_ONLINE', { ...whereOf(state, job), needed: 'brought out', fields: fieldsOf(state, next, job, 'offline') })
}

function isAway(state: State, job: JobState): boolean {
  return job.record.desired === 'offline' && !isTouched(job) && job.observed && runningTicket(state, job) === null && job.record.handover === null
}

function whereOf(state: State, job: JobState): { job: string; node: string; state: string } {
  const busy = runningTicket(state, job)
  if (isDetached(job)) return { job: job.name, node: job.record.owner, state: 'detached, and its service stands on this' }
  const what = busy === null || busy.purpose === 'automatic' ? job.phase : busy.purpose
  // A standby stands by for the other node, which is the one that serves.
  const [node, word] = what === 'standby' ? [state.peerNode, peerJob(state, job)?.state ?? job.record.desired] : [state.node, what]
  return { job: job.name, node, state: word }
}

const FIELDS_MAX = 5

function fieldsOf(state: State, next: Config, { name }: JobState, needs: ChangeNeeds): string {
  const fields = configDifferences(state.config, next).flatMap((each) => (each.needs === needs && (each.job ?? name) === name ? [each.where] : []))
  return [...fields.slice(0, FIELDS_MAX), ...(fields.length > FIELDS_MAX ? [`${fields.length - FIELDS_MAX} more`] : [])].join(', ')
}

/** What else is said of it. */
function whyNotStopped(job: JobState): { state?: string; needed?: 'brought out' } | null {
  if (!isDetached(job)) return {}
  if (!dataIsStopped(job)) return { state: 'detached with its replication going on' }
  return job.dataLost === null ? null : { state: 'detached, and its data program is lost', needed: 'brought out' }
}

const NEEDED = { detached: 'detached or brought out', stopped: 'detached with its replication stopped, or brought out' } as const

/** Detached, or brought out. What runs is not left behind: an application that goes, or becomes another one, is taken offline first. */
function whyNotUnwatched({ state }: Turn, name: JobName, next: Config, needs: 'detached' | 'stopped'): Failure | null {
  const job = state.jobs[name] as JobState
  if (isAway(state, job)) return null
  const at = whereOf(state, job)
  const why = needs === 'stopped' ? whyNotStopped(job) : isDetached(job) ? null : {}
  if (why !== null) return jobReport('E_CONFIG_JOB_ONLINE', { ...at, needed: NEEDED[needs], ...why, fields: fieldsOf(state, next, job, needs) })
  const busy = runningTicket(state, job)
  if (job.detaching !== null || (busy !== null && busy.purpose !== 'automatic') || (owns(state, job) && job.plan !== null))
    return jobReport('E_JOB_BUSY', { job: name, node: state.node, ticket: busy?.id ?? 'no ticket', doing: job.plan?.kind ?? 'detach' })
  const runs = replacedApplications(configOf(state, job), next.jobs[name]).find((each) => owns(state, job) && job.applications[each] !== 'offline')
  return runs === undefined ? null : jobReport('E_CONFIG_APPLICATION_RUNS', { job: name, node: state.node, application: runs })
}

/** What runs of them by the old configuration could not be stopped by the new one. */
function replacedApplications(before: JobConfig, after: JobConfig | undefined): string[] {
  const identity = ({ kind, unit, agent }: JobConfig['applications'][number]): string => JSON.stringify([kind, unit, agent ?? null])
  const same = (one: JobConfig['applications'][number]): boolean =>
    after?.applications.some((other) => other.name === one.name && identity(other) === identity(one)) === true
  return before.applications.filter((one) => !same(one)).map(({ name }) => name)
}

const union = (some: JobName[] = [], more: JobName[]): JobName[] => [...new Set([...some, ...more])]

function whyModeBusy(turn: Turn, name: JobName): Failure | null {
  const job = turn.state.jobs[name]
  const why = job === undefined ? null : whyNotChangeMode(turn, job)
  return why === null ? null : jobReport('E_CONFIG_MODE_BUSY', { job: name, node: turn.state.node, why })
}

/** Both nodes have agreed. What has not changed goes on as it was. */
export function configChanged(turn: Turn, { config, configHash, version }: Changed): void {
  const { state } = turn
  const before = state.config
  Object.assign(state, { config, configHash, configVersion: version, configAgreed: true, hold: null })
  state.unconfirmed = unconfirmedOf(before, state, config, version)
  for (const name of Object.keys(state.jobs)) if (config.jobs[name] === undefined) removeJob(turn, name)
  for (const [name, job] of Object.entries(config.jobs)) {
    const mine = state.jobs[name]
    if (mine === undefined) addJob(turn, job, version)
    else {
      makeStale(turn, mine, before, config)
      // Each change has a number of its own, and that alone must not cost an owner its lease.
      if (witnessDiffers(before, config)) forgetWitness(mine)
      if (before.jobs[name]?.mode !== job.mode || timesDiffer(before, config)) changeRules(turn, mine)
    }
  }
  followMonitors(turn, before)
  log(turn, 'info', `${state.node} runs version ${version} of the configuration`)
}

function addJob(turn: Turn, config: JobConfig, version: number): void {
  const { state } = turn
  forgetPeerJob(turn, config.name)
  const job = { ...blankJob(config, firstRecord(turn, config.name)), sinceVersion: version }
  state.jobs[config.name] = { ...job, quorum: startQuorum(state, job) }
  turn.dirty = true
}

/** It was brought out on both nodes. */
function removeJob(turn: Turn, name: JobName): void {
  const job = turn.state.jobs[name] as JobState
  endTicket(turn, runningTicket(turn.state, job)?.id ?? null, jobReport('E_CONFIG_JOB_REMOVED', { job: name, node: turn.state.node }))
  delete turn.state.jobs[name]
  forgetPeerJob(turn, name)
  turn.dirty = true
  turn.actions.push({ do: 'forget', job: name })
}

/** Another job may have had the name. */
function forgetPeerJob({ state }: Turn, name: JobName): void {
  if (state.peer === null) return
  const { [name]: _, ...jobs } = state.peer.view.jobs
  state.peer = { ...state.peer, view: { ...state.peer.view, jobs } }
}
