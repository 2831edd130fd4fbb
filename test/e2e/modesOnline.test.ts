import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { editConfig, type JobMode } from '../../src/model'
import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { JOB, jobOf, NODES } from './kit/lab'
import { tell } from './kit/needs'
import { growLedger, ledgerRows } from './kit/postgres'

const TEST_TIMEOUT_MS = 900_000
const PORT = 5432
const LEASE_MS = 8_000
/** With a busy machine beside it, below what one change would cost that waits for a lease; that the database was not stopped its process says. */
const UNTOUCHED_MS_MAX = 5_000
/** A client that hangs up and comes again would measure how long psql takes to start. */
const PATIENCE_MS = 30_000

/** With leases and without, with a witness and without, FULL and OFF: each into each. */
const WAY: JobMode[] = ['guide', 'high-availability', 'high-protection', 'high-performance', 'high-protection', 'guide', 'high-availability']

describeOnline(
  'the rules change while it is served',
  { postgres: true, options: ['--mode', 'high-availability', '--quorum', `lease=${LEASE_MS / 1_000}s,drift=200ms`] },
  (lab) => {
    const application = () => lab.listens('RMHW131', PORT)

    /** The times of the voters, in the file that both nodes have. */
    async function changeTimes(lease: string, drift: string): Promise<void> {
      const { text } = JSON.parse(await lab.done(['config', 'show', '--json'])) as { text: string }
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-times-'))
      const file = path.join(directory, 'mirrorpair.yaml')
      const edited = editConfig(text, (document) => {
        document.setIn(['quorum', 'lease'], lease)
        document.setIn(['quorum', 'drift'], drift)
      })
      fs.writeFileSync(file, edited)
      await lab.done(['config', 'apply', file, '--yes'])
      fs.rmSync(directory, { recursive: true })
    }

    test(
      'through every mode and with other times PostgreSQL is not touched and loses nothing, and in the end the mirror takes over when its node dies',
      async () => {
        const before = await application()
        const ledger = lab.ledger('--postgres', PORT, { patienceMs: PATIENCE_MS })
        await growLedger(lab, 100)
        for (const mode of WAY) {
          expect(await lab.done(['mode', JOB, mode, '--yes'])).toContain(`The mode of ${JOB} is ${mode}.`)
        }
        await changeTimes('9s', '300ms')
        await growLedger(lab, 20)
        await changeTimes(`${LEASE_MS / 1_000}s`, '200ms')
        await growLedger(lab, 20)
        expect(await application()).toBe(before)
        const calm = await ledger.report()
        tell(`${WAY.length} changes of the mode and 2 of the lease: longest outage at the client ${calm.outageMs} ms in ${calm.committed} commits`)
        expect(calm).toMatchObject({ connections: 1, lastErrors: [] })
        expect(calm.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)

        await lab.dataIs('RMHW131', 'SYNCHRONIZED', EQUAL_TIMEOUT_MS, ({ session }) => session.state === 'SYNCHRONIZED')
        await lab
          .watch()
          .waitFor('both call the mirror in sync', EQUAL_TIMEOUT_MS, (seen) => NODES.every((node) => jobOf(seen, node)?.record.mirrorInSync === true))
        await lab.verb(['kill', 'RMHW131'])
        await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
        expect(await ledgerRows(lab, 'RMHW132', calm.committed)).toBe(calm.committed)
      },
      TEST_TIMEOUT_MS
    )
  }
)
