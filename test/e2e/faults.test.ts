import { describeOnline, EQUAL_TIMEOUT_MS, ONLINE_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { growKv, kvEntries } from './kit/kv'
import { JOB, type Lab, type LedgerReport, type Node } from './kit/lab'
import { tell } from './kit/needs'
import type { Measuring } from './kit/programs'

const KV_PORT = 7400
/** A client that commits every few ms notices nothing of a fault that does not concern it; the rest is a busy machine. */
const UNTOUCHED_MS_MAX = 5_000
/** Commits that must go through while something is broken. */
const COMMITS = 50

type Step = (lab: Lab) => Promise<unknown>

const mirrorCables = async (lab: Lab, verb: 'cut' | 'heal', node: Node): Promise<void> => {
  for (const link of ['link-0', 'link-1']) await lab.verb([verb, `${node}:${link}`])
}
const mirrorFails =
  (node: Node): Step =>
  async (lab) => {
    await mirrorCables(lab, 'cut', node)
    await lab.dataIs('RMHW131', 'replication waits', SEEN_TIMEOUT_MS, ({ connected }) => !connected)
  }
const hangsAndIsEnded: Step = async (lab) => {
  await lab.verb(['pause', 'RMHW132'])
  await lab.alone('RMHW131', SEEN_TIMEOUT_MS)
  // The guide: a standby that hangs could not take over, so it is restarted by force.
  expect((await lab.cui(['ready', JOB])).code).not.toBe(0)
  await lab.verb(['powercut', 'RMHW132'])
}
const starts: Step = (lab) => lab.verb(['start', 'RMHW132'])

/** The service goes on, and the pair is as before when it is mended. */
const UNAFFECTED: [page: string, fault: string, begin: Step, mend: Step][] = [
  ['Mirror 장애', 'the mirror network of the active server', mirrorFails('RMHW131'), (lab) => mirrorCables(lab, 'heal', 'RMHW131')],
  ['Mirror 장애', 'the mirror network of the standby', mirrorFails('RMHW132'), (lab) => mirrorCables(lab, 'heal', 'RMHW132')],
  ['Server 장애, OS Hang up', 'the standby hangs, and is switched off by force', hangsAndIsEnded, starts],
  ['Server 장애', 'the standby shuts down', (lab) => lab.verb(['shutdown', 'RMHW132']), starts]
]

/** The rows that have files of their own: ANNEX_6_ELSEWHERE in guidePages.ts. */
describeOnline('annex 6 of the guide', { options: ['--application', 'kv'] }, (lab) => {
  let committed = 0

  describe('the service does not notice', () => {
    let ledger: Measuring<LedgerReport>
    beforeAll(() => {
      ledger = lab.ledger('--kv', KV_PORT, { patienceMs: UNTOUCHED_MS_MAX })
    })

    test.each(UNAFFECTED)(
      '%s: %s',
      async (_page, _fault, begin, mend) => {
        await begin(lab)
        await growKv(lab, COMMITS)
        const sinceMs = Date.now()
        await mend(lab)
        expect(await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)).toBe('RMHW131')
      },
      TEST_TIMEOUT_MS
    )

    test(
      'and neither did a client that committed all the time; all of it is on both nodes',
      async () => {
        const promised = await ledger.report()
        committed = promised.committed
        tell(`annex 6: ${promised.committed} commits through ${UNAFFECTED.length} faults, the longest wait ${promised.outageMs} ms`)
        expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
        expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
        expect(await lab.now('RMHW131')).toMatchObject({ phase: 'online', record: { owner: 'RMHW131', roleSequence: 1 } })
        await lab.applied('RMHW131', EQUAL_TIMEOUT_MS)
      },
      TEST_TIMEOUT_MS
    )
  })

  test(
    'OS Hang up: the active server hangs: its address is still answered, and nobody takes it; switched off by force, the other one serves',
    async () => {
      await lab.verb(['pause', 'RMHW131'])
      await lab.alone('RMHW132', SEEN_TIMEOUT_MS)
      await lab.notes('RMHW132', 'the VIP is still answered', SEEN_TIMEOUT_MS)
      expect((await lab.now('RMHW132')).record.owner).toBe('RMHW131')
      await lab.verb(['powercut', 'RMHW131'])
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      expect([committed > 0, await kvEntries(lab, committed)]).toEqual([true, committed])
      const sinceMs = Date.now()
      await lab.verb(['start', 'RMHW131'])
      expect(await lab.settled(sinceMs, EQUAL_TIMEOUT_MS)).toBe('RMHW132')
    },
    TEST_TIMEOUT_MS
  )
})
