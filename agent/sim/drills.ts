import { DRILLS_MAX } from '../../src/wire'
import { Drills } from '../drill/drills'
import type { Engine } from '../engine/engine'
import type { Ports } from '../ports'
import type { SimNode } from './node'
import type { SimPair } from './pair'

/** The node's part of a drill: its own words, on a simulated machine. */
export const drillsOf = (pair: SimPair, node: SimNode, engine: Engine, { applications, clock, heartbeat, log }: Ports): Drills =>
  new Drills({
    places: node.places,
    applications,
    heartbeat,
    clock,
    log,
    book: {
      read: async (job) => node.drills.filter((entry) => entry.job === job),
      add: async (entry) => {
        node.drills = [...node.drills, entry].slice(-DRILLS_MAX)
      }
    },
    write: async (job, _folder, sequence) => pair.data(job).writeProbe(node.name, sequence) ?? { why: 'the application waits for its target' },
    read: async (job) => ({ before: pair.data(job).end(node.name).probe }),
    status: () => engine.status(),
    whyNotStill: (job) => engine.whyNotStill(job),
    standStill: async (forMs) => {
      pair.freeze(node, forMs)
      // Nothing happens there before it is over.
      await new Promise<void>((resolve) => clock.after(0, resolve))
      return []
    }
  })
