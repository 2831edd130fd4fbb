import { jobReport } from '../../report/job'
import { waitEnd, waitText } from '../alone'
import type { Check } from '../check'
import { isDetached } from '../detached'
import type { Failure } from '../event'
import { configCheck } from '../fit'
import { standDownStages } from '../order'
import { names } from '../ownership'
import { beginPlan } from '../plan'
import { configOf, isTouched, owns, type JobState, type PlanKind } from '../state'
import { outOfSyncIsSeconded, startsWithoutMirror } from '../sync'
import { endTicket, runningTicket } from '../tickets'
import { secondsText } from '../words'
import { setNote, type Seeing, type Turn } from '../turn'
import { servesByForce } from './force'
import { hasLease, hasWitness } from './rules'

/** They kill already. */
const STOPPING: PlanKind[] = ['standDown', 'cleanup', 'giveBack']

/** The lease nears its end, or is over: whatever this node was doing, it stops serving now. True when it is on its way. */
export function stopWithoutLease(turn: Turn, job: JobState): boolean {
  if (job.quorum === null || !owns(turn.state, job) || !isTouched(job) || hasLease(turn, job)) return false
  // Its mode has just begun to need one: until the first one is in use it goes on, and nobody takes over.
  if (job.record.unleased === true) return false
  if (job.plan !== null && STOPPING.includes(job.plan.kind)) return false
  if (turn.state.atMs < job.retryAtMs && job.phase === 'offline') return false
  job.phase = 'offline'
  job.next = null
  job.yielded = isDetached(job)
  setNote(turn, job, noQuorum(turn, job), 'error')
  endTicket(turn, runningTicket(turn.state, job)?.id ?? null, whyNoQuorum(turn, job))
  beginPlan(turn, job, 'standDown', 'automatic', standDownStages(configOf(turn.state, job)))
  return true
}

function noQuorum({ state }: Seeing, job: JobState): string {
  const nobody = hasWitness(state, job) ? `neither ${state.peerNode} nor a witness has` : `${state.peerNode} has not`
  return `${state.node} has no quorum: ${nobody} let it serve in time`
}

/** One that has just become the owner, or has just started, has not been refused by anybody, nor kept waiting for long. */
function noLease(turn: Seeing, job: JobState): string {
  const { state } = turn
  if (job.quorum?.lease.roleSequence === job.record.roleSequence) return noQuorum(turn, job)
  return `${state.node} waits until ${state.peerNode}${hasWitness(state, job) ? ' or a witness' : ''} lets it serve`
}

export const whyNoQuorum = (turn: Seeing, job: JobState): Failure => jobReport('E_NO_QUORUM', { ...names(turn, job), witness: hasWitness(turn.state, job) })

/** What an owner waits for before it begins to serve: two of the voters, or the word of the other node. */
export function startChecks(turn: Seeing, job: JobState): Check[] {
  const { node, peerNode } = turn.state
  if (job.quorum === null) {
    const why = (): string => `waiting for ${peerNode} to say who owns ${job.name}${waitEnd(turn.state, job)}`
    return [
      configCheck(turn.state),
      {
        name: `${peerNode} has spoken`,
        met: job.peerSpoke,
        value: () => (job.peerSpoke ? 'yes' : `not since the start${waitText(turn.state, job)}`),
        why,
        by: 'self'
      }
    ]
  }
  const recorded = servesByForce(turn.state, job) || !startsWithoutMirror(turn.state, job) || (!job.record.mirrorInSync && outOfSyncIsSeconded(turn.state, job))
  return [
    configCheck(turn.state),
    { name: 'quorum', met: hasLease(turn, job) && !job.record.claim, value: () => leaseWords(turn, job), why: () => noLease(turn, job), by: 'self' },
    {
      name: 'out of sync recorded',
      met: recorded,
      value: () => (recorded ? 'yes, or not needed' : `by ${node} alone, or not at all`),
      why: () => `a second voter has to record that the mirror of ${job.name} is not in sync`,
      by: 'self'
    }
  ]
}

function leaseWords({ state }: Seeing, { quorum, record }: JobState): string {
  if (record.claim) return `asks for role sequence ${record.claim.roleSequence}`
  const leftMs = quorum?.lease.roleSequence === record.roleSequence ? quorum.lease.untilMs - state.atMs : 0
  return leftMs > 0 ? `a lease for ${secondsText(leftMs)}` : 'no lease'
}
