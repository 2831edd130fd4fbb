import type { FrameBody } from '../../../src/wire/frameFields'
import type { Begin } from '../stream/hello'
import type { Healing } from './checkpoint'
import type { LogEntry } from './logReader'

/** What the log says at some place in it. */
export interface LogState {
  lsn: number
  session: string | null
  healing: Healing
  watched: boolean
}

/** A copy that is not whole, or that is only watched, forgives what it cannot repeat. */
export const isTolerant = ({ healing, watched }: LogState): boolean => healing !== null || watched

/** The state behind this entry. */
export function fold(state: LogState, entry: LogEntry): LogState {
  if (entry.kind === 'begin') return begun(entry.begin)
  const { body, lsn } = entry.frame
  return { ...state, lsn, healing: healingAfter(state.healing, body) }
}

/** A source compares by marks only what has its own lineage, and a lineage is a source's own when the mirror that began it has ended: never half a mirror. */
function begun({ decision, session, tolerant, fromLsn }: Begin): LogState {
  return { lsn: fromLsn, session, watched: tolerant, healing: decision === 'adopt' || decision === 'resume' ? null : decision }
}

export function healingAfter(healing: Healing, body: FrameBody): Healing {
  if (body.kind === 'walkBegin') return 'mirror'
  if (body.kind === 'walkEnd') return null
  if (body.kind === 'checkEnd' && body.whole && (body.mode === 'full' || healing === 'difference')) return null
  return healing
}
