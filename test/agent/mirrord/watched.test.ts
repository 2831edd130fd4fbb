import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { RandomSource, UNHEARD, WalkedTree, WatchingThread } from './walkedTree'

/*
 * Watch capture: the walk, the target and inotify in one thread, so that a seed decides what comes between what. The application never waits for anybody,
 * not even for the lock of the order.
 */
const SEEDS = Number(process.env['WATCH_SEEDS'] ?? 6)
const FIRST_SEED = Number(process.env['WATCH_SEED'] ?? 1)
const STEPS_BEFORE = 80
const BURSTS = 20
const BURST_STEPS = 10
const STOP_CHANCE = 0.005
/** More would be a walk that does not end while the application writes. */
const STEPS_MAX = 20_000
const STEPS_A_CHANGE = 11
const LARGE_BYTES = 5_000_000

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'watched-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

function watchedPair(name = ''): { source: string; target: string; walked: WalkedTree; watch: WatchingThread } {
  const [source, target] = [path.join(directory, `source${name}`), path.join(directory, `target${name}`)]
  for (const folder of [source, target]) fs.mkdirSync(folder, { mode: 0o755 })
  const walked = new WalkedTree(source, target, true)
  return { source, target, walked, watch: new WatchingThread(source, walked) }
}

type Pair = ReturnType<typeof watchedPair>

/** The application rests: all that it did is marked and looked at. */
function rest({ walked, watch }: Pair): void {
  walked.between = () => undefined
  watch.look()
  while (!walked.log.revisits.empty()) walked.walkMarked()
}

/** However long the walk takes, the application goes on, and the watching thread has seen it. */
function always(pair: Pair, change: () => void): void {
  let steps = 0
  pair.walked.between = () => {
    if (++steps > STEPS_MAX) throw new Error('the walk does not end while the application writes')
    if (steps % STEPS_A_CHANGE === 0) change()
    pair.watch.look()
  }
}

const WRITERS: [string, (source: string) => () => void][] = [
  ['appends to one file', (source) => () => fs.appendFileSync(path.join(source, 'log'), 'one more line\n')],
  [
    'rewrites a few files in place',
    (source) => {
      let round = 0
      return () => fs.writeFileSync(path.join(source, `w${round++ % 3}`), String(round).repeat(100))
    }
  ],
  [
    'replaces a large file by another one',
    (source) => {
      const bytes = Buffer.alloc(LARGE_BYTES, 'large')
      let round = 0
      return () => {
        bytes.write(String(round++))
        fs.writeFileSync(path.join(source, 'new'), bytes)
        fs.renameSync(path.join(source, 'new'), path.join(source, 'large'))
      }
    }
  ],
  [
    'makes files and removes the oldest',
    (source) => {
      let round = 0
      return () => {
        fs.writeFileSync(path.join(source, `n${round++}`), 'new')
        fs.rmSync(path.join(source, `n${round - 10}`), { force: true })
      }
    }
  ],
  [
    'renames a directory to and fro',
    (source) => {
      fs.mkdirSync(path.join(source, 'to'))
      fs.writeFileSync(path.join(source, 'to/file'), 'moves')
      let round = 0
      return () =>
        round++ % 2 === 0 ? fs.renameSync(path.join(source, 'to'), path.join(source, 'fro')) : fs.renameSync(path.join(source, 'fro'), path.join(source, 'to'))
    }
  ]
]

test.each(WRITERS)('an application that %s all the time: mirror and comparison end, and both sides are equal when it rests', (_, writer) => {
  const pair = watchedPair()
  const { source, target, walked } = pair
  for (const name of ['a', 'b/c/d']) {
    fs.mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
    fs.writeFileSync(path.join(source, name), name)
  }
  fs.writeFileSync(path.join(source, 'large'), Buffer.alloc(LARGE_BYTES, 'x'))
  pair.watch.look()
  const change = writer(source)
  always(pair, change)
  walked.mirror()
  rest(pair)
  expect(compareTrees(source, target)).toEqual([])
  always(pair, change)
  walked.compare()
  rest(pair)
  expect(compareTrees(source, target)).toEqual([])
  pair.watch.end()
  walked.redo.close()
})

/** The seeds for which both sides are not equal after this, and how they differ. */
function unequal(story: (pair: Pair, application: RandomSource) => void): { seed: number; differences: string[] }[] {
  const all: { seed: number; differences: string[] }[] = []
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const pair = watchedPair(String(seed))
    const application = new RandomSource(pair.source, UNHEARD, seed)
    for (let step = 0; step < STEPS_BEFORE; step++) application.step()
    pair.walked.between = () => {
      if (application.chance(0.15)) application.step()
      if (application.chance(0.1)) pair.watch.look()
    }
    story(pair, application)
    rest(pair)
    const differences = compareTrees(pair.source, pair.target)
    pair.watch.end()
    pair.walked.redo.close()
    if (differences.length > 0) all.push({ seed, differences })
  }
  return all
}

function burst({ walked, watch }: Pair, application: RandomSource): void {
  for (let step = 0; step < BURST_STEPS; step++) application.step()
  watch.look()
  walked.walkMarked()
}

test('whatever is changed while a folder is mirrored and watched, both sides are equal when the application rests', () => {
  const found = unequal((pair, application) => {
    pair.walked.mirror()
    for (let count = 0; count < BURSTS; count++) burst(pair, application)
  })
  expect(found).toEqual([])
})

test('a comparison that is stopped takes nothing with it that was marked', () => {
  let stopped = 0
  const found = unequal((pair, application) => {
    const { walked } = pair
    walked.mirror()
    for (let count = 0; count < BURSTS; count++) {
      for (let step = 0; step < BURST_STEPS; step++) application.step()
      pair.watch.look()
      const { between } = walked
      walked.between = () => (application.chance(STOP_CHANCE) ? walked.stop() : between())
      if (!walked.compareOn()) stopped++
      walked.between = between
    }
  })
  expect(found).toEqual([])
  expect(stopped).toBeGreaterThan(SEEDS)
})
