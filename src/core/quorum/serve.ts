import { jobReport } from '../../report/job'
import { standDownStages } from '../order'
import { names } from '../ownership'
import { beginPlan } from '../plan'
import { configOf, isTouched, owns, type JobState, type PlanKind } from '../state'
import { outOfSyncIsSeconded, startsWithoutMirror } from '../sync'
import { endTicket, runningTicket } from '../tickets'
import { setNote, type Turn } from '../turn'
import { mayGoOn } from './lease'
import { rulesOf } from './rules'

/** They kill already. */
const STOPPING: PlanKind[] = ['standDown', 'cleanup', 'giveBack']

export function hasLease(turn: Turn, job: JobState): boolean {
  const rules = rulesOf(turn.state, job)
  return rules === null || job.quorum === null || mayGoOn(job.quorum.lease, job.record.roleSequence, turn.state.atMs, rules.times)
}

/** The lease nears its end, or is over: whatever this node was doing, it stops serving now. True when it is on its way. */
export function stopWithoutLease(turn: Turn, job: JobState): boolean {
  if (job.quorum === null || !owns(turn.state, job) || !isTouched(job) || hasLease(turn, job)) return false
  if (job.plan !== null && STOPPING.includes(job.plan.kind)) return false
  if (turn.state.atMs < job.retryAtMs && job.phase === 'offline') return false
  job.phase = 'offline'
  job.next = null
  setNote(turn, job, noQuorum(turn), 'error')
  endTicket(turn, runningTicket(turn.state, job)?.id ?? null, jobReport('E_NO_QUORUM', names(turn, job)))
  beginPlan(turn, job, 'standDown', 'automatic', standDownStages(configOf(turn.state, job)))
  return true
}

const noQuorum = ({ state }: Turn): string => `${state.node} has no quorum: neither ${state.peerNode} nor a witness has let it serve in time`

/** Why this owner does not begin to serve; null: it may. */
export function whyNotStart(turn: Turn, job: JobState): string | null {
  if (!hasLease(turn, job) || job.record.claim) return noQuorum(turn)
  if (!startsWithoutMirror(turn.state, job) || (!job.record.mirrorInSync && outOfSyncIsSeconded(turn.state, job))) return null
  return `a second voter has to record that the mirror of ${job.name} is not in sync`
}
