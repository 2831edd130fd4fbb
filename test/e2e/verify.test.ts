import { describeOnline, EQUAL_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, FOLDER_ON_DISK, JOB } from './kit/lab'
import { dist, NODE } from './kit/programs'
import { lastingDifferences } from './kit/trees'

const TEST_TIMEOUT_MS = 400_000
const WRITING_TIMEOUT_MS = 20_000
const WRITER_PAUSE_MS = 2
const TREE = `cd "$1" && mkdir -p tree/deep work1 work2 && head -c 3000000 /dev/urandom > tree/flipped && for n in missing touched kept; do head -c 70000 /dev/urandom > tree/$n; done
  ln tree/kept tree/deep/linked; setfattr -n user.colour -v blue tree/deep/linked; truncate -s 40M tree/sparse; sync`
/** What nobody but an administrator with root's hands below the read-only mount could do. */
const DAMAGE = `cd "$1"/tree && printf '\\377\\000\\252' | dd of=flipped bs=1 seek=1234567 conv=notrunc status=none && rm missing && echo surplus > extra && touch -d '2001-01-01' touched`

interface Report {
  total: number
  differences: { path: string; kind: string }[]
}

describeOnline('verify', {}, (lab) => {
  const sh = (node: 'RMHW131' | 'RMHW132', script: string, folder = FOLDER) => lab.said(node, ['sh', '-c', script, 'sh', folder])
  const verify = async () => JSON.parse(await lab.done(['verify', JOB, 'start', '--mode', 'full', '--json'])) as { verify: { differences: number } }
  /** An application that has begun to write, and writes until it is told to end. */
  const writer = async (seed: number) => {
    const folder = `${FOLDER}/work${seed}`
    const child = lab.start('RMHW131', [NODE, dist('randomFiles'), folder, String(seed), '-', String(WRITER_PAUSE_MS)])
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    await lab.said('RMHW131', ['sh', '-c', 'until [ -n "$(ls -A "$1")" ]; do sleep 0.1; done', 'sh', folder], { timeoutMs: WRITING_TIMEOUT_MS })
    return {
      running: () => child.exitCode === null,
      end: () => {
        child.stdin.end()
        return ended
      }
    }
  }

  test(
    'of two equal trees finds nothing, while an application writes',
    async () => {
      await sh('RMHW131', TREE)
      const work = await writer(1)
      const first = await verify()
      expect({ differences: first.verify.differences, writing: work.running() }).toEqual({ differences: 0, writing: true })
      expect(await work.end()).toBe(0)
    },
    TEST_TIMEOUT_MS
  )

  test(
    "the standby's folder refuses everybody else",
    async () => {
      const refused = await lab.exec('RMHW132', ['sh', '-c', `echo x > ${FOLDER}/local; rm ${FOLDER}/tree/kept; chmod 600 ${FOLDER}/tree/kept`])
      expect(refused.stderr.match(/Read-only file system/g)).toHaveLength(3)
      expect(refused.code).not.toBe(0)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'finds, lists and repairs a flipped byte, a missing, an extra and a touched file',
    async () => {
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      await sh('RMHW132', DAMAGE, FOLDER_ON_DISK)
      const work = await writer(2)
      const found = await verify()
      expect(await work.end()).toBe(0)
      const { total, differences } = JSON.parse(await lab.done(['verify', JOB, 'report', '--json'])) as Report
      const listed = differences.map(({ path, kind }) => `${path.split('/').slice(-2).join('/')}: ${kind}`)
      expect(listed).toEqual(expect.arrayContaining(['tree/flipped: content', 'tree/missing: missing', 'tree/extra: extra', 'tree/touched: attributes']))
      // Beside them only the times of the directory in which that was done.
      expect(listed.filter((line) => !/^tree\/(flipped|missing|extra|touched)|^DB_Group\/tree: attributes$/.test(line))).toEqual([])
      expect(found.verify.differences).toBe(total)
      const shown = (await lab.cui(['verify', JOB, 'report'])).stdout
      for (const name of ['flipped', 'missing', 'extra', 'touched']) expect(shown).toContain(`tree/${name}`)

      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
      expect((await verify()).verify.differences).toBe(0)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'of what may differ costs next to nothing when nothing does',
    async () => {
      const before = await lab.dataIs('RMHW131', 'its data', EQUAL_TIMEOUT_MS, () => true)
      await lab.done(['verify', JOB, 'start', '--mode', 'difference'])
      const after = await lab.dataIs('RMHW131', 'the comparison has ended', EQUAL_TIMEOUT_MS, ({ verify: { state } }) => state !== 'Verifying')
      expect(after.sentBytes - before.sentBytes).toBeLessThan(4_000_000)
    },
    TEST_TIMEOUT_MS
  )
})
