import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, type Lab, NODES } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows, Pgbench, sql } from './kit/postgres'

const TEST_TIMEOUT_MS = 400_000
const SEEN_TIMEOUT_MS = 60_000
const PORT = 5432
const HELD_UP_MS_MAX = 3_000

const settles = async (lab: Lab, safety: 'full' | 'off') => {
  const state = safety === 'full' ? 'SYNCHRONIZED' : 'SYNCHRONIZING'
  for (const node of NODES)
    await lab.dataIs(node, `safety ${safety}, ${state}`, SEEN_TIMEOUT_MS, ({ session }) => session.safety === safety && session.state === state)
}

describeOnline('safety of a database', { postgres: true }, (lab) => {
  test(
    'is switched to full and back and forth under pgbench: no query fails, none waits long, and both nodes say the same',
    async () => {
      await Pgbench.prepare(lab, 1)
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      const ledger = lab.ledger('--postgres', PORT, { patienceMs: HELD_UP_MS_MAX })
      const bench = new Pgbench(lab, 2)
      await growLedger(lab, 20)
      await bench.counts()
      const { session } = await lab.dataIs('RMHW131', 'its data', SEEN_TIMEOUT_MS, () => true)
      for (const safety of ['full', 'off', 'full'] as const) {
        await lab.done(['safety', JOB, safety])
        await settles(lab, safety)
        await growLedger(lab, 30)
      }
      await lab.dataIs('RMHW132', 'the third change', SEEN_TIMEOUT_MS, ({ session: { safetySequence } }) => safetySequence === session.safetySequence + 3)
      const [promised, history] = [await ledger.report(), await bench.stop()]
      tell(`safety switched under pgbench: longest wait ${promised.outageMs} ms, ${history.committed} transactions`)
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(promised.outageMs).toBeLessThan(HELD_UP_MS_MAX)
      expect(history.committed).toBeGreaterThan(0)

      // What was promised in the end was promised by both.
      await sql(lab, 'client', 'truncate ledger')
      const last = lab.ledger('--postgres', PORT)
      await growLedger(lab, 30)
      await lab.verb(['powercut', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      const kept = await last.report()
      expect(await ledgerRows(lab, 'RMHW132', kept.committed)).toBe(kept.committed)
    },
    TEST_TIMEOUT_MS
  )
})
