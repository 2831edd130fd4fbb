import { DRILLS_MAX } from '../../src/wire'
import { Drills } from '../drill/drills'
import type { Engine } from '../engine/engine'
import type { SimNode } from './node'
import type { SimPair } from './pair'

/** The node's part of a drill: its own words, on a simulated machine. */
export const drillsOf = (pair: SimPair, node: SimNode, engine: Engine): Drills =>
  new Drills({
    places: node.places,
    applications: { crash: async (job, { name }) => void pair.applicationDies(node, job.name, name, 'it was killed') },
    heartbeat: {
      hold: (link, forMs) => void node.held.set(link, pair.nowMs + forMs),
      view: () => {
        const { links } = engine.status().self
        return { links: links.map((link) => ({ ...link, up: link.state === 'ok' })), peerAlive: true, peerEngineSilentMs: 0, peerLeaving: false }
      }
    },
    log: { event: (level, text, job) => node.events.add({ atMs: pair.wallMs, level, job: job ?? null, text }) },
    book: {
      read: async (job) => node.drills.filter((entry) => entry.job === job),
      add: async (entry) => {
        node.drills = [...node.drills, entry].slice(-DRILLS_MAX)
      }
    },
    write: async (job, _folder, sequence) => pair.data(job).writeProbe(node.name, sequence) ?? { why: 'the application waits for its target' },
    status: () => engine.status()
  })
