import type { MirrordStatus, SessionView } from '../../src/wire'
import type { Property } from '../kit/table'
import { nodeTime, shortDuration, thousands, wrap } from '../kit/text'
import { quorumProperties } from './quorum'
import { aged, standbyOf, UNKNOWN, type ClusterView, type JobNow, type Seen } from './cluster'

/** A sentence in the property view stays within 80 columns. */
const SENTENCE_WIDTH = 52

/** What mirrorpair adds to the guide's property view: the mirroring session as the owner sees it (product §4). */
export function sessionProperties(cluster: ClusterView, now: JobNow, width = SENTENCE_WIDTH): Property[] {
  const standby = standbyOf(cluster, now)
  const data = now.view?.data ?? null
  const theirs = standby.view?.data ?? null
  const session = (data ?? theirs)?.session
  const state: Property[] = [['State', aged(now.state, now.seen)], ...detachedProperties(now, width)]
  const role: Property = ['Role Sequence', thousands(now.roleSequence)]
  const quorum = quorumProperties(cluster, now, width)
  if (session === undefined) return [...state, ...quorum, role]
  const seen = data === null ? standby.seen : now.seen
  return [
    ...state,
    ...quorum,
    ['Safety', safetyWord(session)],
    ['Mirroring State', aged(session.state ?? 'NONE', seen)],
    ...sentence('Reason', session.why, width),
    ['Exposed', exposed(session, data === null ? null : now.seen)],
    role,
    ['Safety Sequence', thousands(session.safetySequence)],
    ['Failover LSN', thousands(session.failoverLsn)],
    ['Redo Queue', theirs === null ? UNKNOWN : aged(thousands(theirs.redoQueueBytes), standby.seen)],
    ['Dirty Bytes', data === null || data.role !== 'source' ? UNKNOWN : data.dirtyBytes === null ? `${UNKNOWN} (all may differ)` : thousands(data.dirtyBytes)],
    ['Speed Limit', bandwidthWord(data ?? theirs)]
  ]
}

/** Who stopped its monitoring, when, why, and for how long still. */
function detachedProperties({ view, seen }: JobNow, width: number): Property[] {
  const detached = view?.record.detached ?? null
  if (detached === null || seen === null) return []
  const { sinceMs, by, reason, untilMs, stopData } = detached
  const left =
    untilMs === null ? 'until bringin' : `${shortDuration(Math.max(0, untilMs - seen.wallMs))} left, until ${nodeTime(untilMs, seen.utcOffsetMinutes)}`
  return [
    ...sentence('Detached', `${stopData ? 'with its data, ' : ''}since ${nodeTime(sinceMs, seen.utcOffsetMinutes)} by ${by}`, width),
    ...sentence('Watched Again', left, width),
    ...sentence('Detach Reason', reason, width)
  ]
}

export const safetyWord = ({ safety }: SessionView): string => safety.toUpperCase()

const bandwidthWord = (data: MirrordStatus | null): string =>
  data === null || data.bandwidthBytesPerSecond === null ? 'off' : `${thousands(data.bandwidthBytesPerSecond)} bytes/s`

/** Serving while the mirror is not receiving: a crash now would lose data. Only the owner can know. */
export function exposed(session: SessionView, seen: Seen | null): string {
  if (seen === null) return UNKNOWN
  if (session.exposure === 'wanted') return aged('Waiting (applications wait for the mirror)', seen)
  if (session.exposedSinceMs === null) return aged('No', seen)
  const since = nodeTime(session.exposedSinceMs, seen.utcOffsetMinutes)
  return aged(`Yes, ${shortDuration(Math.max(0, seen.wallMs - session.exposedSinceMs))} (since ${since})`, seen)
}

function sentence(name: string, text: string | null, width: number): Property[] {
  if (text === null) return []
  return wrap(text, width).map((line, i): Property => [i === 0 ? name : '', line])
}
