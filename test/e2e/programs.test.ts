import { describeOnline, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, NODES } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows } from './kit/postgres'
import { statusOf } from './kit/observer'

const TEST_TIMEOUT_MS = 110_000
const UNTOUCHED_MS_MAX = 1_000
const PORT = 5432
/** The node's mirrord: every program of the node is in its cgroup, which it sees as the root. */
const MIRRORD_PIDS =
  'find /sys/fs/cgroup -name cgroup.procs -exec cat {} + | while read pid; do tr "\\0" " " < /proc/$pid/cmdline | grep -q "[m]irrord.*--job" && echo $pid; done; true'

describeOnline('programs of ours die', { postgres: true }, (lab) => {
  const postmaster = () => lab.said('RMHW131', ['sh', '-c', `head -n 1 ${FOLDER}/postmaster.pid`])

  test(
    'the engine is killed and started again under load: same database process, no query fails, the address stays',
    async () => {
      const before = await postmaster()
      const ledger = lab.ledger('--postgres', PORT)
      const address = lab.prober(PORT, 50)
      await growLedger(lab, 50)
      await lab.verb(['kill', 'RMHW131', '--engine'])
      await growLedger(lab, 50)
      await lab.verb(['start', 'RMHW131'])
      await lab.watch().waitFor('the new engine answers', ONLINE_TIMEOUT_MS, (seen) => statusOf(seen.RMHW131)?.peerAlive === 'up')
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)

      const [promised, reached] = [await ledger.report(), await address.report()]
      tell(`engine killed and started again: longest wait of a query ${promised.outageMs} ms, of a connect ${reached.outageMs} ms`)
      expect(await postmaster()).toBe(before)
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
      expect(reached).toMatchObject({ refused: 0 })
      expect(statusOf(lab.watch().seen.RMHW131)?.self.jobs[JOB]?.record.roleSequence).toBe(1)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'mirrord is killed under load: the job is back, on one node or the other, with every committed row',
    async () => {
      await lab.equal('RMHW131', ONLINE_TIMEOUT_MS)
      const ledger = lab.ledger('--postgres', PORT)
      await growLedger(lab, 50)
      const pids = (await lab.said('RMHW131', ['sh', '-c', MIRRORD_PIDS])).split('\n').filter(Boolean)
      expect(pids).toHaveLength(1)
      await lab.said('RMHW131', ['kill', '-9', ...pids])
      await growLedger(lab, 50)
      const promised = await ledger.report()
      const owner = NODES.find((node) => statusOf(lab.watch().seen[node])?.self.jobs[JOB]?.phase === 'online')
      tell(`mirrord killed: the job is back on ${owner}, outage at the client ${promised.outageMs} ms`)
      expect(await ledgerRows(lab, 'client', promised.committed, '192.168.150.130')).toBe(promised.committed)
    },
    TEST_TIMEOUT_MS
  )
})
