import type { JobView, MirrordStatus } from '../../src/wire'
import { aged, type JobNow } from './cluster'
import { restWord } from './property'

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
  const whole = agreed && inSync(data) && (standby === null ? data.targetSide === 'Idle' : couldTakeOver(standby))
  // A comparison must have come to its end since this side became the source.
  return whole && (state === 'synchronized' || (data.verify.state === 'Idle' && data.verify.differences !== null))
}

/** Safety FULL has a state of its own for it; with OFF the target may be a moment behind, but must be receiving. */
const inSync = ({ session }: MirrordStatus): boolean =>
  session.safety === 'full' ? session.state === 'SYNCHRONIZED' : session.state !== 'SUSPENDED' && session.state !== 'DISCONNECTED'

/** The standby has heard, too, that the mirror has ended: from now on it survives the owner's death. */
const couldTakeOver = ({ record, data }: JobView): boolean => record.needToVerify === 'No' && (record.copyComplete || data?.copyComplete === true)

/** What was seen last, for the message when the time is over; old news with its age. */
export function seenWords({ now }: Pair): string {
  const data = now.view?.data
  const session = data?.session.state ? `, ${data.session.state}` : ''
  const compared = data?.verify.differences === null ? ', nothing compared yet' : ''
  const verify = data && data.verify.state !== 'Idle' ? `, verify ${data.verify.state}` : compared
  const about = data
    ? `${session}, mirror ${restWord(data.connected, data.mirror.state)}${verify}, connection ${data.connected ? 'OK' : 'Stop'}, need to verify ${data.needToVerify}`
    : ''
  return aged(`${now.state} on ${now.owner}${about}`, now.seen)
}
