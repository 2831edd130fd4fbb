import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, type Lab, type Node } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows, sql } from './kit/postgres'

const PORT = 5432
/** The agent is asked as soon as a process is gone; then it stops, starts and checks, each a shell script of many programs, and PostgreSQL recovers. */
const RESTART_MS_MAX = 90_000

const postmaster = async (lab: Lab, node: Node): Promise<string> => (await lab.said(node, ['head', '-n', '1', `${FOLDER}/postmaster.pid`])).trim()
const cgroupOf = (lab: Lab, node: Node, pid: string): Promise<string> => lab.said(node, ['cat', `/proc/${pid}/cgroup`])

describeOnline('PostgreSQL as ocf:heartbeat:pgsql runs it', { agents: true }, (lab) => {
  test(
    'its postmaster is killed: the agent is asked, starts it again on the same node, and every committed row is there',
    async () => {
      const ledger = lab.ledger('--postgres', PORT)
      await growLedger(lab, 50)
      const before = await postmaster(lab, 'RMHW131')
      expect(await cgroupOf(lab, 'RMHW131', before)).toContain(`RMHW131.${JOB}.POSTGRES`)
      await lab.said('RMHW131', ['kill', '-9', before])
      await growLedger(lab, 50)
      const promised = await ledger.report()
      tell(`postmaster of ocf:heartbeat:pgsql killed: outage at the client ${promised.outageMs} ms`)
      expect(promised.outageMs).toBeLessThan(RESTART_MS_MAX)
      expect(await postmaster(lab, 'RMHW131')).not.toBe(before)
      expect((await lab.now('RMHW131')).record).toMatchObject({ owner: 'RMHW131', roleSequence: 1 })
      expect(await ledgerRows(lab, 'RMHW131', promised.committed)).toBe(promised.committed)
      expect(await lab.done(['log', '--job', JOB])).toMatch(/Application POSTGRES of DB_Group failed: its check says: exit code 7/)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'switch: stopped in order here, nothing of it left behind, started there with every committed row; the standby leaves its stopped one alone',
    async () => {
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      await sql(lab, 'client', 'truncate ledger')
      const ledger = lab.ledger('--postgres', PORT)
      await growLedger(lab, 50)
      await lab.done(['switch', JOB])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)
      const promised = await ledger.report()
      tell(`switch of ocf:heartbeat:pgsql: outage at the client ${promised.outageMs} ms`)
      expect(await ledgerRows(lab, 'RMHW132', promised.committed)).toBe(promised.committed)
      expect(await lab.listens('RMHW131', PORT)).toBe('')
      expect((await lab.now('RMHW131')).applications.map(({ state }) => state)).toEqual(['offline'])
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the engine is killed and started: it adopts what the agent runs; then the node is killed, and the other one serves',
    async () => {
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      const running = await postmaster(lab, 'RMHW132')
      await lab.verb(['kill', 'RMHW132', '--engine'])
      await lab.verb(['start', 'RMHW132'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect(await postmaster(lab, 'RMHW132')).toBe(running)
      await sql(lab, 'client', 'truncate ledger')
      const ledger = lab.ledger('--postgres', PORT)
      await growLedger(lab, 50)
      await lab.verb(['kill', 'RMHW132'])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)
      const promised = await ledger.report()
      tell(`node of ocf:heartbeat:pgsql killed: outage at the client ${promised.outageMs} ms`)
      // Asynchronous: what was on its way when the node died may be missing.
      expect(promised.committed - (await ledgerRows(lab, 'RMHW131', promised.committed))).toBeLessThan(50)
    },
    TEST_TIMEOUT_MS
  )
})
