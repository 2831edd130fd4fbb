const Sequencer = require('@jest/test-sequencer').default

/** On a clean checkout nothing is known of how long a file takes: begun last, one of these would keep the whole run waiting for one worker. */
const LONGEST = [
  'agent/keeper/kills',
  'agent/mirrord/lives',
  'agent/mirrord/kinds',
  'agent/keeper/doubt',
  'agent/mirrord/difference',
  'agent/mirrord/safety',
  'agent/mirrord/pair',
  'agent/mirrord/links',
  'agent/mirrord/faults',
  'agent/capture/loads',
  'agent/dirty/powerCut',
  'agent/capture/replay',
  'e2e/powercuts'
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
