import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { RandomSource, WalkedTree } from './walkedTree'

const SEEDS = Number(process.env['WALK_SEEDS'] ?? 20)
const FIRST_SEED = Number(process.env['WALK_SEED'] ?? 1)
/** A directory was exchanged and back while it was listed; a file grew while it was sent again. */
const ONCE_FALSE = process.env['WALK_SEEDS'] ? [] : [22, 104]
/** One name of a file with several was left behind: linked with a name that was itself set right later, or that the target had not got, which nobody told or heard. */
const ONCE_SPLIT = process.env['WALK_SEEDS'] ? [] : [8, 22, 92, 337, 361, 3811, 4265]
const MTIMES_COME_FROM_CAPTURE = { fields: ['mtime'] }

let directory: string
beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'verify-'))))
afterEach(() => fs.rmSync(directory, { recursive: true }))

const folders = (name: string): [string, string] => {
  const pair: [string, string] = [path.join(directory, `${name}-source`), path.join(directory, `${name}-target`)]
  for (const folder of pair) fs.mkdirSync(folder, { recursive: true })
  return pair
}

/** A copy that a stranger works in, compared while the application works, with answers lost now and then. */
function compareWhileWorking(seed: number): string[] {
  const [source, target] = folders(String(seed))
  const walked = new WalkedTree(source, target)
  const application = new RandomSource(source, walked.log, seed)
  for (let step = 0; step < 60; step++) application.step()
  if (seed % 4 !== 0) walked.mirror()
  walked.drain()
  const stranger = new WalkedTree(target, source)
  const strange = new RandomSource(target, stranger.log, seed + 1_000_000)
  for (let step = 0; step < 30; step++) strange.step()
  if (seed % 3 === 1) {
    walked.log.overflow()
    for (let step = 0; step < 30; step++) application.step()
  }
  // Each look at a moved name gives the application time to move others: it must come to rest some day.
  let left = 150
  walked.between = () => {
    if (left > 0 && application.chance(0.15) && left--) application.step()
    if (left > 0 && application.chance(0.02)) walked.loseAnswers()
  }
  walked.compare()
  for (let step = 0; step < 40; step++) application.step()
  walked.drain()
  walked.redo.close()
  return compareTrees(source, target, MTIMES_COME_FROM_CAPTURE)
}

/** Equal trees, an application that is always busy; what the comparison calls different. */
function compareEqual(seed: number): string[] {
  const [source, target] = folders(String(seed))
  const walked = new WalkedTree(source, target)
  const application = new RandomSource(source, walked.log, seed)
  for (let step = 0; step < 100; step++) application.step()
  walked.mirror()
  walked.drain()
  // Many rounds: what has moved is looked at again long after patience has ended.
  let left = 1500
  walked.between = () => void (left > 0 && application.chance(0.8) && left-- && application.step())
  walked.compare()
  walked.redo.close()
  // The times of what has changed come from capture, which is not here.
  const found = walked.found.filter(({ what }) => what !== 'attributes').map(({ what, path: name, offset, length }) => `${what} ${name} ${offset}+${length}`)
  return [...found, ...compareTrees(source, target, MTIMES_COME_FROM_CAPTURE)]
}

/** Files with several names, half of which the target has lost with their directories; names are moved meanwhile, and with an even seed answers are lost. */
function compareLinks(seed: number): string[] {
  const [source, target] = folders(String(seed))
  const walked = new WalkedTree(source, target)
  const application = new RandomSource(source, walked.log, seed)
  for (let step = 0; step < 40; step++) application.linkSomething()
  walked.mirror()
  walked.drain()
  for (const name of fs.readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    if (application.chance(0.5)) fs.rmSync(path.join(target, name), { recursive: true, force: true })
  }
  let left = 60
  walked.between = () => {
    if (left > 0 && application.chance(0.2) && left--) application.moveSomething()
    if (seed % 2 === 0 && left > 0 && application.chance(0.02)) walked.loseAnswers()
  }
  walked.compare()
  walked.redo.close()
  return compareTrees(source, target, MTIMES_COME_FROM_CAPTURE)
}

test('whatever the application does between two steps of a comparison, what is equal is not called different', () => {
  for (const seed of [...Array.from({ length: SEEDS / 2 }, (_, index) => FIRST_SEED + index), ...ONCE_FALSE]) {
    expect({ seed, found: compareEqual(seed) }).toEqual({ seed, found: [] })
    fs.rmSync(path.join(directory, `${seed}-source`), { recursive: true })
    fs.rmSync(path.join(directory, `${seed}-target`), { recursive: true })
  }
})

test('whatever the application does between two steps of a comparison, and whatever is wrong on the target, both sides are equal after it', () => {
  for (const seed of Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)) {
    const differences = ((): string[] => {
      try {
        return compareWhileWorking(seed)
      } catch (error) {
        return [(error as Error).stack ?? '']
      }
    })()
    expect({ seed, differences }).toEqual({ seed, differences: [] })
    fs.rmSync(path.join(directory, `${seed}-source`), { recursive: true })
    fs.rmSync(path.join(directory, `${seed}-target`), { recursive: true })
  }
})

test('a file with several names is one file on both sides after a comparison, whatever names the target has lost and however they move', () => {
  for (const seed of [...Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index), ...ONCE_SPLIT]) {
    expect({ seed, differences: compareLinks(seed) }).toEqual({ seed, differences: [] })
    fs.rmSync(path.join(directory, `${seed}-source`), { recursive: true })
    fs.rmSync(path.join(directory, `${seed}-target`), { recursive: true })
  }
})
