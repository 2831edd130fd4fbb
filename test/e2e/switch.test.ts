import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, VIP } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows, Pgbench, sql } from './kit/postgres'
import { differences } from './kit/trees'

const TEST_TIMEOUT_MS = 400_000
const PORT = 5432

describeOnline('a database moves', { postgres: true }, (lab) => {
  test(
    'switch under pgbench: the client goes on at the same address, and every committed row is on the other node',
    async () => {
      await Pgbench.prepare(lab, 2)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      const ledger = lab.ledger('--postgres', PORT)
      const bench = new Pgbench(lab, 2)
      await growLedger(lab, 50)
      await bench.counts()

      expect(await lab.done(['switch', JOB])).toMatch(/^Send switch Job command succeeded!\n/)
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)

      const [promised, history] = [await ledger.report(), await bench.stop()]
      tell(`switch under pgbench: outage at the client ${promised.outageMs} ms, ${promised.committed} rows and ${history.committed} transactions committed`)
      expect(promised.connections).toBeGreaterThan(1)
      expect(history.committed).toBeGreaterThan(0)
      expect(await ledgerRows(lab, 'RMHW132', promised.committed)).toBe(promised.committed)
      expect(Number(await sql(lab, 'RMHW132', 'select count(*) from pgbench_history', '127.0.0.1'))).toBeGreaterThanOrEqual(history.committed)
      const addresses = (await lab.status()).hosts
      expect({ old: addresses.RMHW131.addresses.includes(`${VIP}/16`), now: addresses.RMHW132.addresses.includes(`${VIP}/16`) }).toEqual({
        old: false,
        now: true
      })
    },
    TEST_TIMEOUT_MS
  )

  test(
    'and back again: nothing is lost, both folders are the same when the service rests',
    async () => {
      await lab.equal('RMHW132', EQUAL_TIMEOUT_MS)
      // What the client before has committed it would only commit again, and nothing would grow.
      await sql(lab, 'client', 'truncate ledger')
      const ledger = lab.ledger('--postgres', PORT)
      await growLedger(lab, 50)
      await lab.done(['switch', JOB])
      await lab.online('RMHW131', ONLINE_TIMEOUT_MS)
      await growLedger(lab, 50)
      const promised = await ledger.report()
      expect(await ledgerRows(lab, 'RMHW131', promised.committed)).toBe(promised.committed)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      await lab.done(['bringout', JOB])
      expect(await differences(lab, `/srv/${JOB}`, /postmaster\.pid/)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
