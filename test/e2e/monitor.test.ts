import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, type Node, NODES } from './kit/lab'
import { statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 600_000
const SEEN_TIMEOUT_MS = 80_000
/** A file system of its own on each node, so that filling it harms nothing. */
const PLACE = '/run/monitored'
const FILL = 'dd if=/dev/zero of=/run/monitored/big bs=1M count=7 2>/dev/null'

/** Guide, chapter 8: conditions are met three times in a row, and DB_GROUP fails over; the console says OK, then Error. */
describeOnline('a disk fills', { options: ['--application', 'kv'] }, (lab) => {
  const monitorSays = (node: Node, state: 'OK' | 'Error') =>
    lab.watch().waitFor(`the monitor of ${node} is ${state}`, SEEN_TIMEOUT_MS, (seen) => statusOf(seen[node])?.self.monitor?.state === state)
  const property = async (): Promise<string | undefined> => /^System resource monitor +(.*)$/m.exec((await lab.cui(['jobstate', JOB])).stdout)?.[1]
  const happened = async (node: string): Promise<string[]> =>
    (JSON.parse(await lab.done(['monitor', 'history', node, '--json'])) as { entries: { what: string }[] }).entries.map(({ what }) => what)

  beforeAll(async () => {
    for (const node of NODES) {
      await lab.said(node, ['sh', '-c', `mkdir -p ${PLACE} && mount -t tmpfs -o size=8m monitored ${PLACE}`])
      await lab.done([
        'monitor',
        'modify',
        node,
        '--interval',
        '1s',
        '--alarm-command',
        `echo "$MIRRORPAIR_EVENT $MIRRORPAIR_CAUSE" >> ${PLACE}/alarm`,
        '--yes'
      ])
      const event = ['disk-full', '--condition', `disk ${PLACE} >= 80% NA`, '--response', 'equal 1 alarm', '--response', `equal 3 switch ${JOB}`]
      await lab.done(['monitor', 'add', node, ...event, '--export', '--export-interval', '1s', '--yes'])
    }
  }, TEST_TIMEOUT_MS)

  test(
    'of the standby: an alarm, and nothing moves; of both: the job stays, and why is said; of the active node alone: the job goes there',
    async () => {
      for (const node of NODES) await monitorSays(node, 'OK')
      expect(await property()).toBe('OK')

      await lab.said('RMHW132', ['sh', '-c', FILL])
      await monitorSays('RMHW132', 'Error')
      expect(await lab.said('RMHW132', ['sh', '-c', `until [ -s ${PLACE}/alarm ]; do sleep 0.1; done; cat ${PLACE}/alarm`])).toMatch(
        /^disk-full Disk Rate \/run\/monitored \d+(\.\d)?% >= 80%, once$/
      )
      expect(await lab.now('RMHW131')).toMatchObject({ phase: 'online', record: { owner: 'RMHW131' } })

      await lab.said('RMHW131', ['sh', '-c', FILL])
      await lab.says('RMHW131', /the system resource monitor of RMHW132 is in error too \(disk-full\)/, SEEN_TIMEOUT_MS)
      expect(await lab.now('RMHW131')).toMatchObject({ phase: 'online', record: { owner: 'RMHW131' } })
      expect(await property()).toBe('Error (disk-full)')
      expect((await lab.cui(['ready', JOB, 'monitor'])).code).toBe(5)

      await lab.said('RMHW132', ['rm', `${PLACE}/big`])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      expect((await lab.now('RMHW132')).record).toMatchObject({ owner: 'RMHW132', roleSequence: 2, takeReason: 'failover', errorFlag: null })
      expect(await happened('RMHW131')).toEqual(['error', 'alarm', 'kept', 'switch'])
      expect(await lab.done(['history', JOB, '2'])).toContain('system resource monitor: disk-full: Disk Rate')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'what has come by itself stays, however full the disk is there; when it is empty again the monitor is OK',
    async () => {
      await lab.said('RMHW131', ['rm', `${PLACE}/big`])
      await monitorSays('RMHW131', 'OK')
      await lab.said('RMHW132', ['sh', '-c', FILL])
      await lab.says('RMHW132', /has come to RMHW132 by itself/, SEEN_TIMEOUT_MS)
      expect(await lab.now('RMHW132')).toMatchObject({ phase: 'online', record: { owner: 'RMHW132' } })
      await lab.said('RMHW132', ['rm', `${PLACE}/big`])
      await monitorSays('RMHW132', 'OK')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'what was exported while it lasted is there, one line a look under a heading',
    async () => {
      const file = await lab.said('RMHW131', ['sh', '-c', 'cat /var/lib/mirrorpair/usage/disk-full.csv'])
      const [heading = '', ...lines] = file.split('\n')
      expect(heading.split(',')).toEqual(expect.arrayContaining(['time', 'cpu', 'memory']))
      expect(lines.length).toBeGreaterThan(2)
      expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([heading.split(',').length]))
    },
    TEST_TIMEOUT_MS
  )
})
