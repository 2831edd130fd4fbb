import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { growKv, kvEntries } from './kit/kv'
import { JOB, jobOf, type Lab, type LedgerReport, type Node, otherNode } from './kit/lab'
import { tell } from './kit/needs'
import type { Seen } from './kit/observer'
import type { Measuring } from './kit/programs'

const TEST_TIMEOUT_MS = 600_000
const PORT = 7400
/** Nothing is waited for that has ended: a lease is longer, on a slow machine too, than what is done in order takes. */
const LEASE_SECONDS = 30
const HAND_OVER_MS_MAX = 20_000
/** With nobody there who could take what is queued; who waited for somebody would wait for a minute. */
const ALONE_MS_MAX = 30_000
/** Of the partner timeout, which is how long one that does not answer is waited for. */
const MIRROR_LEAVES_MS_MAX = 10_000
const WAIT_MS = 30_000

/** Entries of a client that begins, and that goes on. */
const MORE = 50
const FAST_MS = 5
/** Asynchronous: what was on its way when the power went may be missing, of 2 s at most. */
const SLOW_MS = 40
const LOSS_MAX = 50

let clients = 0
/** A client whose entries are its own: each adds one, from the first on. Those of another one it would only write again. */
function begins(lab: Lab, everyMs = FAST_MS): { name: string; ledger: Measuring<LedgerReport> } {
  clients += 1
  const name = `client${clients}`
  return { name, ledger: lab.ledger('--kv', PORT, { name, everyMs }) }
}

/** The active node goes away under load, and the other one serves; the outage as the client saw it. Nothing that was committed is missing. */
async function goesAway(lab: Lab, verb: 'shutdown' | 'powercut', active: Node, lossMax: number): Promise<{ outageMs: number; tookMs: number }> {
  const { name, ledger } = begins(lab, lossMax > 0 ? SLOW_MS : FAST_MS)
  await growKv(lab, MORE)
  const began = performance.now()
  await lab.verb([verb, active])
  const tookMs = Math.round(performance.now() - began)
  await lab.online(otherNode(active), ONLINE_TIMEOUT_MS)
  await growKv(lab, MORE)
  const { committed, outageMs } = await ledger.report()
  const missing = committed - ((await kvEntries(lab, committed, name)) ?? 0)
  expect(missing).toBeLessThanOrEqual(lossMax)
  return { outageMs, tookMs }
}

async function comesBack(lab: Lab, node: Node): Promise<void> {
  const sinceMs = Date.now()
  await lab.verb(['start', node])
  await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)
}

const KV = ['--application', 'kv']

describeOnline("shutdown in the guide's mode", { options: [...KV, '--boot', `waitForPeer=${WAIT_MS / 1000}s`] }, (lab) => {
  test(
    'the active node shuts down: the other one serves at once, and nothing is lost; a power cut takes longer',
    async () => {
      const clean = await goesAway(lab, 'shutdown', 'RMHW131', 0)
      expect((await lab.cui(['history', JOB])).stdout).toMatch(/RMHW131\s+RMHW132\s+failover\s+online/)
      await comesBack(lab, 'RMHW131')
      const cut = await goesAway(lab, 'powercut', 'RMHW132', LOSS_MAX)
      tell(`guide's mode: outage at the client ${clean.outageMs} ms when the active node shuts down, ${cut.outageMs} ms when it loses its power`)
      expect(clean.outageMs).toBeLessThan(HAND_OVER_MS_MAX)
      await comesBack(lab, 'RMHW132')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'both shut down, one after the other: the second serves until it leaves too, and serves again when both are back',
    async () => {
      await goesAway(lab, 'shutdown', 'RMHW131', 0)
      const began = performance.now()
      await lab.verb(['shutdown', 'RMHW132'])
      expect(performance.now() - began).toBeLessThan(ALONE_MS_MAX)
      await lab.verb(['start', 'RMHW131'])
      // It had heard of its successor before it was off, and stands by.
      await lab.says('RMHW131', /has not heard RMHW132 since it started/, ONLINE_TIMEOUT_MS)
      await lab.watch().waitFor('RMHW131 stands by', ONLINE_TIMEOUT_MS, (seen) => {
        const view = jobOf(seen, 'RMHW131')
        return view?.phase === 'standby' && view.record.owner === 'RMHW132'
      })
      const sinceMs = Date.now()
      await lab.verb(['start', 'RMHW132'])
      expect(await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)).toBe('RMHW132')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the one that owned last boots alone: it waits as long as it is told, and then serves',
    async () => {
      const { name, ledger } = begins(lab)
      await growKv(lab, 20)
      const { committed } = await ledger.report()
      await lab.verb(['kill', 'RMHW131'])
      await lab.verb(['shutdown', 'RMHW132'])
      await lab.verb(['start', 'RMHW132'])
      // What is left of it when its agent answers for the first time is the machine's matter.
      await lab.says('RMHW132', /waiting for RMHW131 .*; [12]?\d s yet$/, ONLINE_TIMEOUT_MS)
      const tookMs = await lab.online('RMHW132', WAIT_MS + ONLINE_TIMEOUT_MS)
      tell(`one node boots alone (waitForPeer ${WAIT_MS / 1000} s): it serves ${Math.round(tookMs / 1000)} s later`)
      expect(await kvEntries(lab, committed, name)).toBe(committed)
      await comesBack(lab, 'RMHW131')
    },
    TEST_TIMEOUT_MS
  )
})

const QUORUM = ['--mode', 'high-availability', '--quorum', `lease=${LEASE_SECONDS}s`, '--data', `partnerTimeout=${LEASE_SECONDS + 10}s`]

describeOnline('shutdown with a quorum', { options: [...KV, ...QUORUM] }, (lab) => {
  test(
    'the active node shuts down: the lease is given up, so the mirror need not wait for its end; a power cut takes longer',
    async () => {
      await lab.settled(0, EQUAL_TIMEOUT_MS)
      // One that has just started has no vote for the time of a lease: it cannot know what it let be served before.
      const leases = (seen: Seen) => jobOf(seen, 'RMHW132')?.quorum?.witnessHolds?.leasedTo === 'RMHW131'
      await lab.watch().waitFor('the witness lets RMHW131 serve', EQUAL_TIMEOUT_MS, leases)
      const clean = await goesAway(lab, 'shutdown', 'RMHW131', 0)
      await comesBack(lab, 'RMHW131')
      const cut = await goesAway(lab, 'powercut', 'RMHW132', 0)
      tell(
        `high availability, lease ${LEASE_SECONDS} s: outage at the client ${clean.outageMs} ms when the active node shuts down, ${cut.outageMs} ms when it loses its power`
      )
      expect(clean.outageMs).toBeLessThan(HAND_OVER_MS_MAX)
      await comesBack(lab, 'RMHW132')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'the mirror shuts down: the service goes on',
    async () => {
      const { name, ledger } = begins(lab)
      await growKv(lab, 50)
      await lab.verb(['shutdown', 'RMHW132'])
      await growKv(lab, 50)
      const { committed, outageMs } = await ledger.report()
      tell(`high availability: the mirror shuts down, a commit waits for ${outageMs} ms at most`)
      expect(outageMs).toBeLessThan(MIRROR_LEAVES_MS_MAX)
      expect(await kvEntries(lab, committed, name)).toBe(committed)
      await comesBack(lab, 'RMHW132')
    },
    TEST_TIMEOUT_MS
  )
})
