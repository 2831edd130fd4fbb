import { describeOnline, EQUAL_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER } from './kit/lab'
import { tell } from './kit/needs'
import { lastingDifferences } from './kit/trees'

const TEST_TIMEOUT_MS = 400_000
const SEEN_TIMEOUT_MS = 60_000
const MIB = 1024 * 1024
const BALLAST_MIB = 64
const QUEUE_MIB = 2
const PAGEFILE_MIB = 8
const FIRST_MIB = 5
const MORE_MIB = 20
/** Frames, hashes of the marked extents, what was in the memory queue when the cable went. */
const BESIDES = 0.35

describeOnline('the target is away for long', { options: ['--data', `queue=${QUEUE_MIB}MiB,pagefile=${PAGEFILE_MIB}MiB`] }, (lab) => {
  const write = (name: string, mib: number, more: string[] = []) =>
    lab.said('RMHW131', ['dd', 'if=/dev/urandom', `of=${FOLDER}/${name}`, 'bs=256K', `count=${mib * 4}`, 'conv=notrunc', 'status=none', ...more])

  test(
    'the page file fills, then only the dirty map counts; back again, what changed travels and both sides are equal',
    async () => {
      await write('ballast', BALLAST_MIB)
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      const before = lab.data('RMHW131').sentBytes
      expect(before).toBeGreaterThan(BALLAST_MIB * MIB)

      for (const cable of ['link-0', 'link-1']) await lab.verb(['cut', cable])
      await lab.dataIs('RMHW131', 'not connected', SEEN_TIMEOUT_MS, ({ connected }) => !connected)
      await write('page', FIRST_MIB)
      await lab.dataIs('RMHW131', 'the page file is in use', SEEN_TIMEOUT_MS, ({ pagefileBytes }) => (pagefileBytes ?? 0) > 0)
      // In the middle of a file that is equal, and at the end of a new one.
      await write('ballast', MORE_MIB / 2, ['seek=40'])
      await write('more', MORE_MIB / 2)
      const full = await lab.dataIs('RMHW131', 'the page file did not suffice', SEEN_TIMEOUT_MS, ({ needToVerify }) => needToVerify === 'Yes')
      expect(full.pagefileBytes ?? 0).toBeLessThanOrEqual(PAGEFILE_MIB * MIB)
      expect(full.dirtyBytes).toBeGreaterThan(0)
      expect((await lab.cui(['jobstate', 'DB_Group'])).stdout).toMatch(/Need to Verify *:? *Yes/)

      await lab.verb(['heal', 'all'])
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      const sent = lab.data('RMHW131').sentBytes - before
      const changed = (FIRST_MIB + MORE_MIB) * MIB
      tell(`target away: ${changed / MIB} MiB changed, ${(sent / MIB).toFixed(1)} MiB sent afterwards`)
      expect(sent).toBeGreaterThan((FIRST_MIB + MORE_MIB / 2) * MIB)
      expect(sent).toBeLessThan(changed * (1 + BESIDES))
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
