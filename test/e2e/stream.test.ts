import { describeOnline, EQUAL_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB } from './kit/lab'
import { tell } from './kit/needs'
import { lastingDifferences } from './kit/trees'

const TEST_TIMEOUT_MS = 220_000
const SEEN_TIMEOUT_MS = 15_000
const MIB = 1024 * 1024
const LIMIT_MIB = 4
const MEASURED_MS = 4_000
const TOLERANCE = 0.15
const LARGE_MIB = 96

describeOnline('the stream', {}, (lab) => {
  const write = (name: string, mib: number) => lab.said('RMHW131', ['dd', 'if=/dev/urandom', `of=${FOLDER}/${name}`, 'bs=1M', `count=${mib}`, 'status=none'])

  afterEach(async () => {
    await lab.cui(['transmit', JOB, 'resume'])
    await lab.cui(['bandwidth', JOB, 'off'])
    await lab.verb(['heal', 'all'])
  }, SEEN_TIMEOUT_MS)

  test(
    'is held back by transmit pause while the application writes on, and goes on with resume',
    async () => {
      await lab.done(['transmit', JOB, 'pause'])
      await lab.dataIs('RMHW131', 'suspended', SEEN_TIMEOUT_MS, ({ session, replication }) => session.state === 'SUSPENDED' && replication === 'Pause')
      const before = lab.data('RMHW131').sentBytes
      await write('while paused', 8)
      const paused = await lab.dataIs('RMHW131', 'the writes wait', SEEN_TIMEOUT_MS, ({ queuedBytes }) => queuedBytes > 8 * MIB)
      expect(paused.sentBytes - before).toBeLessThan(MIB)
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
      await write('limited', LIMIT_MIB * 8)
      const begin = await lab.dataIs('RMHW131', 'sending', SEEN_TIMEOUT_MS, ({ queuedBytes }) => queuedBytes > LIMIT_MIB * 5 * MIB)
      const beganAt = performance.now()
      await new Promise((resolve) => setTimeout(resolve, MEASURED_MS))
      const end = await lab.dataIs('RMHW131', 'still sending', SEEN_TIMEOUT_MS, ({ queuedBytes }) => queuedBytes > 0)
      const speed = (end.sentBytes - begin.sentBytes) / ((performance.now() - beganAt) / 1_000)
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
      await lab.done(['bandwidth', JOB, '24MiB'])
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
