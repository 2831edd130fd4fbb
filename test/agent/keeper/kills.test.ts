import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { FILE_CHECKS } from '../../kit/fileChecks'
import { compareTrees } from '../../kit/compareTrees'
import { withFuse } from '../capture/fuse'
import { delay, makePair, type TestPair } from '../mirrord/pair'

const KILLS = 10
const HANDOVERS = 3
const TEST_TIMEOUT_MS = 180_000
/** Between a successor that serves and its own death. */
const ALIVE_MS_MAX = 700
const EQUAL_TIMEOUT_MS = 90_000
const DIST = path.join(__dirname, '..', '..', '..', 'dist')

/** A program that must not notice anything. */
class Program {
  private output = ''
  private errors = ''
  private readonly child: ChildProcess
  private readonly exited: Promise<unknown>

  constructor(
    readonly name: string,
    args: string[]
  ) {
    this.child = spawn(process.execPath, [path.join(DIST, args[0]!), ...args.slice(1)], { stdio: 'pipe' })
    this.exited = once(this.child, 'close')
    this.child.stdout!.on('data', (text) => (this.output += String(text)))
    this.child.stderr!.on('data', (text) => (this.errors += String(text)))
  }

  async ready(): Promise<void> {
    while (!this.output.startsWith('ready') && this.child.exitCode === null) await delay(10)
  }

  /** What it says against what it should: nothing. */
  async end(): Promise<string[]> {
    this.child.stdin!.end()
    await this.exited
    return this.child.exitCode === 0 ? [] : [`${this.name}: ${this.errors}`]
  }

  get rounds(): number {
    return Number(this.output.split('\n').at(-2))
  }
}

withFuse('mirrord is killed ten times under programs that know what must come out', () => {
  let pair: TestPair
  let killed = 0

  beforeEach(async () => {
    pair = makePair()
    await pair.one.start({ kept: true })
    await pair.two.start({ kept: true })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
  }, TEST_TIMEOUT_MS)
  afterEach(() => pair.end(), TEST_TIMEOUT_MS)

  async function killTenTimes(): Promise<void> {
    for (killed = 0; killed < KILLS; killed++) {
      await delay(Math.random() * ALIVE_MS_MAX)
      await pair.one.crash()
    }
  }

  async function expectEqualCopies(): Promise<void> {
    await pair.one.until(
      'equal',
      ({ connected, copyComplete, lsn, appliedLsn, needToVerify }) => {
        return connected && copyComplete && needToVerify === 'No' && appliedLsn >= lsn
      },
      EQUAL_TIMEOUT_MS
    )
    await pair.one.ask({ do: 'stop', force: true })
    await pair.two.ask({ do: 'stop', force: true })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }

  test(
    'names, files without a name, appends, pages, shared memory, listings, attributes: no error, the right content, and equal copies',
    async () => {
      const programs = Object.keys(FILE_CHECKS).map((name) => new Program(name, ['fileChecks.cjs', pair.one.folder, name]))
      await Promise.all(programs.map((each) => each.ready()))
      await killTenTimes()
      const complaints = (await Promise.all(programs.map((each) => each.end()))).flat()
      expect(complaints).toEqual([])
      expect(Math.min(...programs.map(({ rounds }) => rounds))).toBeGreaterThan(KILLS)
      await expectEqualCopies()
      expect(pair.one.faults).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'asked to hand over to the program on disk: the same, and no mirror has to run again',
    async () => {
      await pair.one.until('complete', ({ copyComplete, connected, mirror }) => copyComplete && connected && mirror.state === 'Idle', EQUAL_TIMEOUT_MS)
      const programs = ['names', 'unlinked', 'appends'].map((name) => new Program(name, ['fileChecks.cjs', pair.one.folder, name]))
      await Promise.all(programs.map((each) => each.ready()))
      for (let times = 0; times < HANDOVERS; times++) await pair.one.crash('SIGUSR2')
      expect((await Promise.all(programs.map((each) => each.end()))).flat()).toEqual([])
      await expectEqualCopies()
    },
    TEST_TIMEOUT_MS
  )

  test(
    'random file operations of two programs',
    async () => {
      const seed = Math.floor(Math.random() * 1e6)
      for (const name of ['w0', 'w1']) fs.mkdirSync(path.join(pair.one.folder, name))
      const programs = [0, 1].map(
        (index) => new Program(`seed ${seed + index}`, ['randomFiles.cjs', path.join(pair.one.folder, `w${index}`), String(seed + index), '-'])
      )
      await killTenTimes()
      expect((await Promise.all(programs.map((each) => each.end()))).flat()).toEqual([])
      await expectEqualCopies()
    },
    TEST_TIMEOUT_MS
  )
})
