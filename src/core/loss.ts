import { owns, peerJob, type JobState, type State } from './state'
import { ageText, sizeText } from './words'

/** What a takeover by this node may lose, as far as it is known here: said in the log and in the ticket. */
export function lossText(state: State, job: JobState): string {
  const { record, data } = job
  if (data === null || owns(state, job)) return ''
  if (record.safety === 'full' && record.mirrorInSync) return 'safety FULL and in sync: nothing that was acknowledged as durable is missing'
  const theirs = peerJob(state, job)?.data
  if (!theirs || state.peer === null) return 'the last writes may be missing; how many cannot be known'
  const lag = theirs.lsn - data.lsn
  const last = `${state.peerNode} was heard ${ageText(state.atMs - state.peer.atMs)} ago`
  const known =
    lag > 0 || theirs.queuedBytes > 0
      ? `then ${Math.max(lag, 0)} changes (LSN ${data.lsn} here, ${theirs.lsn} there), ${sizeText(theirs.queuedBytes)}, had not arrived`
      : 'then all had arrived'
  return `the last writes may be missing: ${last}, ${known}${data.connected ? '' : '; the data was not connected at the end'}`
}
