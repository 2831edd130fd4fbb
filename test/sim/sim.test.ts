import { failingSeeds, story } from './simulate'

const SEEDS = Number(process.env.SEEDS ?? 200)

test(`${SEEDS} simulated pairs keep what was promised, and become one again`, () => {
  const failures = failingSeeds(1, SEEDS)
  const first = failures[0]
  if (first) throw new Error(`${failures.length} of ${SEEDS} seeds failed: ${failures.map(({ seed }) => seed).join(' ')}\nseed ${first.seed}: ${first.why}\n${story(first.seed)}`)
})
