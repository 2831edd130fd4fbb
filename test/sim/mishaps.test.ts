import { MISHAPS, type Mishap } from '../fakes/mishaps'
import { AT_THE_EDGE_ONLY } from './plantedWorst'
import { simulateWorst } from './worstLives'

const LIVES = 40
const OFTEN_ENOUGH = 3

/** etcd does not die with a question: what it has taken on is on its disks. */
const NOT_OF_ETCD: Mishap[] = ['the witness dies in the middle of a disk write']

test.each<[string, boolean]>([
  ['a witness', false],
  ['etcd', true]
])(
  `in ${LIVES} lives of pairs with %s everything that may go wrong does, again and again`,
  (_what, etcd) => {
    const counts = new Map<Mishap, number>()
    const happened = (what: Mishap): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
    for (let seed = 1; seed <= LIVES; seed++) simulateWorst(seed, null, { etcd, options: { happened } })
    const expected = MISHAPS.filter((what) => !etcd || !NOT_OF_ETCD.includes(what))
    expect(expected.filter((what) => (counts.get(what) ?? 0) < OFTEN_ENOUGH)).toEqual([])
  },
  LIVES * 3_000
)

test(
  'times, clocks and kills at their bound leave nothing to spare, and that is enough',
  () => {
    for (const edge of AT_THE_EDGE_ONLY) for (let seed = 1; seed <= LIVES / 2; seed++) simulateWorst(seed, null, edge)
  },
  LIVES * 3_000
)
