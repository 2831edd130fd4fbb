import { FAULTS } from './faults'
import { FORCE_FAULTS } from './forceFaults'
import { failingSeeds, story, type Life } from './lives'
import { QUORUM_FAULTS } from './quorumFaults'
import { simulate } from './simulate'
import { simulateQuorum } from './simulateQuorum'

const LIVES = 60
const LIVES_MS = 120_000

const often = (faults: typeof FAULTS, ...names: string[]): typeof FAULTS => [
  ...FORCE_FAULTS,
  ...FORCE_FAULTS,
  ...faults.filter(([name]) => names.includes(name))
]

const ways = [
  'kill',
  'boot',
  'heal',
  'start all at',
  'start the engine of',
  'kill the engine of',
  'switch at',
  'selectsrc at',
  'bringin at',
  'cut two hosts near',
  'pause'
]

/** Hardly anything happens in these lives but that the other node is away, and that this one is forced to serve. */
const KINDS: [kind: string, life: Life][] = [
  ['without a witness', (seed, line) => simulate(seed, line, often(FAULTS, ...ways))],
  ['with a quorum', (seed, line) => simulateQuorum(seed, line, { faults: often(QUORUM_FAULTS, ...ways) })]
]

test.each(KINDS)(
  `forced service, ${LIVES} lives %s: nothing is promised twice, nothing overwritten, and it ends well`,
  (_kind, life) => {
    const failures = failingSeeds(life, 1, LIVES)
    const told = failures.slice(0, 1).map(({ seed, why }) => `seed ${seed}: ${why}\n${story(life, seed)}`)
    expect(told).toEqual([])
    let forced = 0
    for (let seed = 1; seed <= LIVES / 4; seed++) life(seed, (text) => void (forced += text.includes('Forced start') ? 1 : 0))
    expect(forced).toBeGreaterThan(LIVES / 10)
  },
  LIVES_MS
)
