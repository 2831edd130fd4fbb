import { PLANTED } from './planted'
import { PLANTED_CHANGES } from './plantedChanges'
import { simulateModes, simulateQuorum } from './simulateQuorum'

/** A bug that is not found in so many lives is not looked for hard enough. */
const LIVES_MAX = 100
const FIND_MS = 60_000

const ALL = [
  ...PLANTED.map(([what, breaks, plant]) => [what, breaks, plant, simulateQuorum] as const),
  ...PLANTED_CHANGES.map(([what, breaks, plant]) => [what, breaks, plant, simulateModes] as const)
]

test.each(ALL)(
  `%s is found within ${LIVES_MAX} lives`,
  (_what, breaks, plant, simulate) => {
    const seen: string[] = []
    for (let seed = 1; seed <= LIVES_MAX; seed++) {
      try {
        simulate(seed, null, plant())
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
