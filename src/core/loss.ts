import type { JobRecord } from '../model'
import type { LossView, MirrordStatus } from '../wire'
import { compareBallots, mayServe } from './quorum/ballot'
import { ownBallot, rulesOf } from './quorum/rules'
import { isFresh } from './quorum/view'
import { owns, peerJob, type JobState, type State } from './state'
import { ageText, sizeText } from './words'

const NOTHING = { none: true, files: 0, bytes: 0, changes: 0, seconds: 0 } as const

/**
 * What a takeover by this node may lose, as far as it is known here; null: nothing can be missing that this node knows of. With a quorum a second voter lets
 * it take over, unless it is `forced`: nobody had it recorded then that this copy is out of sync.
 */
export function lossOf(state: State, job: JobState, forced = false): LossView | null {
  const { record, data } = job
  if (data === null || owns(state, job)) return null
  const isWhole = record.safety === 'full' && record.mirrorInSync
  const isSeconded = job.quorum !== null && !forced
  if (isWhole && (isSeconded || isInSyncThere(state, job)))
    return { ...NOTHING, bound: 'safety FULL and in sync: nothing that was acknowledged as durable is missing' }
  if (hasDrained(state, job)) return drainedBy(state.peerNode, job)
  return isWhole ? lossSinceHeard(state, job) : unknownLoss(state, job)
}

/** An owner that is not heard may have gone on without this copy: with the witness, by force, or as its mode lets it; only another voter can tell. */
function lossSinceHeard(state: State, job: JobState): LossView {
  const { node, peerNode, peer, atMs } = state
  const when = peer === null ? `before the engine of ${node} started` : `${ageText(atMs - peer.atMs)} ago`
  const known = `safety FULL, and in sync when ${peerNode} was heard last (${when}): nothing of before is missing`
  const bound = `${known}; what ${peerNode} has acknowledged since then without ${node}, if anything, is missing`
  return { ...unknownLoss(state, job), bytes: null, changes: null, bound }
}

/** Another voter says so now; what it has recorded against it this node has taken over. */
function isInSyncThere(state: State, job: JobState): boolean {
  const rules = rulesOf(state, job)
  if (rules === null || job.quorum === null) return false
  const { asked } = job.quorum
  const own = ownBallot(state, job, rules)
  return rules.voters.some((voter) => {
    const { held } = asked[voter]
    return held !== null && isFresh(job, voter, state.atMs, rules) && compareBallots(held, own) >= 0 && mayServe(held, state.node)
  })
}

/** Of a job that was handed over: who gave it says, in the record that it offers, whether all that it had has arrived. */
export function lossOfHandover(state: State, job: JobState, offered: JobRecord): LossView {
  const { peerNode } = state
  const loss = unknownLoss(state, job)
  if (offered.selectedSequence === offered.roleSequence)
    return { ...loss, bound: `the data of ${state.node} was declared right: what ${peerNode} had of its own is given up` }
  if (offered.needToVerify === 'No') return drainedBy(peerNode, job)
  return { ...loss, bound: `${peerNode} has stopped ${job.name} and could not drain its queue: ${loss.bound}` }
}

const drainedBy = (node: string, { name }: JobState): LossView => ({
  ...NOTHING,
  bound: `${node} had stopped ${name} and drained its queue: nothing is missing`
})

/** The owner left in order, in the role sequence that this node follows. */
function hasDrained(state: State, job: JobState): boolean {
  const theirs = peerJob(state, job)
  return theirs?.drained === true && theirs.record.roleSequence === job.record.roleSequence && theirs.record.owner === state.peerNode
}

function unknownLoss(state: State, job: JobState): LossView {
  const { data, partedAtMs } = job
  const { peerNode, peer, atMs } = state
  const seconds = partedAtMs === null ? null : Math.round((atMs - partedAtMs) / 1000)
  const theirs = peerJob(state, job)?.data ?? null
  const open = { none: false, files: null, seconds } as const
  if (theirs === null || peer === null || data === null)
    return { ...open, bytes: null, changes: null, bound: 'the last writes may be missing; how many cannot be known' }
  const lag = Math.max(theirs.lsn - data.lsn, 0)
  const last = `${peerNode} was heard ${ageText(atMs - peer.atMs)} ago`
  const gap = `${lag} changes (LSN ${data.lsn} here, ${theirs.lsn} there), ${sizeText(theirs.queuedBytes)}, in at most ${lag} files`
  const known = lag > 0 || theirs.queuedBytes > 0 ? `then ${gap}, had not arrived` : 'then all had arrived'
  const bound = `the last writes may be missing: ${last}, ${known}${markedThere(theirs)}${data.connected ? '' : '; the data was not connected at the end'}`
  return { ...open, bytes: missingBytes(theirs), changes: lag, bound }
}

/** As long as both are connected the queue is all that can be missing; what is marked then was marked before. */
const isApart = ({ role, connected }: MirrordStatus): boolean => role === 'source' && !connected

/** What waits in the queue is marked, too. null: its owner does not know what has changed since. */
function missingBytes(theirs: MirrordStatus): number | null {
  if (!isApart(theirs)) return theirs.queuedBytes
  return theirs.dirtyBytes === null ? null : Math.max(theirs.queuedBytes, theirs.dirtyBytes)
}

function markedThere(theirs: MirrordStatus): string {
  const { dirtyBytes } = theirs
  if (!isApart(theirs) || dirtyBytes === 0) return ''
  return dirtyBytes === null ? '; what had changed there was not known: all of it may differ' : `; ${sizeText(dirtyBytes)} were marked there as changed`
}

/** Said in the log and in the ticket. */
export const lossText = (state: State, job: JobState): string => lossOf(state, job)?.bound ?? ''
