import type { MonitorEventView, MonitorView } from '../../wire'
import type { State } from '../state'
import { BLANK_EVENT } from './judge'
import { monitorOf } from './monitorState'

/** What this node says of its monitor; nothing, when it watches nothing. */
export function monitorView(state: State): { monitor?: MonitorView } {
  const { monitor } = state
  const events = monitorOf(state)?.events ?? []
  if (events.length === 0) return {}
  const views = events.map(({ name }): MonitorEventView => {
    const { errorSinceMs, cause, met, wanted } = monitor.events[name] ?? BLANK_EVENT
    const kept = Object.entries(wanted).flatMap(([job, { check, why }]) => (check === null ? [] : [{ job, why }]))
    return { name, state: errorSinceMs === null ? 'OK' : 'Error', sinceMs: errorSinceMs, cause, met, kept }
  })
  return { monitor: { state: monitor.errors === '' ? 'OK' : 'Error', events: views } }
}

/** The same sentences, whichever of the two nodes says them. */
export function monitorProblems(state: State): string[] {
  const { node, peerNode, peer } = state
  const of = (name: string, view: MonitorView | undefined): string[] => (view?.events ?? []).flatMap((event) => sentences(name, event))
  return [...of(node, monitorView(state).monitor), ...(state.peerAlive === 'up' ? of(peerNode, peer?.view.monitor) : [])]
}

function sentences(node: string, { name, state, cause, kept }: MonitorEventView): string[] {
  if (state === 'OK') return []
  return [
    `the system resource monitor of ${node} is in error: ${name}: ${cause}`,
    ...kept.map(({ job, why }) => `the HA switch of ${job} that ${name} asks for is not possible: ${why}`)
  ]
}
