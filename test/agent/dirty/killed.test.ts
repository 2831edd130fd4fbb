import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readDirtyMap } from '../../../agent/mirrord/dirty/dirtyMap'
import { withFuse } from '../capture/fuse'
import { randomSource } from '../../kit/randomFiles'
import { copyTree, DirtySource, DirtyWriter } from './dirtySource'
import { outsideSet } from './outsideSet'

const SEEDS = (process.env.DIRTY_SEEDS ?? '1,2,3').split(',').map(Number)
const ROUNDS = 4
const LIMITS = { rotateMs: 120 }

/** Never changed after the first release: it must not be named. */
function makeStill(folder: string): void {
  fs.mkdirSync(path.join(folder, 'still'))
  for (let each = 0; each < 20; each++) fs.writeFileSync(path.join(folder, 'still', `file${each}`), 'untouched')
}

withFuse('a source that is killed', () => {
  test.each(SEEDS)(
    'seed %i: what differs from the copy of the last release is named, and what stood still is not',
    async (seed) => {
      const base = fs.mkdtempSync(path.join(os.tmpdir(), 'dirty-kill-'))
      const folder = path.join(base, 'folder')
      const directory = path.join(base, 'dirty')
      const copy = path.join(base, 'copy')
      fs.mkdirSync(folder)
      makeStill(folder)
      await delay(200)
      const random = randomSource(seed)
      const source = await DirtySource.start({ folder, directory, lineage: 'one', keep: false, exclude: [], ...LIMITS })
      const writer = await DirtyWriter.start(folder, seed)
      try {
        let round = 0
        for (; round < ROUNDS; round++) {
          const steps = await writer.steps(150 + Math.floor(random() * 200))
          expect(steps).toBe('done')
          const lsn = await source.ask<number>({ ask: 'lsn' })
          copyTree(folder, copy)
          await source.ask({ ask: 'release', lsn })
        }
        await delay(random() * 600)
        await source.ask({ ask: 'die', afterMs: random() * 400 })
        const how = await writer.steps(100_000)
        expect(how).not.toBe('done')
      } finally {
        await writer.stop()
        await source.kill()
      }
      const set = await readDirtyMap({ directory, lineage: 'one', roots: [folder] })
      if (set === 'unknown') throw new Error('the map is unknown')
      const { outside, differences } = outsideSet(folder, copy, set[0]!)
      expect(outside).toEqual([])
      expect(differences).toBeGreaterThan(0)
      expect(set[0]!.subtrees).not.toContain('')
      expect([...set[0]!.names, ...set[0]!.files.keys(), ...set[0]!.subtrees].filter((each) => each.startsWith('still'))).toEqual([])
      fs.rmSync(base, { recursive: true, force: true })
    },
    60_000
  )
})
