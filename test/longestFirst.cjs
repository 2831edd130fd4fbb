const Sequencer = require('@jest/test-sequencer').default

/** On a clean checkout nothing is known of how long a file takes: begun last, one of these would keep the whole run waiting for one worker. */
const LONGEST = [
  'agent/keeper/rebuild',
  'agent/mirrord/faults',
  'sim/sim',
  'agent/keeper/kills',
  'agent/mirrord/lives',
  'agent/mirrord/difference',
  'commands/proof',
  'agent/mirrord/pair',
  'agent/mirrord/kinds',
  'agent/mirrord/safety',
  'agent/keeper/doubt',
  'agent/mirrord/lease',
  'agent/adapters/vip',
  'agent/keeper/handOver',
  'agent/mirrord/links',
  'agent/mirrord/frameRing',
  'agent/adapters/ocf',
  'agent/adapters/heartbeat',
  'agent/mirrord/watchedPair',
  'agent/capture/loads',
  'sim/planted',
  'agent/dirty/map',
  'agent/capture/replay',
  'e2e/shutdown',
  'e2e/guide',
  'e2e/powercuts',
  'e2e/modes',
  'e2e/quorum',
  'e2e/takeover',
  'e2e/witnessReplaced',
  'e2e/drill',
  'e2e/jobs',
  'e2e/runbooks',
  'e2e/modesOnline',
  'e2e/licence',
  'e2e/faults',
  'e2e/agents',
  'e2e/lab',
  'e2e/detach',
  'e2e/serial',
  'e2e/demo',
  'e2e/binary',
  'e2e/operations'
]

const place = ({ path }) => {
  const found = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`))
  return found < 0 ? LONGEST.length : found
}

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => place(a) - place(b))
  }
}
