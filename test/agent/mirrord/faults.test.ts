import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(90_000)

const DISK_BYTES = 12 * 1024 * 1024
const BALLAST_BYTES = 9_000_000
const LARGE_BYTES = 150_000_000

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

  /** The target's disk has no room for what the source writes; `makeRoom` gives it some. */
  const onSmallDisk = async (use: (makeRoom: () => void) => Promise<void>): Promise<void> => {
    const disk = path.join(pair.directory, 'disk')
    fs.mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk])
    try {
      pair.two.config.folders[0]!.path = path.join(disk, 'data')
      fs.mkdirSync(pair.two.folder)
      fs.writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(BALLAST_BYTES))
      await startBoth()
      await begin(false)
      await complete()
      fs.writeFileSync(path.join(pair.one.folder, 'too much'), Buffer.alloc(6_000_000, 'x'))
      await use(() => fs.rmSync(path.join(disk, 'ballast')))
    } finally {
      await pair.two.end()
      execFileSync('umount', [disk])
    }
  }

  test('a target that cannot apply what it has acknowledged does not take over without it; when there is room, it does', async () => {
    await onSmallDisk(async (makeRoom) => {
      await pair.two.until('suspended', (status) => status.fault !== null)
      await pair.one.kill()
      execFileSync('umount', ['-l', pair.one.folder])
      await expect(pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })).rejects.toMatchObject({ code: 'E_REDO_LEFT' })
      makeRoom()
      await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
      // Since the session was suspended nothing more was sent: what had arrived is there, the rest is on the source and marked.
      const arrived = fs.readFileSync(path.join(pair.two.folder, 'too much'))
      expect(arrived.length).toBeGreaterThan(12_000_000 - BALLAST_BYTES)
      expect(arrived.equals(Buffer.alloc(arrived.length, 'x'))).toBe(true)
    })
  })

  test('a full disk suspends the session and loses nothing; when there is room, `transmit resume` goes on without a mirror', async () => {
    await onSmallDisk(async (makeRoom) => {
      const { fault } = await pair.two.until('at fault', (status) => status.fault !== null)
      expect(fault).toMatchObject({ code: 'E_REDO', message: expect.stringContaining('ENOSPC') })
      const { session } = await pair.one.until('suspended', (status) => status.session.state === 'SUSPENDED')
      expect(session.why).toContain('ENOSPC')
      expect((await pair.two.status()).copyComplete).toBe(true)
      fs.writeFileSync(path.join(pair.one.folder, 'while suspended'), 'waits in the redo log')
      makeRoom()
      await pair.one.ask({ do: 'transmit', action: 'resume' })
      await complete()
      await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
      expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
      for (const side of [pair.one, pair.two]) expect((await side.status()).fault).toBeNull()
      expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    })
  })

  test('a change that cannot be repeated suspends the session until an administrator starts a full mirror, which repairs it', async () => {
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
    await pair.one.until('suspended', ({ session }) => session.state === 'SUSPENDED' && session.why!.includes('in the way'))
    await pair.one.ask({ do: 'mirror', action: 'start' })
    await pair.one.until('going on', ({ session }) => session.state !== 'SUSPENDED')
    await complete()
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    for (const side of [pair.one, pair.two]) expect((await side.status()).fault).toBeNull()
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
    // Killed in the middle of a mirror, and it goes on where it was: half a copy, and no walk before an administrator says so.
    await pair.one.until('connected again', ({ connected }) => connected && pair.one.log.includes('resume from LSN'))
    expect((await pair.one.status()).mirror.state).toBe('Stop')
    await pair.one.ask({ do: 'mirror', action: 'start' })
    await complete()
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  })
})
