import type { JobState } from '../state'
import { setRecord, type Turn } from '../turn'
import { NO_LEASE } from './lease'

/**
 * Nothing of the job is left here, and nothing will begin before a new lease: the voters need not wait for the end of this one. It is on disk before they
 * are told, because the guard still knows the old lease and would give it to an engine that starts; what was asked before counts no more.
 */
export function giveUpLease(turn: Turn, job: JobState): void {
  const { quorum, record } = job
  if (quorum === null || record.released) return
  setRecord(turn, job, { released: true })
  const { peer, witness } = quorum.asked
  job.quorum = { ...quorum, lease: NO_LEASE, told: NO_LEASE, asked: { peer: { ...peer, sent: [] }, witness: { ...witness, sent: [] } } }
}
