import { simulateArbitrated } from './arbitrationLives'
import { PLANTED } from './planted'
import { PLANTED_ARBITRATION } from './plantedArbitration'
import { PLANTED_CHANGES } from './plantedChanges'
import { PLANTED_WORST } from './plantedWorst'
import { simulateModes, simulateQuorum } from './simulateQuorum'
import { simulateWorst } from './worstLives'

type Lives = (seed: number) => unknown

/** A bug that is not found in so many lives is not looked for hard enough. */
const LIVES_MAX = 100
const FIND_MS = 60_000

const ALL: [what: string, breaks: RegExp, lives: Lives][] = [
  ...PLANTED.map(([what, breaks, plant]): [string, RegExp, Lives] => [what, breaks, (seed) => simulateQuorum(seed, null, plant())]),
  ...PLANTED_WORST.map(([what, breaks, plant]): [string, RegExp, Lives] => [what, breaks, (seed) => simulateWorst(seed, null, plant())]),
  ...PLANTED_CHANGES.map(([what, breaks, plant]): [string, RegExp, Lives] => [what, breaks, (seed) => simulateModes(seed, null, plant())]),
  ...PLANTED_ARBITRATION.map(([what, breaks, plant]): [string, RegExp, Lives] => [what, breaks, (seed) => simulateArbitrated(seed, null, plant)])
]

test.each(ALL)(
  `%s is found within ${LIVES_MAX} lives`,
  (_what, breaks, lives) => {
    const seen: string[] = []
    for (let seed = 1; seed <= LIVES_MAX; seed++) {
      try {
        lives(seed)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (breaks.test(why)) return
        seen.push(`seed ${seed}: ${why}`)
      }
    }
    throw new Error(`not found; what was: ${seen.slice(0, 3).join('\n') || 'nothing'}`)
  },
  FIND_MS
)
