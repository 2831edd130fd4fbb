import { FOLDER, JOB, Lab, NODES } from './kit/lab'
import { describePair, tell } from './kit/needs'
import { dist, Measuring, NODE } from './kit/programs'

/** The whole million: `MIRRORPAIR_FILES=1000000 npm test -- e2e million`. */
const FILES = Number(process.env.MIRRORPAIR_FILES ?? 200_000)
const DISK = FILES > 200_000 ? '24G' : '4G'
const TEST_TIMEOUT_MS = 240_000 + 5 * FILES
const MIRROR_TIMEOUT_MS = 40_000 + 5 * FILES
/** However many files there are. */
const START_MS_MAX = 20_000
const DOWN_TIMEOUT_MS = 240_000
const HELD_UP_MS_MAX = 1_000
/** All that `ps` counts as resident, at its peak, code of Node that other processes share included. */
const RSS_KIB_MAX = 300 * 1024
/** The most that each mirrord of the node ever had in memory, KiB. */
const MIRRORD_RSS =
  'find /sys/fs/cgroup -name cgroup.procs -exec cat {} + | while read pid; do tr "\\0" " " < /proc/$pid/cmdline | grep -q "[m]irrord.cjs.*--job" && grep VmHWM /proc/$pid/status; done; true'

interface Latency {
  rounds: number
  longestMs: Record<string, number>
}

describePair(`a tree of ${FILES} files`, {}, () => {
  let lab: Lab

  beforeAll(async () => {
    lab = await Lab.up(['--size', DISK])
    await lab.said('RMHW131', [NODE, dist('manyFiles'), `${FOLDER}/top`, String(FILES)], { timeoutMs: TEST_TIMEOUT_MS })
  }, TEST_TIMEOUT_MS)

  afterAll(() => lab?.down(), DOWN_TIMEOUT_MS)

  const latency = () => new Measuring<Latency>(lab.start('RMHW131', [NODE, dist('latency'), `${FOLDER}/prober`, `${FOLDER}/top/d1/f1001`, `${FOLDER}/nowhere`]))
  const rss = async () => {
    const shown = await Promise.all(NODES.map((node) => lab.said(node, ['sh', '-c', MIRRORD_RSS])))
    return shown.flatMap((text) => [...text.matchAll(/(\d+) kB/g)].map((match) => Number(match[1])))
  }

  test(
    'is mirrored, and its top directory renamed, while an application works on; mirrord stays small',
    async () => {
      const begin = performance.now()
      await lab.done(['bringin', JOB])
      const startMs = performance.now() - begin
      const whileMirrored = latency()
      const mirrorMs = await lab.equal('RMHW131', MIRROR_TIMEOUT_MS)
      const mirrored = await whileMirrored.report()
      const whileRenamed = latency()
      await lab.said('RMHW131', ['mv', `${FOLDER}/top`, `${FOLDER}/renamed`])
      await lab.said('RMHW131', ['sh', '-c', `echo changed > ${FOLDER}/renamed/d1/f1001`])
      await lab.said('RMHW132', ['sh', '-c', `until grep -q changed ${FOLDER}/renamed/d1/f1001 2>/dev/null; do sleep 0.1; done`])
      const renamed = await whileRenamed.report()
      await lab.applied('RMHW131', MIRROR_TIMEOUT_MS)
      const sizes = await rss()
      tell(
        `${FILES} files: bringin ${Math.round(startMs)} ms, mirror ${Math.round(mirrorMs)} ms, longest ${JSON.stringify(mirrored.longestMs)}, with the rename ` +
          `${JSON.stringify(renamed.longestMs)}, memory ${sizes.map((kib) => Math.round(kib / 1024)).join(' and ')} MiB`
      )
      expect(startMs).toBeLessThan(START_MS_MAX)
      for (const { rounds, longestMs } of [mirrored, renamed]) {
        expect(rounds).toBeGreaterThan(0)
        expect(Object.entries(longestMs).filter(([, ms]) => ms > HELD_UP_MS_MAX)).toEqual([])
      }
      expect(sizes.length).toBeGreaterThanOrEqual(2)
      expect(Math.max(...sizes)).toBeLessThan(RSS_KIB_MAX)
      expect(await lab.said('RMHW132', ['sh', '-c', `cd ${FOLDER} && cat renamed/d1/f1001 && find renamed -type f | wc -l && [ ! -e top ]`])).toBe(
        `changed\n${FILES}`
      )
    },
    TEST_TIMEOUT_MS + MIRROR_TIMEOUT_MS
  )
})
