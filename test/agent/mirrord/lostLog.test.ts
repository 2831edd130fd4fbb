import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { isMirrored, makePair, type TestPair } from './pair'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(60_000)

asRoot('a target whose redo log is lost', () => {
  let pair: TestPair
  beforeEach(() => (pair = makePair()))
  afterEach(() => pair.end())

  const redo = (): string => path.join(pair.two.config.dataDirectory, 'redo')

  /** Acknowledged, and not applied by the target that died. */
  const loseWhatWasReceived = async (): Promise<void> => {
    await pair.one.start()
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.one.until('complete', isMirrored)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
    fs.writeFileSync(path.join(pair.one.folder, 'acknowledged'), 'yes')
    const { lsn } = await pair.one.status()
    await pair.two.until('hard', (status) => status.lsn >= lsn)
    await pair.two.kill()
    execFileSync('umount', ['-l', pair.two.folder])
    fs.rmSync(path.join(pair.two.folder, 'acknowledged'), { force: true })
  }

  test.each([
    ['its checkpoint is damaged', () => fs.truncateSync(path.join(redo(), 'checkpoint.json'), 20)],
    ['all of it is gone', () => fs.rmSync(redo(), { recursive: true })]
  ])('says that its copy is not complete, and that it knows so: %s', async (_, lose) => {
    await loseWhatWasReceived()
    lose()
    await pair.one.stopped()
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    const alone = await pair.two.status()
    pair.one.signal('SIGCONT')
    expect(alone).toMatchObject({ connected: false, copyComplete: false, copyKnown: true })
    await pair.two.until('complete again', ({ copyComplete }) => copyComplete)
    await pair.one.until('complete again', isMirrored)
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(fs.readFileSync(path.join(pair.two.folder, 'acknowledged'), 'utf8')).toBe('yes')
  })

  test('is compared as a whole when it was put back to an earlier state: what it had acknowledged since may not be marked any more', async () => {
    const { one, two } = pair
    const places = [two.folder, two.config.dataDirectory, path.join(pair.directory, 'RMHW132-run')]
    const earlier = (place: string): string => `${place}-earlier`
    const moveAll = (from: (place: string) => string, to: (place: string) => string): void => {
      for (const place of places) {
        fs.rmSync(to(place), { recursive: true, force: true })
        fs.cpSync(from(place), to(place), { recursive: true, preserveTimestamps: true, filter: (file) => !fs.lstatSync(file).isSocket() })
      }
    }
    const here = (place: string): string => place
    const rejoin = async (): Promise<void> => {
      await two.start()
      await two.ask({ do: 'target', roleSequence: 1 })
    }
    await one.start()
    await rejoin()
    await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await one.until('complete', isMirrored)
    await two.until('complete', ({ copyComplete }) => copyComplete)
    await two.leave()
    moveAll(here, earlier)
    await rejoin()
    fs.writeFileSync(path.join(one.folder, 'acknowledged'), 'yes')
    await one.ask({ do: 'drain', timeoutMs: 20_000 })
    await two.leave()
    moveAll(earlier, here)
    await rejoin()
    await two.until('connected again', ({ connected }) => connected)
    await two.until('complete again', ({ copyComplete }) => copyComplete)
    expect(two.log).toContain('verify from LSN')
    expect(compareTrees(one.folder, two.folder)).toEqual([])
  })
})
