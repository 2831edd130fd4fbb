import type { JobView } from '../../src/wire'
import type { JobNow } from './cluster'

export const WAIT_STATES = ['online', 'offline', 'synchronized', 'verified'] as const
export type WaitState = (typeof WAIT_STATES)[number]

interface Pair {
  now: JobNow
  standby: JobView | null
}

/** Old news never counts: a state is reached when the owner says so now. */
export function reached({ now, standby }: Pair, state: WaitState): boolean {
  if (now.seen === null || now.seen.old || now.view === null) return false
  if (state === 'online' || state === 'offline') return now.state === state
  const { data, record } = now.view
  if (data === null || !data.connected || data.mirror.state !== 'Idle') return false
  const agreed = data.needToVerify === 'No' && record.needToVerify === 'No'
  if (state === 'verified') return agreed && data.targetSide === 'Idle'
  return agreed && (standby === null ? data.targetSide === 'Idle' : couldTakeOver(standby))
}

/** The standby has heard, too, that the mirror has ended: from now on it survives the owner's death. */
const couldTakeOver = ({ record, data }: JobView): boolean => record.needToVerify === 'No' && (record.copyComplete || data?.copyComplete === true)

/** What was seen last, for the message when the time is over. */
export function seenWords({ now }: Pair): string {
  const data = now.view?.data
  const about = data ? `, mirror ${data.mirror.state}, connection ${data.connected ? 'OK' : 'Stop'}, need to verify ${data.needToVerify}` : ''
  return `${now.state} on ${now.owner}${about}`
}
