import fs from 'node:fs'
import path from 'node:path'
import { compareTrees } from '../../kit/compareTrees'
import { withFuse } from '../capture/fuse'
import { delay, makePair, isMirrored, type TestMirrord, type TestPair } from './pair'

const TEST_TIMEOUT_MS = 90_000
const STATE_TIMEOUT_MS = 40_000
const FILES = 120
/** In this round the target dies. */
const DEATH_AT = 60
const FILE_BYTES = 20_000

withFuse('a job with two folders', () => {
  let pair: TestPair
  const second = (side: TestMirrord): string => side.config.folders[1]!.path
  const inBoth = (side: TestMirrord, name: string): string[] => [path.join(side.folder, name), path.join(second(side), name)]

  beforeEach(async () => {
    pair = makePair()
    for (const side of [pair.one, pair.two]) {
      side.config.folders.push({ path: path.join(pair.directory, `${side.node}-more`), name: 'more', exclude: [] })
      fs.mkdirSync(second(side))
      await side.start({ kept: true })
    }
  }, TEST_TIMEOUT_MS)
  afterEach(() => pair.end(), TEST_TIMEOUT_MS)

  const begin = async (): Promise<void> => {
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
  }
  const equal = async (): Promise<void> => {
    const whole = await pair.one.until('complete', isMirrored)
    expect(whole.role).toBe('source')
    await pair.one.ask({ do: 'drain', timeoutMs: STATE_TIMEOUT_MS })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(compareTrees(second(pair.one), second(pair.two))).toEqual([])
  }

  test(
    'the target is killed while both are written, then the source: each time both become equal, and nothing is mixed up',
    async () => {
      for (const file of inBoth(pair.one, 'before')) fs.writeFileSync(file, file)
      await begin()
      await equal()
      let returned: Promise<void> | null = null
      for (let number = 0; number < FILES; number++) {
        for (const [folder, file] of inBoth(pair.one, `f${number}`).entries()) fs.writeFileSync(file, Buffer.alloc(FILE_BYTES, `${folder} ${number}`))
        if (number === DEATH_AT) returned = pair.two.crash()
        // It must get the chance to die in the middle.
        await delay(2)
      }
      await returned
      await equal()
      const open = inBoth(pair.one, 'open').map((file) => fs.openSync(file, 'w'))
      await pair.one.crash()
      for (const [folder, file] of open.entries()) {
        fs.writeSync(file, `after the death, ${folder}`)
        fs.closeSync(file)
      }
      await equal()
      expect(inBoth(pair.two, 'open').map((file) => fs.readFileSync(file, 'utf8'))).toEqual(['after the death, 0', 'after the death, 1'])
      // The target's own log says where it went on: no full mirror was needed, by neither death.
      expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'one of them cannot be served: the other one is an ordinary folder again, and the start works when it can',
    async () => {
      fs.rmdirSync(second(pair.one))
      await expect(pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })).rejects.toThrow(second(pair.one))
      fs.writeFileSync(path.join(pair.one.folder, 'written by hand'), 'x')
      const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8')
      expect(mounts).not.toContain(pair.one.folder)
      fs.mkdirSync(second(pair.one))
      await begin()
      await equal()
    },
    TEST_TIMEOUT_MS
  )
})
