import { PLANTED } from './planted'
import { simulateQuorum } from './simulateQuorum'

/** A bug that is not found in so many lives is not looked for hard enough. */
const LIVES_MAX = 100
const FIND_MS = 60_000

test.each(PLANTED)(
  `%s is found within ${LIVES_MAX} lives`,
  (_what, breaks, plant) => {
    const seen: string[] = []
    for (let seed = 1; seed <= LIVES_MAX; seed++) {
      try {
        simulateQuorum(seed, null, plant())
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
