import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, VIP } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows, Pgbench, sql } from './kit/postgres'
import { isSince, statusOf } from './kit/observer'
import { lastingDifferences } from './kit/trees'

const TEST_TIMEOUT_MS = 900_000
const PORT = 5432
/** The node's mirrord, not its keeper: every program of the node is in its cgroup, which it sees as the root. */
const MIRRORD_PIDS =
  'find /sys/fs/cgroup -name cgroup.procs -exec cat {} + | while read pid; do tr "\\0" " " < /proc/$pid/cmdline | grep -q "[m]irrord.cjs --job" && echo $pid; done; true'
interface Upgraded {
  state: string
  program: { pid: number; pausedMs: number; insteadWhy: string | null }
}
const KILLS = 10
/** A client that hangs up where an answer takes long would only measure how long psql takes to start. */
const PATIENCE_MS = 30_000
/** Nothing waits for an engine: with a busy machine beside it, far below the time that it is away. */
const UNTOUCHED_MS_MAX = 5_000

describeOnline('programs of ours die', { postgres: true }, (lab) => {
  const postmaster = () => lab.said('RMHW131', ['sh', '-c', `head -n 1 ${FOLDER}/postmaster.pid`])

  test(
    'the engine is killed and started again under load: same database process, no query fails, the address stays',
    async () => {
      const before = await postmaster()
      const ledger = lab.ledger('--postgres', PORT, { patienceMs: PATIENCE_MS })
      const address = lab.prober(PORT, 50)
      await growLedger(lab, 50)
      await lab.verb(['kill', 'RMHW131', '--engine'])
      await growLedger(lab, 50)
      await lab.verb(['start', 'RMHW131'])
      const sinceMs = Date.now()
      await lab
        .watch()
        .waitFor('the new engine answers', ONLINE_TIMEOUT_MS, ({ RMHW131: said }) => isSince(said, sinceMs) && statusOf(said)?.peerAlive === 'up')
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)

      const [promised, reached] = [await ledger.report(), await address.report()]
      tell(`engine killed and started again: longest wait of a query ${promised.outageMs} ms, of a connect ${reached.outageMs} ms`)
      expect(await postmaster()).toBe(before)
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
      expect(reached).toMatchObject({ refused: 0 })
      expect((await lab.now('RMHW131')).record.roleSequence).toBe(1)
    },
    TEST_TIMEOUT_MS
  )

  /** By the command: the standby first, then the owner. */
  async function handOver(): Promise<void> {
    for (const node of ['RMHW132', 'RMHW131'] as const) {
      const pids = await lab.said(node, ['sh', '-c', MIRRORD_PIDS])
      const { state, program } = JSON.parse(await lab.done(['upgrade', JOB, node, '--yes', '--json'])) as Upgraded
      expect(state).toBe('done')
      expect(program).toMatchObject({ pid: expect.any(Number), pausedMs: expect.any(Number), insteadWhy: null })
      expect(await lab.said(node, ['sh', '-c', MIRRORD_PIDS])).not.toBe(pids)
      tell(`mirrord of ${node} handed over: ${program.pausedMs} ms`)
      await growLedger(lab, 10)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
    }
  }

  test(
    `mirrord hands over to the installed program on both nodes, then is killed ${KILLS} times, under pgbench: nobody notices but the clock, and both sides become equal`,
    async () => {
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      const before = await postmaster()
      await Pgbench.prepare(lab, 1)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      // Rows of the client before it would only commit again, and nothing would grow.
      await sql(lab, 'client', 'drop table if exists ledger')
      const ledger = lab.ledger('--postgres', PORT, { patienceMs: PATIENCE_MS })
      const bench = new Pgbench(lab, 2)
      await growLedger(lab, 20)
      await handOver()
      const killed: string[] = []
      for (let time = 1; time <= KILLS; time++) {
        const pids = (await lab.said('RMHW131', ['sh', '-c', MIRRORD_PIDS])).split('\n').filter(Boolean)
        expect(pids).toHaveLength(1)
        killed.push(...pids)
        await lab.said('RMHW131', ['kill', '-9', ...pids])
        await growLedger(lab, 10)
      }
      const [promised, history] = [await ledger.report(), await bench.stop()]
      tell(`mirrord killed ${KILLS} times: longest wait of a query ${promised.outageMs} ms, ${promised.committed} rows, ${history.committed} transactions`)
      expect(new Set(killed).size).toBe(KILLS)
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(await postmaster()).toBe(before)
      expect((await lab.now('RMHW131')).record.roleSequence).toBe(1)
      expect(await ledgerRows(lab, 'client', promised.committed, VIP)).toBe(promised.committed)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.done(['bringout', JOB])
      expect(await lastingDifferences(lab, FOLDER, /postmaster\.pid/)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
