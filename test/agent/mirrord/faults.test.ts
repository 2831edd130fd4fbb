import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { CopyStateFile } from '../../../agent/mirrord/copyState'
import { openLog } from '../../../agent/mirrord/redolog/openLog'
import { compareTrees } from '../../kit/compareTrees'
import { makePair, isMirrored, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(90_000)

const DISK_BYTES = 12 * 1024 * 1024
const BALLAST_BYTES = 9_000_000
const LARGE_BYTES = 150_000_000
const LOG_DISK_BYTES = 40 * 1024 * 1024
const BURST_BYTES = 70_000_000
const PAGE_DISK_BYTES = 16 * 1024 * 1024
const QUEUE_BYTES = 2 * 1024 * 1024

asRoot('when the target cannot follow', () => {
  let pair: TestPair
  beforeEach(() => (pair = makePair()))
  afterEach(() => pair.end())

  const begin = async (peerCopyComplete: boolean): Promise<void> => {
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete })
  }
  const complete = async (): Promise<void> => {
    await pair.one.until('complete', isMirrored, 40_000)
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

  const STOPS = [
    ['stopped', async () => void (await pair.two.ask({ do: 'stop', force: true }))],
    [
      'killed, and then stopped',
      async () => {
        await pair.two.kill()
        await pair.two.start()
        await pair.two.ask({ do: 'stop', force: true })
      }
    ]
  ] as const

  const arrivedWhole = (): boolean => {
    const arrived = fs.readFileSync(path.join(pair.two.folder, 'too much'))
    return arrived.length > 12_000_000 - BALLAST_BYTES && arrived.equals(Buffer.alloc(arrived.length, 'x'))
  }

  test.each(STOPS)('a target that was %s before it could apply what it has acknowledged does so before it takes over', async (_, stop) => {
    await onSmallDisk(async (makeRoom) => {
      await pair.two.until('suspended', (status) => status.fault !== null)
      await stop()
      await pair.one.kill()
      execFileSync('umount', ['-l', pair.one.folder])
      await expect(pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })).rejects.toMatchObject({ code: 'E_REDO_LEFT' })
      makeRoom()
      await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
      expect(arrivedWhole()).toBe(true)
    })
  })

  test.each(STOPS)('a target that was %s before it could apply what it has acknowledged does so before it receives', async (_, stop) => {
    await onSmallDisk(async (makeRoom) => {
      await pair.two.until('suspended', (status) => status.fault !== null)
      const applied = fs.statSync(path.join(pair.two.folder, 'too much')).size
      await stop()
      await pair.one.kill()
      execFileSync('umount', ['-l', pair.one.folder])
      makeRoom()
      await pair.two.ask({ do: 'target', roleSequence: 1 })
      expect(await pair.two.status()).toMatchObject({ copyComplete: true })
      expect(arrivedWhole()).toBe(true)
      expect(fs.statSync(path.join(pair.two.folder, 'too much')).size).toBeGreaterThan(applied)
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

  /** `dataDirectory` of this side is on a disk of its own; `fill` leaves no byte there. */
  const withSmallDataDisk = async (side: 'one' | 'two', bytes: number, use: (ballast: { fill(): void; remove(): void }) => Promise<void>): Promise<void> => {
    const disk = path.join(pair.directory, 'disk')
    const file = path.join(disk, 'ballast')
    fs.mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', disk])
    const fill = (): void => {
      const { bavail, bsize } = fs.statfsSync(disk)
      try {
        fs.writeFileSync(file, Buffer.alloc(bavail * bsize))
      } catch (error) {
        // mirrord has taken some of it meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
    try {
      pair[side].config.dataDirectory = path.join(disk, 'job.data')
      await startBoth()
      await use({ fill, remove: () => fs.rmSync(file) })
    } finally {
      await pair[side].end()
      execFileSync('umount', [disk])
    }
  }
  const endsEqual = async (): Promise<void> => {
    await complete()
    await pair.one.ask({ do: 'drain', timeoutMs: 40_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    for (const side of [pair.one, pair.two]) expect((await side.status()).fault).toBeNull()
  }

  test('the disk of the redo log gets full under a target: no checkpoint can be kept, which waits for room and ends nothing', async () => {
    await withSmallDataDisk('two', LOG_DISK_BYTES, async ({ fill, remove }) => {
      await begin(false)
      await complete()
      fill()
      fs.writeFileSync(path.join(pair.one.folder, 'first'), 'x')
      const { fault } = await pair.two.until('full', (status) => status.fault !== null)
      expect(fault).toMatchObject({ code: 'E_REDO_LOG_FULL', message: expect.stringContaining('ENOSPC') })
      const { session } = await pair.one.until('told', (status) => status.session.state === 'SUSPENDED')
      expect(session.why).toContain('redo log')
      fs.writeFileSync(path.join(pair.one.folder, 'while it waits'), 'x')
      remove()
      await pair.two.until('going on', (status) => status.fault === null)
      await endsEqual()
      expect(pair.two.faults).toEqual([])
    })
  })

  /** The room that its next start would give back, and would have made into a segment by the time that a slow source is there. */
  const giveBack = ({ config: { dataDirectory } }: TestPair['two']): void => {
    const { directory } = openLog(dataDirectory, new CopyStateFile(path.join(pair.directory, 'RMHW132-run', 'DB_Group.copy.json')).get())
    fs.rmSync(path.join(directory, 'spare.new'), { force: true })
  }

  test('the disk of the redo log is full: it is said, the application goes on, and so does all by itself when there is room', async () => {
    await withSmallDataDisk('two', LOG_DISK_BYTES, async ({ fill, remove }) => {
      await begin(false)
      await complete()
      await pair.two.kill()
      giveBack(pair.two)
      fill()
      await pair.two.start()
      await pair.two.ask({ do: 'target', roleSequence: 1 })
      const { fault } = await pair.two.until('full', (status) => status.fault !== null)
      expect(fault).toMatchObject({ code: 'E_REDO_LOG_FULL', message: expect.stringContaining('cannot grow') })
      const { session } = await pair.one.until('told', (status) => /redo log/.test(status.session.why ?? ''))
      expect(session.state).not.toBe('SYNCHRONIZED')
      for (let number = 0; number < 3; number++) fs.writeFileSync(path.join(pair.one.folder, `while full ${number}`), Buffer.alloc(4_000_000, 'x'))
      remove()
      await endsEqual()
      expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    })
  })

  test('more arrives than the disk of the redo log takes at once: the source waits, nobody else does, and all of it arrives', async () => {
    await withSmallDataDisk('two', LOG_DISK_BYTES, async () => {
      await begin(false)
      await complete()
      fs.writeFileSync(path.join(pair.one.folder, 'large'), Buffer.alloc(BURST_BYTES, 'large'))
      await endsEqual()
      expect(pair.two.faults).toEqual([])
    })
  })

  test('the disk of the page file is full: the application goes on, only what changed is remembered, and the returning target becomes equal', async () => {
    pair.one.config.queueBytes = QUEUE_BYTES
    await withSmallDataDisk('one', PAGE_DISK_BYTES, async ({ fill, remove }) => {
      await begin(false)
      await complete()
      await pair.two.kill()
      for (let number = 0; number < 4; number++) fs.writeFileSync(path.join(pair.one.folder, `queued ${number}`), Buffer.alloc(3_000_000, 'q'))
      await pair.one.until('in the page file', (status) => (status.pagefileBytes ?? 0) > 0)
      fill()
      for (let number = 0; number < 8; number++) fs.appendFileSync(path.join(pair.one.folder, 'queued 0'), Buffer.alloc(1_000_000, 'm'))
      const { needToVerify, dirtyBytes } = await pair.one.until('the page file is full', (status) => status.needToVerify === 'Yes')
      expect({ needToVerify, known: dirtyBytes !== null }).toEqual({ needToVerify: 'Yes', known: true })
      remove()
      await pair.two.start()
      await pair.two.ask({ do: 'target', roleSequence: 1 })
      await endsEqual()
      expect(pair.one.faults).toEqual([])
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
