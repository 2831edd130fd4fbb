import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Redo } from '../../../agent/mirrord/redo/redo'
import { compareTrees } from '../../kit/compareTrees'
import { Steps, WrittenLog, lastTimes, possibleSteps, redoIn, type Step } from './redoHistory'

const asRoot = process.getuid?.() === 0 ? describe : describe.skip
jest.setTimeout(120_000)

const BEFORE = 60
const STEPS = 150
const CRASHES = 6
const SEEDS = [2, 8, 13, 20, 31, 32]

/** Applies all, and says where redo made everything hard by itself. */
function applyAll(folder: string, steps: readonly Step[], tolerant: boolean): number[] {
  const hard: number[] = []
  let index = 0
  const redo = redoIn(folder, (withIt) => {
    hard.push(index + (withIt ? 1 : 0))
    for (const { tree } of redo.folders) tree.linked.checkpointBegins()
    for (const { tree } of redo.folders) tree.linked.checkpointEnds()
  })
  redo.tolerant = tolerant
  redo.markFor([{ last: null, mark: () => 0, wasUndone: () => undefined } as never])
  for (; index < steps.length; index++) redo.apply(steps[index]!, index + 1)
  redo.close()
  return hard
}

asRoot('redo that ends in the middle of its work', () => {
  let directory: string
  beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), 'recover-'))))
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

  const folderWith = (name: string, steps: readonly Step[]): string => {
    const folder = path.join(directory, name)
    fs.rmSync(folder, { recursive: true, force: true })
    fs.mkdirSync(folder)
    applyAll(folder, steps, false)
    return folder
  }

  async function everyCrash(seed: number, before: Step[], history: Step[], tolerant: boolean): Promise<void> {
    const random = new Steps(seed * 1_000)
    const reference = folderWith('reference', before)
    applyAll(reference, history, tolerant)
    const steps = [...history, ...lastTimes(reference)]
    const hard = applyAll(folderWith('scratch', before), steps, tolerant)
    applyAll(reference, steps.slice(history.length), tolerant)
    for (let crash = 0; crash < CRASHES; crash++) {
      const to = 1 + random.below(history.length)
      const share = random.below(4)
      const from = Math.max(random.below(to), ...hard.filter((index) => index < to), 0)
      const half = random.below(2) === 0 ? 'marked' : 'done'
      const copy = folderWith('copy', before)
      const log = await WrittenLog.write(directory, steps, tolerant ? 'mirror' : null)
      const checkpoint = log.crash(copy, steps, { from, to, half, tolerant, kept: () => random.below(4) < share })
      const news = await log.recover(copy, checkpoint)
      const outcome = {
        seed,
        crash,
        from,
        to,
        half,
        news: news.filter(({ kind }) => kind === 'opened' || kind === 'stopped'),
        trees: compareTrees(reference, copy)
      }
      expect(outcome).toMatchObject({ news: [{ lost: null }, { drained: true, why: null }], trees: [] })
    }
  }

  test.each(SEEDS)('comes to the same end whatever of the data the crash has taken (seed %i)', async (seed) => {
    const steps = new Steps(seed)
    const scratch = path.join(directory, 'made')
    fs.mkdirSync(scratch)
    const before = possibleSteps(scratch, BEFORE, () => steps.operation())
    const history = possibleSteps(scratch, STEPS, () => steps.operation())
    await everyCrash(seed, before, history, false)
  })

  test.each(SEEDS)('and so it does in the middle of a mirror, in which half of the changes cannot be done (seed %i)', async (seed) => {
    const steps = new Steps(100 + seed)
    const scratch = path.join(directory, 'made')
    fs.mkdirSync(scratch)
    const before = possibleSteps(scratch, BEFORE, () => steps.operation())
    const history = Array.from({ length: STEPS }, () => (steps.below(4) === 0 ? steps.walk() : steps.operation()))
    await everyCrash(seed, before, history, true)
  })
})

const MAKE: Record<string, string[]> = { ext4: ['mkfs.ext4', '-q', '-F'], xfs: ['mkfs.xfs', '-q', '-f'] }
const IMAGE_BYTES = 320 * 1024 * 1024
const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0
/** Needs root, loop devices, and xfs_io, which cuts a file system off as a power cut does. */
const canCut = process.getuid?.() === 0 && fs.existsSync('/dev/loop-control') && ['xfs_io', 'mkfs.ext4', 'mkfs.xfs'].every(has)

;(canCut ? describe : describe.skip).each(['ext4', 'xfs'])('a power cut under redo on %s', (type) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'power-'))
  const disk = path.join(directory, 'disk')
  const run = (...command: string[]): void => void execFileSync(command[0]!, command.slice(1), { stdio: 'pipe' })
  let image = path.join(directory, 'image')
  const mount = (): void => run('mount', '-o', type === 'xfs' ? 'loop,nouuid' : 'loop', image, disk)
  /** What the disk holds now, on another one: a program that began meanwhile may keep the old mount, and with it the file system that is cut off. */
  const mountCopy = (): void => {
    const copy = `${image}+`
    run('cp', '--sparse=always', image, copy)
    fs.rmSync(image)
    image = copy
    mount()
  }

  beforeAll(() => {
    fs.mkdirSync(disk)
    fs.writeFileSync(image, '')
    fs.truncateSync(image, IMAGE_BYTES)
    run(...MAKE[type]!, image)
    mount()
  })
  afterAll(() => {
    run('umount', disk)
    fs.rmSync(directory, { recursive: true, force: true })
  })

  test.each([21, 22, 23])('the copy goes on exactly (seed %i)', async (seed) => {
    const steps = new Steps(seed)
    const made = (name: string): string => fs.mkdtempSync(path.join(directory, name))
    const history = possibleSteps(made('made'), STEPS, () => steps.operation())
    const reference = made('reference')
    const hard = applyAll(reference, history, false)
    const all = [...history, ...lastTimes(reference)]
    applyAll(reference, all.slice(history.length), false)
    const to = STEPS / 2 + steps.below(STEPS / 2)
    const from = Math.max(steps.below(to), ...hard.filter((index) => index < to), 0)
    const between = from + steps.below(to - from)
    const copy = fs.mkdtempSync(path.join(disk, 'copy'))
    const log = await WrittenLog.write(directory, all, null)
    const reached = (index: number, redo: Redo): void => {
      if (index === from) redo.sync()
      // The journal goes to the disk with all names so far.
      if (index === between) run('sync', disk)
    }
    const checkpoint = log.crash(copy, all, { from, to, half: 'done', tolerant: false, kept: () => true, reached })
    run('xfs_io', '-x', '-c', 'shutdown', disk)
    run('umount', disk)
    mountCopy()
    const news = await log.recover(copy, checkpoint)
    const outcome = { from, between, to, news: news.filter(({ kind }) => kind === 'opened' || kind === 'stopped'), trees: compareTrees(reference, copy) }
    expect(outcome).toMatchObject({ news: [{ lost: null }, { drained: true, why: null }], trees: [] })
  })
})
