import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { randomFiles } from '../../kit/randomFiles'
import { makePair, isMirrored, type TestMirrord, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(120_000)

/** One switch after each. Some seeds make a fifo where they open a file later, and wait for ever. */
const WORK_SEEDS = [11, 12, 21, 22, 1]
const SWITCHES = WORK_SEEDS.length
const STEPS = 150

asRoot('roles that change, and mirrords that die', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair()
    await pair.one.start()
    await pair.two.start()
  })
  afterEach(() => pair.end())

  const whole = async (source: TestMirrord, target: TestMirrord): Promise<void> => {
    await source.until('complete', isMirrored)
    await target.until('complete', ({ copyComplete }) => copyComplete)
  }
  const equal = async (source: TestMirrord): Promise<void> => {
    await source.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }
  const serve = async (source: TestMirrord, target: TestMirrord, roleSequence: number, peerCopyComplete: boolean): Promise<void> => {
    await target.ask({ do: 'target', roleSequence })
    await source.ask({ do: 'source', roleSequence, peerCopyComplete })
  }
  const work = (source: TestMirrord, seed: number): void => {
    // A folder for each: a name that is a fifo from before would keep whoever opens it.
    const folder = path.join(source.folder, `work ${seed}`)
    fs.mkdirSync(folder)
    const files = randomFiles(folder, seed)
    for (let step = 0; step < STEPS; step++) files.step()
    files.end()
  }
  /** Drain, stop both, the other way round: what the engines do. */
  const switchOver = async (from: TestMirrord, to: TestMirrord, roleSequence: number): Promise<void> => {
    await from.ask({ do: 'drain', timeoutMs: 20_000 })
    await from.ask({ do: 'stop', force: false })
    await to.ask({ do: 'stop', force: false })
    await serve(to, from, roleSequence, true)
  }

  test('five switches with work before each lose nothing, add nothing, and need no mirror', async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    let [source, target] = [pair.one, pair.two]
    for (let change = 1; change <= SWITCHES; change++) {
      work(source, WORK_SEEDS[change - 1]!)
      fs.writeFileSync(path.join(source.folder, `written before switch ${change}`), source.node)
      await equal(source)
      await switchOver(source, target, 1 + change)
      ;[source, target] = [target, source]
    }
    await equal(source)
    expect(fs.readdirSync(source.folder).filter((name) => name.startsWith('written before'))).toHaveLength(SWITCHES)
    expect((pair.one.log + pair.two.log).match(/mirror from LSN \d+$/gm)).toHaveLength(1)
  })

  test("the target's folder refuses everybody but redo, and is an ordinary folder again after a stop", async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    expect(() => fs.writeFileSync(path.join(pair.two.folder, 'local'), 'x')).toThrow(/EROFS/)
    fs.writeFileSync(path.join(pair.one.folder, 'sent'), 'x')
    await equal(pair.one)
    await pair.two.ask({ do: 'stop', force: false })
    fs.writeFileSync(path.join(pair.two.folder, 'local'), 'x')
  })

  test('an old owner that ended in order and comes back in a new process does not claim to be equal: anybody may have written meanwhile', async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
    await pair.one.end()
    fs.writeFileSync(path.join(pair.one.folder, 'written while nobody looked'), 'x')
    await pair.two.ask({ do: 'stop', force: false })
    await pair.one.start()
    await serve(pair.two, pair.one, 2, true)
    await whole(pair.two, pair.one)
    await equal(pair.two)
    expect(fs.existsSync(path.join(pair.one.folder, 'written while nobody looked'))).toBe(false)
  })

  test('failover, the old owner returns as target, failover the other way: the copies are equal after each', async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    let [source, target] = [pair.one, pair.two]
    for (let change = 1; change <= 2; change++) {
      work(source, 10 + change)
      await equal(source)
      const writtenAlone = path.join(source.folder, `alone ${change}`)
      await source.kill()
      await target.ask({ do: 'stop', force: false })
      await target.ask({ do: 'source', roleSequence: 1 + change, peerCopyComplete: false })
      work(target, 20 + change)
      await source.start()
      // What only the dead owner had is gone: the new one's data counts.
      fs.writeFileSync(writtenAlone, 'never sent')
      await source.ask({ do: 'target', roleSequence: 1 + change })
      ;[source, target] = [target, source]
      await whole(source, target)
      await equal(source)
      expect(fs.existsSync(writtenAlone)).toBe(false)
    }
  })

  test('SIGTERM does not take a folder away from under an application, kill -9 leaves one that the next mirrord takes over', async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    const busy = path.join(pair.one.folder, 'busy')
    const application = spawn('sh', ['-c', 'exec 3>>"$0"; echo open; cd "$(dirname "$0")"; exec sleep 60', busy], { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(application.stdout, 'data')
    try {
      pair.one.signal('SIGTERM')
      await pair.one.until('still the source', () => pair.one.log.includes('goes on'))
      fs.writeFileSync(busy, 'still captured')
      await equal(pair.one)

      await pair.one.kill()
      expect(() => fs.readdirSync(pair.one.folder)).toThrow()
      await pair.one.start()
      await pair.one.ask({ do: 'source', roleSequence: 2, peerCopyComplete: true })
      await pair.two.ask({ do: 'target', roleSequence: 2 })
      await whole(pair.one, pair.two)
      fs.writeFileSync(path.join(pair.one.folder, 'after'), 'the kill')
      await equal(pair.one)
      // A source that was killed may have written what was never sent: the engine's word that both are equal is not believed.
      expect(pair.one.log).toContain('difference from LSN')
      expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    } finally {
      application.kill('SIGKILL')
    }
  })

  test('both sides die at the same time and come back as they were', async () => {
    await serve(pair.one, pair.two, 1, false)
    await whole(pair.one, pair.two)
    work(pair.one, 21)
    await Promise.all([pair.one.kill(), pair.two.kill()])
    await Promise.all([pair.one.start(), pair.two.start()])
    await Promise.all([pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: true }), pair.two.ask({ do: 'target', roleSequence: 1 })])
    await whole(pair.one, pair.two)
    await equal(pair.one)
  })
})
