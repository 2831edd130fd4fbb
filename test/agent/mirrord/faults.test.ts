import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(90_000)

const BALLAST_BYTES = 9_000_000
const LARGE_BYTES = 150_000_000
/** The second try comes 2 s after the first fault, the third 4 s after the second. */
const WATCHED_MS = 7_000
const TRIES_MAX = 3

asRoot('when the target cannot follow', () => {
  let pair: TestPair
  beforeEach(() => (pair = makePair()))
  afterEach(() => pair.end())

  const begin = async (peerCopyComplete: boolean): Promise<void> => {
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete })
  }
  const complete = async (): Promise<void> => {
    await pair.one.until('complete', ({ connected, needToVerify, mirror }) => connected && needToVerify === 'No' && mirror.state === 'Idle', 40_000)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
  }
  const startBoth = async (): Promise<void> => {
    await pair.one.start()
    await pair.two.start()
  }

  test('a full disk is a fault on both sides, is tried again ever more slowly, and is over when there is room', async () => {
    const disk = path.join(pair.directory, 'disk')
    fs.mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk])
    try {
      pair.two.config.folders[0]!.path = path.join(disk, 'data')
      fs.mkdirSync(pair.two.folder)
      fs.writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(BALLAST_BYTES))
      await startBoth()
      await begin(false)
      await complete()
      fs.writeFileSync(path.join(pair.one.folder, 'too much'), Buffer.alloc(6_000_000, 'x'))
      for (const side of [pair.one, pair.two]) {
        const { needToVerify, fault } = await side.until('at fault', (status) => status.fault !== null)
        expect({ needToVerify, code: fault!.code }).toEqual({ needToVerify: 'Yes', code: 'E_REDO' })
        expect(fault!.message).toContain('ENOSPC')
      }
      expect((await pair.two.status()).copyComplete).toBe(false)
      await delay(WATCHED_MS)
      expect(pair.one.log.match(/mirror from LSN/g)!.length).toBeLessThanOrEqual(1 + TRIES_MAX)
      expect((await pair.one.status()).fault?.code).toBe('E_REDO')
      fs.rmSync(path.join(disk, 'ballast'))
      await pair.one.ask({ do: 'mirror', action: 'start' })
      await complete()
      await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
      expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
      for (const side of [pair.one, pair.two]) expect((await side.status()).fault).toBeNull()
    } finally {
      await pair.two.end()
      execFileSync('umount', [disk])
    }
  })

  test('a change that cannot be repeated is repaired by a full mirror that starts by itself', async () => {
    await startBoth()
    await begin(false)
    await complete()
    await pair.one.ask({ do: 'stop', force: false })
    await pair.two.ask({ do: 'stop', force: false })
    fs.mkdirSync(path.join(pair.two.folder, 'in the way/deep'), { recursive: true })
    await begin(true)
    await pair.one.until('connected', ({ connected }) => connected)
    expect(pair.one.log).toContain('adopt from LSN')
    fs.writeFileSync(path.join(pair.one.folder, 'in the way'), 'a file')
    await pair.one.until('at fault', ({ fault }) => fault?.code === 'E_REDO')
    await complete()
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect((await pair.one.status()).fault).toBeNull()
  })

  test('a mirror is paused, goes on, is stopped, and stays stopped until an administrator starts it', async () => {
    fs.writeFileSync(path.join(pair.one.folder, 'large'), Buffer.alloc(LARGE_BYTES, 'large'))
    await startBoth()
    await begin(false)
    await pair.one.until('mirroring', ({ mirror }) => mirror.state === 'Mirror' && mirror.percent > 5)
    await pair.one.ask({ do: 'mirror', action: 'pause' })
    await pair.one.until('paused', ({ mirror, targetSide }) => mirror.state === 'Pause' && targetSide === 'Full Mirror')
    const paused = await pair.two.until('paused', ({ mirror, targetSide }) => mirror.state === 'Pause' && mirror.percent > 0 && targetSide === 'Full Mirror')
    expect(paused.mirror.percent).toBeLessThan(100)
    fs.writeFileSync(path.join(pair.one.folder, 'while paused'), 'goes on')
    await pair.one.ask({ do: 'mirror', action: 'resume' })
    await complete()

    await pair.one.ask({ do: 'mirror', action: 'start' })
    await pair.one.until('mirroring', ({ mirror }) => mirror.state === 'Mirror')
    await pair.one.ask({ do: 'mirror', action: 'stop' })
    await pair.one.until('stopped', ({ mirror, needToVerify, targetSide }) => mirror.state === 'Stop' && needToVerify === 'Yes' && targetSide === 'Stop')
    const stopped = await pair.two.until('stopped', ({ mirror }) => mirror.state === 'Stop')
    expect(stopped).toMatchObject({ copyComplete: false, needToVerify: 'Yes', targetSide: 'Stop' })

    await pair.two.kill()
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.until('connected again', () => pair.one.log.includes('stopped by an administrator'))
    expect((await pair.one.status()).mirror.state).toBe('Stop')
    await pair.one.ask({ do: 'mirror', action: 'start' })
    await complete()
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  })
})
