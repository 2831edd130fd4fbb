import { handOver, peerCanTake } from './handover'
import { dropVips } from './order'
import type { VipPath } from '../wire'
import { beginPlan } from './plan'
import { configOf, peerJob, type JobState, type Task } from './state'
import { log, setNote, type Turn } from './turn'

/** A switch on the network that restarts its port, or a cable that is put back, is no reason to move anything. */
const PATIENCE_MS = 2_000
/** After an address has moved what was said of its card before may stand for so long; longer than a node takes to look at all of its cards. */
const MOVED_MS = 15_000

export function vipPathsSeen(turn: Turn, job: JobState, paths: Record<string, VipPath>): void {
  const before = job.paths
  job.paths = paths
  for (const [name, path] of Object.entries(paths)) {
    if (path === (before[name] ?? 'ok')) continue
    if (path === 'ok') log(turn, 'info', `The network card of VIP ${name} of ${job.name} on ${turn.state.node} has a link`, job)
    else log(turn, 'warning', `The network card of VIP ${name} of ${job.name} on ${turn.state.node} has lost its link`, job)
  }
  const ok = Object.values(paths).every((path) => path === 'ok')
  if (ok && job.pathsSinceMs !== null && job.phase === 'online') job.note = null
  job.pathsSinceMs = ok ? null : Math.min(job.pathsSinceMs ?? turn.state.atMs, turn.state.atMs)
}

/** The node that serves: the address goes to another card of this machine first, and the job to the other node if there is none. True: it is on its way. */
export function settlePaths(turn: Turn, job: JobState): boolean {
  const { atMs } = turn.state
  if (job.pathsSinceMs === null || atMs - job.pathsSinceMs < PATIENCE_MS || atMs < job.retryAtMs) return false
  if (Object.values(job.paths).includes('lost')) return leaveNode(turn, job)
  const { vips } = configOf(turn.state, job)
  const moved = vips.filter(({ name }) => job.paths[name] === 'other')
  const drops = dropVips({ ...configOf(turn.state, job), vips: moved })
  job.pathsSinceMs = atMs + MOVED_MS
  beginPlan(turn, job, 'restart', 'automatic', [drops, moved.map((vip): Task => ({ do: 'raise', vip }))])
  return true
}

function leaveNode(turn: Turn, job: JobState): boolean {
  const { state } = turn
  const { mode } = configOf(state, job)
  const lost = Object.keys(job.paths).filter((name) => job.paths[name] === 'lost')
  const why = `no network card of ${state.node} that could carry VIP ${lost.join(', ')} has a link`
  const blocked = mode !== 'guide' && mode !== 'high-availability' ? `the mode ${mode} knows no automatic failover` : whyNotThere(turn, job)
  if (blocked !== null) {
    setNote(turn, job, `${why}, and ${blocked}`, 'error')
    return false
  }
  log(turn, 'error', `${why}: ${job.name} goes to ${state.peerNode}`, job)
  handOver(turn, job, 'automatic', null, why)
  return true
}

function whyNotThere(turn: Turn, job: JobState): string | null {
  const { peerNode } = turn.state
  const theirs = peerJob(turn.state, job)
  if (theirs?.vips.some(({ path }) => path === 'lost')) return `${peerNode} has none either`
  return peerCanTake(turn, job) ? null : `${peerNode} cannot take ${job.name} now`
}
