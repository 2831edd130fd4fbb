import { parseResponse } from '../../model'
import { type Check, firstUnmet } from '../check'
import { watchedChecks } from '../detached'
import { modeCheck } from '../fit'
import { handOver, isUndone, peerCanTake } from '../handover'
import { peerJob, type JobState, type State } from '../state'
import { idleCondition, switchConditions } from '../switchable'
import { log, type Seeing, type Turn } from '../turn'
import { ageText } from '../words'
import { monitorOf } from './monitorState'
import { forgetWanted } from './sampled'

/**
 * What an HA switch of the monitor needs: all that a typed one does, and that it makes something better. Two nodes that are both overloaded do not hand a job to
 * and fro: one whose monitor is in error gets nothing, and what has moved by itself stays for a while.
 */
export function monitorChecks(turn: Seeing, job: JobState): Check[] {
  const { state } = turn
  return [
    ...watchedChecks(state, job),
    modeCheck(state, job),
    idleCondition(turn, job),
    ...switchConditions(turn, job),
    monitorThere(state),
    cardThere(state, job),
    stayed(state, job),
    able(turn, job)
  ]
}

function monitorThere({ peer, peerNode }: State): Check {
  const monitor = peer?.view.monitor
  const errors = monitor?.events.filter((event) => event.state === 'Error').map(({ name }) => name) ?? []
  const why = (): string => `the system resource monitor of ${peerNode} is in error too (${errors.join(', ')})`
  return { name: `monitor of ${peerNode}`, met: monitor?.state !== 'Error', value: () => monitor?.state ?? 'NA', why, by: 'peer' }
}

function cardThere(state: State, job: JobState): Check {
  const lost = peerJob(state, job)?.vips.filter(({ path }) => path === 'lost') ?? []
  const why = (): string => `no network card of ${state.peerNode} that could carry VIP ${lost.map(({ name }) => name).join(', ')} has a link`
  return { name: `card of ${state.peerNode}`, met: lost.length === 0, value: () => (lost.length === 0 ? 'ok' : 'no link'), why, by: 'peer' }
}

/** By the wall clock, which both nodes and a later engine know; one that was set back by more than the pause ends it early. */
function stayed(state: State, { name, record: { takeReason, takeTimeMs } }: JobState): Check {
  const pauseMs = monitorOf(state)?.switchPauseMs ?? 0
  const sinceMs = Math.abs(state.wallMs - takeTimeMs)
  const met = takeReason !== 'failover' || sinceMs >= pauseMs
  const why = (): string => `${name} has come to ${state.node} by itself, and stays for ${ageText(pauseMs)} at least`
  return { name: 'has stayed', met, value: () => (takeReason === 'failover' ? ageText(sinceMs) : takeReason), why, by: 'self' }
}

function able(turn: Seeing, job: JobState): Check {
  const { state } = turn
  const undone = isUndone(state, job)
  const met = peerCanTake(turn, job)
  const why = (): string => (undone ? `a hand-over of ${job.name} has just come to nothing` : `${state.peerNode} cannot take ${job.name} now`)
  return { name: `${state.peerNode} can take`, met, value: () => (met ? 'yes' : undone ? 'undone' : 'no'), why, by: 'peer' }
}

/** Some event of this node's monitor has an HA switch of the job. */
export const mayMove = (state: State, { name }: JobState): boolean =>
  (monitorOf(state)?.events ?? []).some(({ responses }) =>
    responses.some((text) => {
      const response = parseResponse(text)
      return response?.do === 'switch' && (response.job ?? name) === name
    })
  )

/** The job serves here, and an event wants it to go. True: it is on its way. */
export function settleMonitored(turn: Turn, job: JobState): boolean {
  const { state } = turn
  if (job.phase !== 'online') return false
  const wanting = Object.entries(state.monitor.events).find(([, { wanted }]) => wanted[job.name] !== undefined)
  if (wanting === undefined) return false
  const [event, { wanted }] = wanting
  const cause = wanted[job.name]?.cause ?? ''
  const unmet = firstUnmet(monitorChecks(turn, job))
  if (unmet !== null) return keep(turn, job, event, unmet)
  const text = `HA Switch: ${event}: ${cause}: ${job.name} goes to ${state.peerNode}`
  log(turn, 'error', text, job)
  turn.actions.push({ do: 'monitorNote', entry: { atMs: state.wallMs, event, what: 'switch', text, values: {} } })
  forgetWanted(turn, job.name)
  handOver(turn, job, 'automatic', null, `system resource monitor: ${event}: ${cause}`)
  return true
}

/** Said once for each reason; it goes as soon as nothing is in its way, as long as the event lasts. */
function keep(turn: Turn, job: JobState, event: string, unmet: Check): false {
  const { state } = turn
  const mine = state.monitor.events[event]
  const known = mine?.wanted[job.name]
  if (mine === undefined || known === undefined || known.check === unmet.name) return false
  const why = unmet.why()
  if (!known.said.includes(unmet.name)) tellKept(turn, job, event, why)
  const said = [...new Set([...known.said, unmet.name])]
  const wanted = { ...mine.wanted, [job.name]: { ...known, check: unmet.name, why, said } }
  state.monitor = { ...state.monitor, events: { ...state.monitor.events, [event]: { ...mine, wanted } } }
  return false
}

function tellKept(turn: Turn, job: JobState, event: string, why: string): void {
  const { node, wallMs } = turn.state
  const text = `HA Switch: ${event}: ${job.name} stays on ${node}: ${why}`
  log(turn, 'error', text, job)
  turn.actions.push({ do: 'monitorNote', entry: { atMs: wallMs, event, what: 'kept', text, values: {} } })
}
