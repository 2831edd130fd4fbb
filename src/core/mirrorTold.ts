import type { MirrordStatus } from '../wire'
import type { JobState } from './state'
import { log, type Turn } from './turn'

/** What the log says of a full mirror, in the guide's words. Looked at before `job.data` is replaced. */
export function tellMirror(turn: Turn, job: JobState, status: MirrordStatus): void {
  const { state } = status.mirror
  if (status.role !== 'source' || state === 'Stop') stopped(turn, job, status)
  else if (state === 'Idle') completed(turn, job, status)
  else begun(turn, job)
}

/** A pause is no end of it. What an engine that has just started finds under way was told by the one before. */
function begun(turn: Turn, job: JobState): void {
  const { data } = job
  const goesOn = data?.role === 'source' && (data.mirror.state === 'Mirror' || data.mirror.state === 'Pause')
  if (data !== null && goesOn) return
  job.mirrorRuns = { sinceMs: data === null ? null : turn.state.atMs }
  if (data !== null) log(turn, 'info', `Begin to execute full mirror of the connection(${job.name}).`, job)
}

/** All of it is sent before the target has it: it is completed when that says so. */
function completed(turn: Turn, job: JobState, { connected, needToVerify }: MirrordStatus): void {
  if (job.mirrorRuns === null || !connected || needToVerify !== 'No') return
  const { sinceMs } = job.mirrorRuns
  const used = sinceMs === null ? '' : `, time used: ${Math.round((turn.state.atMs - sinceMs) / 1_000)}s`
  job.mirrorRuns = null
  log(turn, 'info', `The mirror of the connection ${job.name} is completed${used}.`, job)
}

/** By an administrator, by its own fault, or because the two are not connected any more. */
function stopped(turn: Turn, job: JobState, status: MirrordStatus): void {
  if (job.mirrorRuns === null) return
  const { percent } = (status.role === 'source' ? status : (job.data ?? status)).mirror
  const why = status.fault === null ? '' : `: ${status.fault.message}`
  job.mirrorRuns = null
  log(turn, status.fault === null ? 'info' : 'warning', `The mirror of the connection ${job.name} has stopped before its end, at ${percent}%${why}`, job)
}
