import { type ChangeNeeds, configDifferences, hasQuorum, LIVE_DATA_KEYS, type Config, type JobConfig, type JobName, type VipConfig } from '../model'
import type { Event } from './event'
import { whyNotServe } from './fit'
import { isOfBefore, mayTakeUp, REBUILD } from './takeUp'
import { changedModes, unconfirmedSince } from './modeChange'
import { nonEmpty } from './order'
import { beginPlan } from './plan'
import { configOf, owns, type JobState, type Plan, type Task } from './state'
import { endTicket } from './tickets'
import { setNote, setRecord, type Turn } from './turn'

type Booted = Extract<Event, { kind: 'booted' }>

/** What is still here as the configuration before had it is put right by `settleStale`, when the job has nothing else to do. */
export function makeStale(turn: Turn, job: JobState, before: Config, after: Config): void {
  const [old, next] = [before.jobs[job.name] as JobConfig, after.jobs[job.name] as JobConfig]
  const moved = movedVips(old, next)
  // A plan under way may raise one that was not up when this came.
  const here = moved.filter(({ name }) => job.plan !== null || !job.observed || (job.vips[name] ?? 'down') !== 'down')
  const data = dataChange(before, after, job.name)
  const { stale } = job
  job.stale = { ...stale, vips: [...stale.vips, ...here], data: data === null ? stale.data : 'live', anew: stale.anew || data === 'anew', anewAtMs: 0 }
  job.vips = Object.fromEntries(next.vips.map(({ name }) => [name, moved.some((vip) => vip.name === name) ? 'down' : (job.vips[name] ?? 'down')]))
  job.applications = Object.fromEntries(next.applications.map(({ name }) => [name, job.applications[name] ?? 'offline']))
  forgetRemoved(turn, job, next)
  doubtCopy(turn, job, old, next)
}

/** Another folder: nobody knows what is in it on the standby. Captured in another way: what was written in between is in no map. */
function doubtCopy(turn: Turn, job: JobState, { data: old }: JobConfig, { data: next }: JobConfig): void {
  const { record } = job
  const folders = JSON.stringify(old?.folders) !== JSON.stringify(next?.folders)
  if (!owns(turn.state, job)) {
    if (folders && record.copyComplete) setRecord(turn, job, { copyComplete: false })
  } else if ((folders || old?.capture !== next?.capture) && record.desired === 'online' && record.needToVerify === 'No')
    setRecord(turn, job, { needToVerify: 'Yes' })
}

/** Of an application that is gone nothing is kept. */
function forgetRemoved(turn: Turn, job: JobState, { applications }: JobConfig): void {
  const known = <Value>(record: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => applications.some((each) => each.name === name)))
  job.failedApplications = known(job.failedApplications)
  const resources = known(job.record.resources ?? {})
  if (Object.keys(resources).length < Object.keys(job.record.resources ?? {}).length) setRecord(turn, job, { resources })
}

/** Those of before that are not there any more as they were. */
const movedVips = (old: JobConfig, next: JobConfig): VipConfig[] =>
  old.vips.filter((vip) => !next.vips.some((one) => one.name === vip.name && one.address === vip.address && one.prefix === vip.prefix && one.nic === vip.nic))

function dataChange(before: Config, after: Config, name: JobName): 'live' | 'anew' | null {
  const differences = configDifferences(before, after)
  const data = differences.filter(({ where, job }) => job === name && where.startsWith(`jobs ${name} data`))
  const isLive = ({ where }: { where: string }): boolean => LIVE_DATA_KEYS.some((key) => where === `jobs ${name} data ${key}`)
  if (data.some((each) => !isLive(each))) return 'anew'
  const [was, is] = [before.jobs[name] as JobConfig, after.jobs[name] as JobConfig]
  const others = differences.some(({ where }) => where.startsWith('links ')) || hasQuorum(was.mode) !== hasQuorum(is.mode)
  return data.length > 0 || (others && is.data !== null) ? 'live' : null
}

/** True when there was something: the plan for it has begun. */
export function settleStale(turn: Turn, job: JobState): boolean {
  const { vips, data } = job.stale
  const anew = mayTakeUp(turn.state, job)
  if (vips.length === 0 && data === null && !anew) return false
  const serves = owns(turn.state, job) && job.phase === 'online' && whyNotServe(turn.state, job) === null
  const missing = serves ? configOf(turn.state, job).vips.filter(({ name }) => job.vips[name] === 'down') : []
  const stages: Task[][] = [vips.map((vip) => ({ do: 'drop', vip })), missing.map((vip) => ({ do: 'raise', vip })), dataTasks(job, anew)]
  job.stale = { ...job.stale, vips: [], data: null, anew: job.stale.anew && job.dataRole !== 'none' }
  if (stages.every((stage) => stage.length === 0)) return false
  beginPlan(turn, job, 'reconfigure', 'automatic', nonEmpty(stages))
  return true
}

function dataTasks({ stale, dataRole }: JobState, anew: boolean): Task[] {
  if (dataRole === 'none') return []
  return anew ? [REBUILD] : stale.data === null ? [] : [{ do: 'reconfigure' }]
}

/** Nothing here is as the configuration before had it. */
export const goesByConfig = (job: JobState): boolean =>
  job.stale.vips.length === 0 && job.stale.data === null && !isOfBefore(job) && job.plan?.kind !== 'reconfigure'

/** An address that is not up is missing, and that is seen to as always; one that stayed is dropped again; a data program of before goes on with what it has. */
export function reconfigured(turn: Turn, job: JobState, plan: Plan): void {
  const known = new Set(configOf(turn.state, job).vips.map(({ name }) => name))
  job.vips = Object.fromEntries(Object.entries(job.vips).filter(([name]) => known.has(name)))
  const stayed = plan.failures.flatMap(({ order }) => (order.do === 'drop' ? [order.vip] : []))
  job.stale = { ...job.stale, vips: [...job.stale.vips, ...stayed] }
  if (stayed.length === 0) job.retryAtMs = 0
  const error = plan.failures[0]?.error ?? null
  endTicket(turn, plan.ticket, error)
  if (error !== null) setNote(turn, job, `the new configuration is not in use everywhere: ${error.message}`, 'warning')
}

/** An engine that restarts in the middle of a change goes on with it. */
export function bootConfig({ state }: Turn, { before, passed = [], promised }: Booted): void {
  if (promised) {
    const jobs = (['offline', 'stopped', 'detached'] as const).flatMap((what) => jobsThatNeed(what, state.config, promised))
    state.hold = { jobs, modes: changedModes(state.config, promised) }
  }
  if (before) state.unconfirmed = unconfirmedSince(before, [...passed, state.config], state.configVersion)
}

export function bootJobsConfig(turn: Turn, { before }: Booted): void {
  const { state } = turn
  if (!before) return
  for (const job of Object.values(state.jobs)) {
    const old = before.jobs[job.name]
    if (old === undefined) continue
    makeStale(turn, job, before, state.config)
    if (job.quorum === null && hasQuorum(old.mode)) turn.actions.push({ do: 'unlease', job: job.name })
  }
}

/** Brought out, or watched by nobody, on both nodes before the change. */
export const jobsThatNeed = (what: ChangeNeeds, before: Config, next: Config): JobName[] => [
  ...new Set(configDifferences(before, next).flatMap(({ needs, job }) => (needs === what && job !== null ? [job] : [])))
]
