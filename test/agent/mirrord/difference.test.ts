import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { makePair, isMirrored, type TestMirrord, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(90_000)

const MIB = 1024 * 1024
/** Not marked as changed: larger than all that is sent afterwards. */
const BALLAST_BYTES = 40 * MIB
const CHANGED_BYTES = 2 * MIB
/** Whole extents around what was changed, and what the comparison itself says. */
const SENT_BYTES_MAX = 16 * MIB

asRoot('what both sides have marked is all that is compared', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair({ queueBytes: 8 * MIB, pagefileBytes: 8 * MIB })
    fs.writeFileSync(path.join(pair.one.folder, 'ballast'), Buffer.alloc(BALLAST_BYTES, 'ballast'))
    fs.mkdirSync(path.join(pair.one.folder, 'directory'))
    fs.writeFileSync(path.join(pair.one.folder, 'directory', 'old'), 'old')
    fs.mkdirSync(path.join(pair.one.folder, 'elsewhere'))
    fs.linkSync(path.join(pair.one.folder, 'directory', 'old'), path.join(pair.one.folder, 'elsewhere', 'name'))
    await pair.one.start()
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await whole(pair.one, pair.two)
    await equal(pair.one)
  })
  afterEach(() => pair.end())

  const whole = async (source: TestMirrord, target: TestMirrord): Promise<void> => {
    await target.until('complete', ({ copyComplete, connected }) => copyComplete && connected)
    await source.until('complete', isMirrored)
  }
  const equal = async (source: TestMirrord): Promise<void> => {
    await source.ask({ do: 'drain', timeoutMs: 20_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  }
  const mirrors = (): number => (pair.one.log + pair.two.log).match(/^\S+ mirror from LSN \d+$/gm)!.length
  const changeSome = ({ folder }: TestMirrord, seed: number): void => {
    const ballast = fs.openSync(path.join(folder, 'ballast'), 'r+')
    fs.writeSync(ballast, Buffer.alloc(CHANGED_BYTES, seed), 0, CHANGED_BYTES, seed * MIB)
    fs.closeSync(ballast)
    fs.writeFileSync(path.join(folder, 'directory', `new ${seed}`), 'new')
    fs.rmSync(path.join(folder, 'directory', 'old'), { force: true })
  }

  test('the page file fills, the dirty map takes over, and little is sent when the target is back', async () => {
    await pair.two.kill()
    await pair.one.until('alone', ({ connected }) => !connected)
    for (let round = 0; round < 30; round++) changeSome(pair.one, round % 5)
    await pair.one.until('overflowed', ({ needToVerify }) => needToVerify === 'Yes')
    const { sentBytes, dirtyBytes } = await pair.one.status()
    expect(dirtyBytes).toBeGreaterThan(CHANGED_BYTES)
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await whole(pair.one, pair.two)
    await equal(pair.one)
    expect(pair.one.log).toContain('difference from LSN')
    expect(mirrors()).toBe(1)
    expect((await pair.one.status()).sentBytes - sentBytes).toBeLessThan(SENT_BYTES_MAX)
  })

  test('a target that is connected gets the difference by itself when the queue did not suffice', async () => {
    await pair.one.ask({ do: 'transmit', action: 'pause' })
    await pair.one.until('paused', ({ replication }) => replication === 'Pause')
    for (let round = 0; round < 30; round++) changeSome(pair.one, round % 5)
    await pair.one.until('overflowed', ({ needToVerify }) => needToVerify === 'Yes')
    await pair.one.ask({ do: 'transmit', action: 'resume' })
    await pair.one.until('difference', () => pair.one.log.includes('difference from LSN'))
    await whole(pair.one, pair.two)
    await equal(pair.one)
    expect(mirrors()).toBe(1)
  })

  test('a source that crashes compares only what it had marked', async () => {
    changeSome(pair.one, 1)
    await pair.one.kill()
    await pair.one.start()
    const before = (await pair.two.status()).sentBytes
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: true })
    await whole(pair.one, pair.two)
    changeSome(pair.one, 3)
    await equal(pair.one)
    expect(pair.one.log).toContain('difference from LSN')
    expect(mirrors()).toBe(1)
    expect((await pair.one.status()).sentBytes - before).toBeLessThan(SENT_BYTES_MAX)
  })

  test('an old source returns with what it never sent: only what differs travels, and its surplus is gone', async () => {
    await pair.one.ask({ do: 'transmit', action: 'pause' })
    await pair.one.until('paused', ({ replication }) => replication === 'Pause')
    changeSome(pair.one, 2)
    fs.writeFileSync(path.join(pair.one.folder, 'surplus'), 'never sent')
    await pair.one.kill()
    await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
    changeSome(pair.two, 4)
    await pair.one.start()
    await pair.one.ask({ do: 'target', roleSequence: 2 })
    await whole(pair.two, pair.one)
    await equal(pair.two)
    expect(fs.existsSync(path.join(pair.one.folder, 'surplus'))).toBe(false)
    expect(pair.two.log).toContain('difference from LSN')
    expect(mirrors()).toBe(1)
    expect((await pair.two.status()).sentBytes).toBeLessThan(SENT_BYTES_MAX)
  })

  test('one that had gone on alone is not overwritten before an administrator has chosen; then only what differs travels', async () => {
    await pair.one.ask({ do: 'transmit', action: 'pause' })
    fs.writeFileSync(path.join(pair.one.folder, 'acknowledged alone'), 'precious')
    await pair.one.until('exposed', () => pair.one.log.includes('goes on without the target'))
    await pair.one.kill()
    await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
    fs.writeFileSync(path.join(pair.two.folder, 'written by the other'), 'too')
    await pair.one.start()
    await pair.one.ask({ do: 'target', roleSequence: 2 })
    await pair.two.until('undecided', ({ needToVerify }) => needToVerify === 'Manually')
    expect(fs.readFileSync(path.join(pair.one.folder, 'acknowledged alone'), 'utf8')).toBe('precious')
    await pair.two.ask({ do: 'selectSource' })
    await whole(pair.two, pair.one)
    await equal(pair.two)
    expect(fs.existsSync(path.join(pair.one.folder, 'acknowledged alone'))).toBe(false)
    expect(pair.two.log).toContain('difference from LSN')
    expect(mirrors()).toBe(1)
  })

  test('a directory moves with one name of a changed file: its name elsewhere leads to the same file on the target, too', async () => {
    const at = (name: string): string => path.join(pair.one.folder, name)
    await pair.one.ask({ do: 'transmit', action: 'pause' })
    await pair.one.until('paused', ({ replication }) => replication === 'Pause')
    fs.appendFileSync(at('directory/old'), ' and new')
    fs.renameSync(at('directory'), at('moved'))
    await pair.one.kill()
    await pair.one.start()
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: true })
    await whole(pair.one, pair.two)
    await equal(pair.one)
    expect(fs.readFileSync(path.join(pair.two.folder, 'elsewhere', 'name'), 'utf8')).toBe('old and new')
    expect(pair.one.log).toContain('difference from LSN')
    expect(mirrors()).toBe(1)
  })
})
