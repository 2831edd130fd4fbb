import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { growKv, kvEntries } from './kit/kv'
import { JOB, jobOf, type Lab } from './kit/lab'
import { tell } from './kit/needs'
import type { Seen } from './kit/observer'

const TEST_TIMEOUT_MS = 600_000
const PORT = 7400
/** The client measures between two commits, the pair from the last sign of life to the answer of the application: on a slow machine both take longer. */
const MEASURES_DIFFER_MS = 2_500
const MEASURES_DIFFER_SHARE = 0.3
/** A commit may wait for a busy machine, and never for an agent: below what a lost lease or a partner that is missed would cost. */
const NO_OUTAGE_MS = 10_000
const RETURN_TIMEOUT_MS = 80_000
/** An agent that is restarted on a busy machine is back before it is over. */
const LEASE_MS = 60_000
const PARTNER_TIMEOUT_MS = 80_000

interface Change {
  roleSequence: number
  how: string
  outcome: string | null
  outageMs: number | null
  account: string | null
  reason: string | null
  returned: { compared: string | null; differences: number | null; files?: number } | null
}

const changes = async (lab: Lab): Promise<Change[]> => JSON.parse((await lab.cui(['history', JOB, '--json'])).stdout).changes

const leaseLeftMs = (seen: Seen): number => jobOf(seen, 'RMHW131')?.quorum?.leaseLeftMs ?? 0

async function untilReturned(lab: Lab, roleSequence: number): Promise<Change> {
  const deadline = performance.now() + RETURN_TIMEOUT_MS
  for (;;) {
    const change = (await changes(lab)).find((each) => each.roleSequence === roleSequence)
    if (change?.returned) return change
    if (performance.now() > deadline) throw new Error(`the return was not measured: ${JSON.stringify(change)}`)
  }
}

describeOnline('the record of a takeover', { options: ['--application', 'kv'] }, (lab) => {
  test(
    'why and ready say that it would happen; history tells the outage as the client saw it, and the loss when the old owner is back',
    async () => {
      await lab.settled(0, EQUAL_TIMEOUT_MS)
      expect((await lab.cui(['ready', JOB])).code).toBe(0)
      expect(await lab.done(['why', JOB])).toMatch(/RMHW132/)
      const ledger = lab.ledger('--kv', PORT)
      await growKv(lab, 50)
      await lab.verb(['powercut', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await growKv(lab, 20)
      const { committed, outageMs } = await ledger.report()
      const missing = committed - ((await kvEntries(lab, committed)) ?? 0)
      const failover = (await changes(lab)).find(({ roleSequence }) => roleSequence === 2)
      expect(failover).toMatchObject({ how: 'failover', outcome: 'online', account: null, returned: null })
      expect(Math.abs((failover?.outageMs ?? 0) - outageMs)).toBeLessThan(MEASURES_DIFFER_MS + MEASURES_DIFFER_SHARE * outageMs)
      expect((await lab.cui(['ready', JOB])).code).not.toBe(0)
      await lab.verb(['start', 'RMHW131'])
      await lab.settled(Date.now(), EQUAL_TIMEOUT_MS)
      const { returned } = await untilReturned(lab, 2)
      tell(
        `a takeover: outage ${failover?.outageMs} ms by its record, ${outageMs} ms at the client; ${missing} commits lost (safety OFF), ${returned?.differences} places differed on return`
      )
      expect(returned?.compared).toBe('difference')
      if (missing > 0) expect(returned?.differences).toBeGreaterThan(0)
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('a takeover that only an administrator makes', { options: ['--application', 'kv', '--mode', 'high-performance'] }, (lab) => {
  test(
    'forcetake: the dry run changes nothing and names the loss, then it serves, and history keeps who did it and why',
    async () => {
      expect(await lab.cui(['forcetake', JOB, '--node', 'RMHW132', '--confirm', JOB])).toMatchObject({ code: 5 })
      await lab.verb(['kill', 'RMHW131'])
      await lab.watch().waitFor('RMHW132 has lost the other one', ONLINE_TIMEOUT_MS, (seen) => /is lost/.test(jobOf(seen, 'RMHW132')?.note ?? ''))
      const before = (await lab.now('RMHW132')).record
      const dry = await lab.cui(['forcetake', JOB, '--node', 'RMHW132', '--dry-run'])
      expect(dry.code).toBe(0)
      expect(dry.stdout).toMatch(/may be missing/)
      expect((await lab.now('RMHW132')).record).toEqual(before)
      await lab.done(['forcetake', JOB, '--node', 'RMHW132', '--confirm', JOB, '--reason', 'RMHW131 burns'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect((await changes(lab)).at(-1)).toMatchObject({ how: 'forcetake', outcome: 'online', account: 'administrator', reason: 'RMHW131 burns' })
      expect((await changes(lab)).at(-1)?.outageMs).toBeGreaterThan(0)
    },
    TEST_TIMEOUT_MS
  )
})

const QUORUM = ['--mode', 'high-availability', '--quorum', `lease=${LEASE_MS / 1_000}s`, '--data', `partnerTimeout=${PARTNER_TIMEOUT_MS / 1_000}s`]

describeOnline('all three agents are restarted, one after the other', { options: ['--application', 'kv', ...QUORUM] }, (lab) => {
  test(
    'under load: no commit waits for it, nothing moves, and nothing is lost',
    async () => {
      await lab.settled(0, EQUAL_TIMEOUT_MS)
      const application = await lab.listens('RMHW131', PORT)
      expect(application).not.toBe('')
      const ledger = lab.ledger('--kv', PORT, { patienceMs: NO_OUTAGE_MS })
      await growKv(lab, 50)
      for (const host of ['witness', 'RMHW132', 'RMHW131']) {
        // Back before the lease is over, as a restart of the unit is.
        await lab.verb(['kill', host, '--engine'])
        await growKv(lab, 20)
        await lab.verb(['start', host])
        const sinceMs = Date.now()
        expect(await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
        await lab.hearsWitness(sinceMs, ONLINE_TIMEOUT_MS)
        await growKv(lab, 20)
      }
      await lab.watch().waitFor('the owner has its lease again', ONLINE_TIMEOUT_MS, (seen) => leaseLeftMs(seen) > LEASE_MS / 2)
      expect(await lab.listens('RMHW131', PORT)).toBe(application)
      const { committed, outageMs, connections } = await ledger.report()
      tell(
        `witness, mirror and owner are restarted under load: the longest wait of a commit is ${outageMs} ms, ${committed} commits over ${connections} connection`
      )
      expect(await kvEntries(lab, committed)).toBe(committed)
      expect(connections).toBe(1)
      expect(outageMs).toBeLessThan(NO_OUTAGE_MS)
      expect((await lab.now('RMHW131')).record.roleSequence).toBe(1)
      expect(await changes(lab)).toEqual([])
    },
    TEST_TIMEOUT_MS
  )
})
