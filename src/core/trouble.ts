import { nonEmpty, recoverStages, startApplications, stopApplications, withDependants } from './order'
import { beginPlan } from './plan'
import { handOver, peerCanTake } from './handover'
import { configOf, RESTARTS_MAX, RESTART_WINDOW_MS, setApplication, setFailed, type JobState, type Task } from './state'
import { log, setNote, type Turn } from './turn'

/** A service that was started has died or does not answer its check. */
export function applicationFailed(turn: Turn, job: JobState, application: string, why: string): void {
  if (!(application in job.applications)) return
  log(turn, 'error', `Application ${application} of ${job.name} failed: ${why}`, job)
  if (job.applications[application] === 'online') setApplication(job, application, 'error')
  setFailed(job, application, why)
}

/** The failed ones and all that depend on them stop and start again; addresses that are missing come first. */
export function restartApplications(turn: Turn, job: JobState): void {
  const config = configOf(turn.state, job)
  const why = Object.entries(job.failedApplications).map(([name, text]) => `${name}: ${text}`)
  const affected = withDependants(config.applications, Object.keys(job.failedApplications))
  const missing = config.vips.filter(({ name }) => job.vips[name] !== 'up')
  const reason = why.join('; ') || `VIP ${missing.map(({ address }) => address).join(', ')} is missing`
  if (!countRestart(turn, job)) return giveUp(turn, job, reason)
  job.failedApplications = {}
  const raise = missing.map((vip): Task => ({ do: 'raise', vip }))
  beginPlan(turn, job, 'restart', 'automatic', nonEmpty([raise, ...stopApplications(config, affected, false), ...startApplications(config, affected)]))
}

/** Capture cannot be trusted any more: the whole job starts anew on this node. */
export function recoverData(turn: Turn, job: JobState): void {
  const why = `data: ${job.dataLost}`
  if (!countRestart(turn, job)) return giveUp(turn, job, why)
  job.dataLost = null
  job.failedApplications = {}
  job.phase = 'starting'
  beginPlan(turn, job, 'recover', 'automatic', recoverStages(configOf(turn.state, job)))
}

export function countRestart(turn: Turn, job: JobState): boolean {
  const { atMs } = turn.state
  job.restarts = job.restarts.filter((time) => atMs - time < RESTART_WINDOW_MS)
  if (job.restarts.length >= RESTARTS_MAX) return false
  job.restarts = [...job.restarts, atMs]
  return true
}

const limitText = (): string => `restarted ${RESTARTS_MAX} times within ${RESTART_WINDOW_MS / 1000} s`

/** No restart helps: the other node, if it can; else the job stays as far as it got, and says why. */
export function giveUp(turn: Turn, job: JobState, why: string, noMore = limitText()): void {
  if (peerCanTake(turn, job)) return handOver(turn, job, 'automatic', why)
  job.phase = 'error'
  setNote(turn, job, `${why} (${noMore})`, 'error')
}
