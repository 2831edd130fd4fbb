import { nonEmpty, recoverStages, startApplications, stopApplications, withDependants } from './order'
import { beginPlan } from './plan'
import { isEqualThere, trustPeerCopy } from './data'
import { handOver, peerCanTake } from './handover'
import type { RestartLimit } from '../model'
import { isOff, isUnwatched } from './resources'
import { countRestart } from './restartLimit'
import { configOf, setApplication, setBroken, setFailed, type JobState, type Task } from './state'
import { trustMirror } from './sync'
import { log, setNote, type Turn } from './turn'

/** A service that was started has died or does not answer its check. */
export function applicationFailed(turn: Turn, job: JobState, application: string, why: string): void {
  if (!(application in job.applications)) return
  log(turn, 'error', `Application ${application} of ${job.name} failed: ${why}`, job)
  if (job.applications[application] === 'online') setApplication(job, application, 'error')
  if (isUnwatched(job, application)) setBroken(job, application, why)
  else setFailed(job, application, why)
}

/** The failed ones and all that depend on them stop and start again; addresses that are missing come first. */
export function restartApplications(turn: Turn, job: JobState): void {
  const config = configOf(turn.state, job)
  const why = Object.entries(job.failedApplications).map(([name, text]) => `${name}: ${text}`)
  const failed = Object.keys(job.failedApplications)
  const affected = withDependants(config.applications, failed).filter((name) => !isOff(job, name))
  const missing = config.vips.filter(({ name }) => job.vips[name] !== 'up')
  const reason = why.join('; ') || `VIP ${missing.map(({ address }) => address).join(', ')} is missing`
  const used = countRestart(turn, job, failed)
  if (used !== null) return giveUp(turn, job, reason, limitText(used))
  job.failedApplications = {}
  const raise = missing.map((vip): Task => ({ do: 'raise', vip }))
  beginPlan(turn, job, 'restart', 'automatic', nonEmpty([raise, ...stopApplications(config, affected, false), ...startApplications(config, affected)]))
}

/** Capture cannot be trusted any more: the whole job starts anew on this node. */
export function recoverData(turn: Turn, job: JobState): void {
  const why = `data: ${job.dataLost}`
  const used = countRestart(turn, job)
  if (used !== null) return giveUp(turn, job, why, limitText(used))
  job.dataLost = null
  job.failedApplications = {}
  job.phase = 'starting'
  beginPlan(turn, job, 'recover', 'automatic', recoverStages(configOf(turn.state, job)))
}

const limitText = ({ max, windowMs }: RestartLimit): string => `restarted ${max} times within ${windowMs / 1000} s`

/** No restart helps: the other node, if it can; else the job stays as far as it got, and says why. */
export function giveUp(turn: Turn, job: JobState, why: string, noMore: string): void {
  if (peerCanTake(turn, job)) return handOver(turn, job, 'automatic', why)
  job.phase = 'error'
  job.gaveUp = why
  setNote(turn, job, `${why} (${noMore}); it moves when ${turn.state.peerNode} can take it`, 'error')
}

/** What still runs goes on meanwhile, and so does the mirror: with the end of that the other node can take it, or when it is heard again. */
export function settleGivenUp(turn: Turn, job: JobState): void {
  if (job.gaveUp === null) return
  trustPeerCopy(turn, job)
  trustMirror(turn, job)
  if (peerCanTake(turn, job) && canDrain(turn, job)) handOver(turn, job, 'automatic', job.gaveUp)
}

/** What the other node said of its copy before it was away is nothing to stop a service for. */
const canDrain = ({ state }: Turn, job: JobState): boolean =>
  configOf(state, job).data === null || (job.dataRole === 'source' && job.data !== null && isEqualThere(job.data))
