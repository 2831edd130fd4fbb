import { describeOnline, EQUAL_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB } from './kit/lab'
import { tell } from './kit/needs'
import { dist, NODE } from './kit/programs'
import { differences, nameCount } from './kit/trees'

const TEST_TIMEOUT_MS = 400_000
const SECONDS = Number(process.env.MIRRORPAIR_OPERATIONS_SECONDS ?? 25)
const SEED = Number(process.env.MIRRORPAIR_SEED ?? 20261122)
const PAUSE_MS = 1
const NAMES_MIN = 50

describeOnline('random file operations', {}, (lab) => {
  test(
    `after ${SECONDS} s of them both trees are equal: names, contents, modes, owners, times, links`,
    async () => {
      const done = await lab.said('RMHW131', [NODE, dist('randomFiles'), FOLDER, String(SEED), String(SECONDS), String(PAUSE_MS)], {
        timeoutMs: SECONDS * 1_000 + 120_000
      })
      tell(`random file operations (seed ${SEED}, ${SECONDS} s): ${done}`)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      expect(await nameCount(lab, 'RMHW131', FOLDER)).toBeGreaterThan(NAMES_MIN)
      await lab.done(['bringout', JOB])
      expect(await differences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
