import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { RandomSource, WalkedTree } from './walkedTree'

const SEEDS = Number(process.env['WALK_SEEDS'] ?? 40)
const FIRST_SEED = Number(process.env['WALK_SEED'] ?? 1)
/** A chmod through a second name was lost; two names of one file came apart; a fifo stood where a file belonged. */
const FOUND_BUGS = [100, 357, 538]
const MTIMES_COME_FROM_CAPTURE = { fields: ['mtime'] }

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'walk-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

const folders = (name: string): [string, string] => {
  const pair: [string, string] = [path.join(directory, `${name}-source`), path.join(directory, `${name}-target`)]
  for (const folder of pair) fs.mkdirSync(folder, { recursive: true })
  return pair
}

/** A copy, then changes that the target never hears of, then a mirror between whose steps the application works. */
function mirrorWhileWorking(seed: number): string[] {
  const [source, target] = folders(String(seed))
  const walked = new WalkedTree(source, target)
  const application = new RandomSource(source, walked.log, seed)
  for (let step = 0; step < 60; step++) application.step()
  if (seed % 3 !== 0) walked.mirror()
  if (seed % 3 === 2) for (let step = 0; step < 30; step++) application.step()
  walked.drain()
  walked.log.overflow()
  if (seed % 3 === 1) for (let step = 0; step < 30; step++) application.step()
  walked.between = () => application.chance(0.15) && application.step()
  walked.mirror()
  for (let step = 0; step < 40; step++) application.step()
  walked.drain()
  walked.redo.close()
  return compareTrees(source, target, MTIMES_COME_FROM_CAPTURE)
}

test('whatever the application does between two steps of a full mirror, both sides are equal after it', () => {
  for (const seed of [...FOUND_BUGS, ...Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)]) {
    const differences = ((): string[] => {
      try {
        return mirrorWhileWorking(seed)
      } catch (error) {
        return [(error as Error).message]
      }
    })()
    expect({ seed, differences }).toEqual({ seed, differences: [] })
    fs.rmSync(path.join(directory, `${seed}-source`), { recursive: true })
    fs.rmSync(path.join(directory, `${seed}-target`), { recursive: true })
  }
})
