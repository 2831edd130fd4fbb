import { carriesHeartbeat, type LinkConfig } from '../../src/model'
import { endpoint } from '../adapters/heartbeat/datagramLane'
import type { HeartbeatPort, HeartbeatView } from '../ports'
import type { SimEngine, SimNode } from './node'
import type { SimPair } from './pair'

/** What a node's heartbeat program knows: a link is up while what came last came within its interval times its misses. */
export function linksPort(pair: SimPair, node: SimNode, engine: SimEngine): HeartbeatPort {
  const view = (): HeartbeatView => viewOf(pair, node)
  return {
    start: async (onChange) => {
      let told = ''
      engine.linksChanged = () => {
        const now = view()
        const seen = JSON.stringify([now.links.map(({ name, up }) => [name, up]), now.peerLeaving, now.peerEngineSilentMs > 0])
        if (seen !== told) onChange(now)
        told = seen
      }
      engine.linksChanged()
    },
    reconfigure: async () => engine.linksChanged(),
    view,
    hold: (link, forMs) => {
      node.held.set(link, pair.nowMs + forMs)
    },
    leaving: () => {
      node.leaving = true
    },
    close: async () => undefined
  }
}

function viewOf(pair: SimPair, node: SimNode): HeartbeatView {
  const there = pair.other(node)
  const views = node.places.config.links.filter(carriesHeartbeat).map((link) => {
    const { name, intervalMs, maxMiss } = link
    const { atMs, sent, received } = node.heard.get(name) ?? { atMs: -Infinity, sent: 0, received: 0 }
    const ageMs = Number.isFinite(atMs) ? Math.round(pair.nowMs - atMs) : null
    const up = ageMs !== null && ageMs < intervalMs * maxMiss
    const missed = ageMs === null ? 0 : Math.max(0, Math.floor(ageMs / intervalMs) - 1)
    const ends = { local: endOf(link, node.name), remote: endOf(link, there.name) }
    return { name, up, state: up ? ('ok' as const) : ('error' as const), ...ends, ageMs, sent, received, missed, rejected: 0 }
  })
  const engineSilent = there.up && there.running === null ? pair.nowMs - there.engineEndedMs : 0
  return { links: views, peerAlive: views.some(({ up }) => up), peerEngineSilentMs: engineSilent, peerLeaving: there.leaving }
}

/** As the real heartbeat program names it. */
const endOf = ({ serial, addresses, heartbeatPort }: LinkConfig, node: string): string =>
  serial ? (serial.devices[node] ?? '') : endpoint(addresses[node] ?? '', heartbeatPort ?? 0)
