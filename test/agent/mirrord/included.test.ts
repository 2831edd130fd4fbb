import fs from 'node:fs'
import path from 'node:path'
import { withFuse } from '../capture/fuse'
import { isMirrored, makePair, type TestMirrord, type TestPair } from './pair'

const TEST_TIMEOUT_MS = 90_000
const DRAIN_MS = 30_000
/** Nothing but `base`, and of its logs one. */
const PATTERNS = ['*', '!base', '**/*.log', '!**/audit.log']

const at = (side: TestMirrord, ...names: string[]): string => path.join(side.folder, ...names)

function write(side: TestMirrord, ...files: string[]): void {
  for (const file of files) {
    fs.mkdirSync(path.dirname(at(side, file)), { recursive: true })
    fs.writeFileSync(at(side, file), `${side.node} ${file}`)
  }
}

/** Every file, and what is in it. */
function filesOf(side: TestMirrord): Record<string, string> {
  const entries = fs.readdirSync(side.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const names = entries.map((entry) => path.relative(side.folder, path.join(entry.parentPath, entry.name))).sort()
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(at(side, name), 'utf8')]))
}

withFuse('what is included out of what is left out', () => {
  let pair: TestPair
  afterEach(() => pair.end(), TEST_TIMEOUT_MS)

  test.each(['fuse', 'watch'] as const)(
    '%s: by the first copy, by what is written, over the border by a rename; a comparison finds both equal, and what the target has of its own stays',
    async (capture) => {
      pair = makePair({ capture })
      const { one, two } = pair
      for (const side of [one, two]) {
        side.config.folders[0]!.exclude = PATTERNS
        await side.start({ kept: true })
      }
      write(one, 'base/1/a', 'base/old', 'base/x.log', 'base/1/audit.log', 'other/b', 'top')
      write(two, 'other/own', 'top', 'base/x.log', 'base/surplus')
      await two.ask({ do: 'target', roleSequence: 1 })
      await one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
      await one.until('complete', isMirrored)
      write(one, 'base/1/live', 'other/live', 'base/live.log')
      fs.renameSync(at(one, 'other/b'), at(one, 'base/moved in'))
      fs.renameSync(at(one, 'base/old'), at(one, 'other/moved out'))
      fs.renameSync(at(one, 'base/x.log'), at(one, 'base/no log'))
      await one.ask({ do: 'drain', timeoutMs: DRAIN_MS })
      const replicated = {
        'base/1/a': 'RMHW131 base/1/a',
        'base/1/audit.log': 'RMHW131 base/1/audit.log',
        'base/1/live': 'RMHW131 base/1/live',
        'base/moved in': 'RMHW131 other/b',
        'base/no log': 'RMHW131 base/x.log'
      }
      const own = { 'base/x.log': 'RMHW132 base/x.log', 'other/own': 'RMHW132 other/own', top: 'RMHW132 top' }
      expect(filesOf(two)).toEqual({ ...replicated, ...own })
      await one.ask({ do: 'verify', action: 'start', mode: 'full' })
      const { verify } = await one.until('compared', ({ verify }) => verify.state === 'Idle' && verify.differences !== null)
      expect(verify.differences).toBe(0)
      expect(filesOf(two)).toEqual({ ...replicated, ...own })
    },
    TEST_TIMEOUT_MS
  )
})
