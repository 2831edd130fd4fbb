import { randomSource } from '../../kit/randomFiles'
import { type Node, NODES } from '../plan'

export const WHATS = ['source', 'target', 'both', 'link'] as const
export type What = (typeof WHATS)[number]
export const WORKS = ['records', 'postgres'] as const
export type WorkName = (typeof WORKS)[number]

/** The pair on which a run takes place: runs of the same kind share one. */
export interface PairKind {
  fileSystem: 'ext4' | 'xfs'
  safety: 'full' | 'off'
  work: WorkName
}

/** Everything that a seed decides. What happens inside the programs at that moment is chance; where the moment lies is not. */
export interface Plan extends PairKind {
  seed: number
  what: What
  /** From the first acknowledged record to the fault. */
  delayMs: number
  /** From the fault to the moment at which the power (the cable) is back; null: when the service has gone on without it. */
  offMs: number | null
  /** The node that came back loses its power once more, so long after it was switched on. */
  againAfterMs: number | null
  /** `both`: who is cut first, who boots first, and how long it is alone. */
  firstOff: Node
  firstOn: Node
  aloneMs: number
  /** `link`: which cables. */
  cables: ('link-0' | 'link-1')[]
}

const DELAY_MS_MAX = 2_000
/** A pair that notices after 1.5 s that a node is gone, and a source that waits 2 s for its target: before, between and after. */
const OFF_MS_MAX = 4_000
const AGAIN_MS_MAX = 2_500
const ALONE_MS_MAX = 2_500
const AGAIN_SHARE = 0.3
const LATE_SHARE = 0.5
const SPREAD = 0x9e3779b1
const OFF_SHARE = 0.25
const POSTGRES_SHARE = 0.2

export interface Wishes {
  whats: readonly What[]
  fileSystems: readonly PairKind['fileSystem'][]
  safeties: readonly PairKind['safety'][]
  works: readonly WorkName[]
}

export function planOf(seed: number, wishes: Wishes): Plan {
  // Seeds that are neighbours must not begin alike.
  const random = randomSource(Math.imul(seed, SPREAD))
  const below = (most: number) => Math.floor(random() * most)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  const rarely = <T>(list: readonly T[], seldom: T, share: number): T => {
    const wanted = random() < share ? seldom : list.find((item) => item !== seldom)
    return wanted !== undefined && list.includes(wanted) ? wanted : list[0]!
  }
  return {
    seed,
    what: one(wishes.whats),
    fileSystem: one(wishes.fileSystems),
    safety: rarely(wishes.safeties, 'off', OFF_SHARE),
    work: rarely(wishes.works, 'postgres', POSTGRES_SHARE),
    delayMs: below(DELAY_MS_MAX),
    offMs: random() < LATE_SHARE ? null : below(OFF_MS_MAX),
    againAfterMs: random() < AGAIN_SHARE ? below(AGAIN_MS_MAX) : null,
    firstOff: one(NODES),
    firstOn: one(NODES),
    aloneMs: below(ALONE_MS_MAX),
    cables: one([['link-0'], ['link-1'], ['link-0', 'link-1']])
  }
}

/** How this very run is had again. The wishes are part of what the seed means. */
export const replayOf = (seed: number, wishes: Wishes): string =>
  `npm run soak -- --runs 1 --seed ${seed} --what ${wishes.whats.join(',')} --fs ${wishes.fileSystems.join(',')} ` +
  `--safety ${wishes.safeties.join(',')} --work ${wishes.works.join(',')}`
