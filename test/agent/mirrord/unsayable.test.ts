import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from '../capture/fuse'
import { isMirrored, makePair, type TestMirrord, type TestPair } from './pair'

const TEST_TIMEOUT_MS = 90_000
const DRAIN_MS = 30_000
/** More than capture sends in one piece when a file comes out of an excluded name. */
const LARGE_BYTES = 300 << 20

const NAMES = ['first', 'second', 'third']

const at = (side: TestMirrord, name: string): string => path.join(side.folder, name)

withFuse('changes that no operation can say', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair()
    const { one, two } = pair
    for (const side of [one, two]) await side.start({ kept: true })
    for (const each of NAMES) {
      fs.writeFileSync(at(one, `seen ${each}`), 'old')
      fs.linkSync(at(one, `seen ${each}`), at(one, `unseen ${each}`))
    }
    await two.ask({ do: 'target', roleSequence: 1 })
    await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await one.until('complete', isMirrored)
  }, TEST_TIMEOUT_MS)
  afterEach(() => pair.end(), TEST_TIMEOUT_MS)

  async function equal(...names: string[]): Promise<void> {
    const { one, two } = pair
    await one.ask({ do: 'drain', timeoutMs: DRAIN_MS }).catch(() => undefined)
    await one.until('complete', isMirrored)
    await one.ask({ do: 'drain', timeoutMs: DRAIN_MS })
    for (const name of names) expect([name, fs.readFileSync(at(two, name)).equals(fs.readFileSync(at(one, name)))]).toEqual([name, true])
  }

  test(
    'a large file that gets a replicated name is there whole, each time',
    async () => {
      const { one } = pair
      for (const name of NAMES) {
        fs.writeFileSync(at(one, 'new.pid'), name)
        fs.truncateSync(at(one, 'new.pid'), LARGE_BYTES)
        fs.renameSync(at(one, 'new.pid'), at(one, name))
        await equal(name)
      }
    },
    TEST_TIMEOUT_MS
  )

  test(
    'a change under a hard link that capture never saw is there under the other one, each time',
    async () => {
      for (const each of NAMES) {
        const fd = fs.openSync(at(pair.one, `seen ${each}`), 'r+')
        fs.unlinkSync(at(pair.one, `seen ${each}`))
        fs.writeSync(fd, 'new')
        fs.closeSync(fd)
        await equal(`unseen ${each}`)
      }
    },
    TEST_TIMEOUT_MS
  )
})
