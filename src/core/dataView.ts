import type { MirrordStatus } from '../wire'
import { isTouched, type JobState, type State } from './state'

/**
 * What is shown of a job's data. While nothing of it runs, its data program has no view of its own of the links and of the other node: the heartbeats have,
 * and a job that was brought out is no fault of theirs (guide 4, Bring Out: Connection Stop, Link Group OK, Target Side Stop).
 */
export function dataView(state: State, job: JobState): MirrordStatus | null {
  const { data, record } = job
  if (data === null) return null
  const needToVerify = record.needToVerify === 'Manually' ? 'Manually' : data.needToVerify
  return data.connected || data.role === 'source' || !isAtRest(state, job) ? { ...data, needToVerify } : { ...atRest(state, data), needToVerify }
}

const isAtRest = ({ node }: State, job: JobState): boolean => job.record.owner === node && !isTouched(job)

function atRest({ heartbeat, peerAlive }: State, data: MirrordStatus): MirrordStatus {
  const up = new Map(heartbeat?.links.map((link) => [link.name, link.up]))
  const reached = peerAlive === 'up'
  return {
    ...data,
    links: data.links.map(({ name, state }) => ({ name, state: up.has(name) ? (up.get(name) ? 'OK' : 'Error') : state })),
    mirror: { ...data.mirror, state: 'Stop' },
    session: { ...data.session, state: null, why: null },
    targetSide: reached ? 'Stop' : 'Absent',
    // As the guide shows it: nothing waits, and of a node that is away nobody knows.
    pagefileBytes: reached ? 0 : null
  }
}
