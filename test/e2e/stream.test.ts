import type { MirrordStatus } from '../../src/wire'
import { describeOnline, EQUAL_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, jobOf } from './kit/lab'
import { tell } from './kit/needs'
import { statusOf } from './kit/observer'
import { lastingDifferences } from './kit/trees'

const TEST_TIMEOUT_MS = 400_000
const SEEN_TIMEOUT_MS = 60_000
const MIB = 1024 * 1024
const LIMIT_MIB = 4
const MEASURED_MS = 6_000
/** All of it waits when the limit begins to count: there is enough for a look that comes late. */
const QUEUED_MIB = LIMIT_MIB * 15
const TOLERANCE = 0.15
const LARGE_MIB = 96
/** The full mirror takes long enough for a cable to be pulled in the middle of it, on a slow machine too. */
const SLOW_MIB = 8

/** In the memory queue, and what did not fit into it. */
const waiting = ({ queuedBytes, pagefileBytes }: MirrordStatus): number => queuedBytes + (pagefileBytes ?? 0)

describeOnline('the stream', {}, (lab) => {
  const write = (name: string, mib: number) => lab.said('RMHW131', ['dd', 'if=/dev/urandom', `of=${FOLDER}/${name}`, 'bs=1M', `count=${mib}`, 'status=none'])

  /** By the node's own clock: an answer may take long to arrive. */
  async function sent(met: (bytes: number, atMs: number) => boolean): Promise<{ bytes: number; atMs: number; left: number }> {
    let found = { bytes: 0, atMs: 0, left: 0 }
    await lab.watch().waitFor('the source has sent more', SEEN_TIMEOUT_MS, (seen) => {
      const data = jobOf(seen, 'RMHW131')?.data
      found = { bytes: data?.sentBytes ?? 0, atMs: statusOf(seen.RMHW131)?.wallMs ?? 0, left: data ? waiting(data) : 0 }
      return met(found.bytes, found.atMs)
    })
    return found
  }

  afterEach(async () => {
    await lab.cui(['transmit', JOB, 'resume'])
    await lab.cui(['bandwidth', JOB, 'off'])
    await lab.verb(['heal', 'all'])
  }, TEST_TIMEOUT_MS)

  test(
    'is held back by transmit pause while the application writes on, and goes on with resume',
    async () => {
      await lab.done(['transmit', JOB, 'pause'])
      const suspended = await lab.dataIs(
        'RMHW131',
        'suspended',
        SEEN_TIMEOUT_MS,
        ({ session, replication }) => session.state === 'SUSPENDED' && replication === 'Pause'
      )
      await write('while paused', 8)
      const paused = await lab.dataIs('RMHW131', 'the writes wait', SEEN_TIMEOUT_MS, ({ queuedBytes }) => queuedBytes > 8 * MIB)
      expect(paused.sentBytes - suspended.sentBytes).toBeLessThan(MIB)
      await lab.dataIs('RMHW132', 'suspended, too', SEEN_TIMEOUT_MS, ({ session }) => session.state === 'SUSPENDED')
      await lab.done(['transmit', JOB, 'resume'])
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )

  test(
    `keeps to its speed limit within ${TOLERANCE * 100} %`,
    async () => {
      await lab.done(['bandwidth', JOB, `${LIMIT_MIB}MiB`])
      await lab.done(['transmit', JOB, 'pause'])
      await write('limited', QUEUED_MIB)
      const queued = await lab.dataIs('RMHW131', 'all of it waits', SEEN_TIMEOUT_MS, (data) => waiting(data) > QUEUED_MIB * MIB)
      const measured = async () => {
        const begin = await sent((bytes) => bytes > queued.sentBytes)
        return { begin, end: await sent((_, atMs) => atMs >= begin.atMs + MEASURED_MS) }
      }
      // From the first byte on, however long the command takes to say that it is done.
      const [{ begin, end }] = await Promise.all([measured(), lab.done(['transmit', JOB, 'resume'])])
      expect(end.left).toBeGreaterThan(0)
      const speed = (end.bytes - begin.bytes) / ((end.atMs - begin.atMs) / 1_000)
      tell(`limit ${LIMIT_MIB} MiB/s: ${(speed / MIB).toFixed(2)} MiB/s`)
      expect(Math.abs(speed / (LIMIT_MIB * MIB) - 1)).toBeLessThan(TOLERANCE)
      await lab.done(['bandwidth', JOB, 'off'])
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'goes over to the other link when its cable is pulled in the middle of a full mirror, and back to the better one',
    async () => {
      await write('large', LARGE_MIB)
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.done(['bandwidth', JOB, `${SLOW_MIB}MiB`])
      await lab.done(['mirror', JOB, 'start', '--no-wait'])
      await lab.dataIs(
        'RMHW131',
        'in the middle of it',
        SEEN_TIMEOUT_MS,
        ({ mirror, link }) => mirror.state === 'Mirror' && mirror.percent >= 10 && link === 'link-0'
      )
      await lab.verb(['cut', 'link-0'])
      await lab.dataIs('RMHW131', 'on the other link', SEEN_TIMEOUT_MS, ({ connected, link }) => connected && link === 'link-1')
      await lab.verb(['heal', 'link-0'])
      await lab.done(['bandwidth', JOB, 'off'])
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.dataIs('RMHW131', 'on the better link again', EQUAL_TIMEOUT_MS, ({ connected, link }) => connected && link === 'link-0')
      await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      expect(await lastingDifferences(lab, FOLDER)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
