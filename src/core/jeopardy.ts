import type { JeopardyCause } from '../wire'
import { witnessWord } from './quorum/view'
import { hasData, owns, type JobState, type State } from './state'
import type { Turn } from './turn'

/** What each job has lost of what it should survive the next fault with, and since when; kept as long as it lasts. */
export function watchJeopardy(turn: Turn, job: JobState): void {
  const { wallMs } = turn.state
  const now = causesOf(turn.state, job)
  const before = job.jeopardy
  if (now.length === before.length && now.every(([cause, text], i) => before[i]?.cause === cause && before[i]?.text === text)) return
  job.jeopardy = now.map(([cause, text]) => ({ cause, text, sinceMs: before.find((known) => known.cause === cause)?.sinceMs ?? wallMs }))
}

/** A job that nobody wants to run is in no danger. */
function causesOf(state: State, job: JobState): [JeopardyCause, string][] {
  if (job.record.desired === 'offline') return []
  return pathCauses(state).concat(witnessCauses(state, job), mirrorCauses(state, job))
}

function pathCauses({ peerAlive, peerNode, heartbeat }: State): [JeopardyCause, string][] {
  if (peerAlive === 'lost') return [['peerLost', `${peerNode} is not heard`]]
  const links = heartbeat?.links ?? []
  const [left, other] = links.filter(({ up }) => up)
  // Who has configured only one has chosen it.
  return left === undefined || other !== undefined || links.length < 2 ? [] : [['oneLink', `one heartbeat link is left: ${left.name}`]]
}

function witnessCauses(state: State, job: JobState): [JeopardyCause, string][] {
  const word = witnessWord(state, job)
  return word === null || word === 'CONNECTED' ? [] : [['noWitness', `the witness is ${word} as ${state.node} sees it`]]
}

function mirrorCauses(state: State, job: JobState): [JeopardyCause, string][] {
  const { record, data } = job
  if (!hasData(state, job)) return []
  const mirror = owns(state, job) ? state.peerNode : state.node
  const found: [JeopardyCause, string][] = record.mirrorInSync ? [] : [['notInSync', `the copy on ${mirror} is not in sync`]]
  if (owns(state, job) && data !== null && data.session.exposedSinceMs !== null)
    found.push(['exposed', `writes are acknowledged without the mirror${data.session.why === null ? '' : `: ${data.session.why}`}`])
  return found
}
