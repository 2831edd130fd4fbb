import { detachedNow } from './detached'
import { configOf, hasData, owns, type JobState, type State } from './state'

/**
 * A drill lets this node's engine, data programs and heartbeats stand still for a while, as a hang of the machine would. What must not be so when it begins;
 * empty: nothing is in the way. Applications and addresses do not stand still with them: so an active node never does. In the guide's mode both nodes would
 * serve, on purpose; with a quorum it would be a failover, which other drills rehearse with the copy drained.
 */
export function whyNotStill(state: State, job: JobState): string[] {
  const { node, peerNode } = state
  if (owns(state, job)) return [`it is the active node of ${job.name}: what it serves would go on while ${peerNode} takes it over`]
  return [
    ...pairWhys(state),
    ...(hasData(state, job) ? [] : [`${job.name} has no data that ${node} receives`]),
    ...Object.values(state.jobs).flatMap((each) => jobWhys(state, each))
  ]
}

function pairWhys({ peerAlive, peerNode, peer, leaving, hold, unconfirmed, heartbeat }: State): string[] {
  const links = heartbeat?.links ?? []
  return [
    ...(peerAlive === 'up' && peer !== null && heartbeat?.peerEngineSilentMs === 0 ? [] : [`${peerNode} is not heard`]),
    // Even where one is all that is configured: while it hangs, a broken link could not be told from a dead node.
    ...(links.filter(({ up }) => up).length > 1 ? [] : ['less than two heartbeat links are up']),
    ...(leaving ? ['it shuts down'] : []),
    ...(hold === null && unconfirmed === null ? [] : ['a change of the configuration is under way'])
  ]
}

/** Every job of the node hangs with it. */
function jobWhys(state: State, job: JobState): string[] {
  const { node, peerNode } = state
  const { name, record, phase, plan, jeopardy } = job
  if (owns(state, job)) return [`it is the active node of ${name} too, which would be without its agent`]
  if (phase !== 'standby' || plan !== null || record.handover !== null) return [`something is under way with ${name}: it is ${phase} on ${node}`]
  if (record.desired === 'offline') return []
  return [
    ...(detachedNow(job) === null ? [] : [`${name} is detached`]),
    ...(record.needToVerify === 'No' ? [] : [`need to verify of ${name} is ${record.needToVerify}`]),
    ...(configOf(state, job).mode === 'high-protection' ? [`${name} is in high-protection: ${peerNode} would have no quorum, and stop serving it`] : []),
    ...jeopardy.map(({ text }) => `${name} is in jeopardy: ${text}`)
  ]
}
