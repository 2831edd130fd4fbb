import { failingSeeds, story } from './simulate'

const SEEDS = Number(process.env.SEEDS ?? 120)
const FIRST = Number(process.env.SEED ?? 1)

test(
  `${SEEDS} simulated pairs keep what was promised, and become one again`,
  () => {
    const failures = failingSeeds(FIRST, FIRST + SEEDS - 1)
    const first = failures[0]
    if (first)
      throw new Error(
        `${failures.length} of ${SEEDS} seeds failed: ${failures.map(({ seed }) => seed).join(' ')}\nseed ${first.seed}: ${first.why}\n${story(first.seed)}`
      )
  },
  SEEDS * 1_000
)
