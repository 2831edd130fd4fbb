import { failingSeeds, type Life, lifeOf, story } from './lives'
import { simulateJobs } from './jobsLives'

const MINUTE_MS = 60_000
const EXIT_BROKEN = 1
const EXIT_USAGE = 2
const USAGE =
  'npm run sim -- --seeds N [--from M] [--kind jobs]: N simulated lives of a pair, beginning with seed M (1); jobs: of pairs with several jobs, which come and go'

/** The words of the command line; null: not understood. */
function readWords(words: string[]): { seeds: number; from: number; live: Life } | null {
  const read = { seeds: 0, from: 1, live: lifeOf }
  for (let place = 0; place < words.length; place += 2) {
    const [word, value] = [words[place], words[place + 1]]
    const number = Number(value)
    if (word === '--kind' && value === 'jobs') read.live = simulateJobs
    else if ((word !== '--seeds' && word !== '--from') || !Number.isSafeInteger(number) || number < 1) return null
    else read[word === '--seeds' ? 'seeds' : 'from'] = number
  }
  return read.seeds === 0 ? null : read
}

/** Stops at the first life in which something was broken, and tells it. */
function run({ seeds, from, live }: { seeds: number; from: number; live: Life }): number {
  const beganMs = performance.now()
  const told = Math.max(1, Math.floor(seeds / 10))
  for (let seed = from; seed < from + seeds; seed++) {
    const [broken] = failingSeeds(live, seed, seed)
    if (broken) {
      console.log(`${story(live, seed)}\nseed ${seed}: ${broken.why}`)
      return EXIT_BROKEN
    }
    const done = seed - from + 1
    if (done % told === 0 && done < seeds) console.log(`${done} of ${seeds}, ${aMinute(done, beganMs)} a minute`)
  }
  console.log(`${seeds} lives (${from} to ${from + seeds - 1}), nothing broken; ${aMinute(seeds, beganMs)} a minute`)
  return 0
}

const aMinute = (done: number, beganMs: number): number => Math.round((done * MINUTE_MS) / (performance.now() - beganMs))

const words = readWords(process.argv.slice(2))
if (words === null) console.error(USAGE)
process.exitCode = words === null ? EXIT_USAGE : run(words)
