import { describeOnline, EQUAL_TIMEOUT_MS, SEEN_TIMEOUT_MS, TEST_TIMEOUT_MS } from './kit/describeLab'
import { type Seen, statusOf } from './kit/observer'
import { growLedger } from './kit/postgres'

/** A client keeps its connection; it is kept waiting by nothing but a busy machine. */
const UNTOUCHED_MS_MAX = 5_000

const linkStates = (seen: Seen) =>
  ['RMHW131', 'RMHW132'].map(
    (node) =>
      statusOf(seen[node])
        ?.self.links.map((link) => `${link.name} ${link.state}`)
        .join(', ') ?? 'no answer'
  )

describeOnline('cables are pulled', { postgres: true }, (lab) => {
  const see = (expected: string) =>
    lab.watch().waitFor(`both nodes see: ${expected}`, SEEN_TIMEOUT_MS, (seen) => linkStates(seen).every((states) => states === expected))

  test(
    'one link, then a second one: nothing moves, hbtstate shows which, and healed links are ok again',
    async () => {
      const ledger = lab.ledger('--postgres', 5432, { patienceMs: UNTOUCHED_MS_MAX })
      await growLedger(lab, 20)
      await lab.verb(['cut', 'link-0'])
      await see('service ok, link-0 error, link-1 ok')
      const one = (await lab.cui(['hbtstate'])).stdout
      expect(one).toMatch(/^22\.22\.150\.131:3001 <-> 22\.22\.150\.132:3001 +error +error$/m)
      expect(one).toMatch(/^11\.11\.150\.131:3000 <-> 11\.11\.150\.132:3000 +ok +ok$/m)

      await lab.verb(['cut', 'link-1'])
      await see('service ok, link-0 error, link-1 error')
      expect((await lab.cui(['hbtstate'])).stdout.match(/ error +error$/gm)).toHaveLength(2)
      await growLedger(lab, 20)

      await lab.verb(['heal', 'link-0'])
      await lab.verb(['heal', 'link-1'])
      await see('service ok, link-0 ok, link-1 ok')
      await lab.equal('RMHW131', EQUAL_TIMEOUT_MS)
      const promised = await ledger.report()
      expect(promised).toMatchObject({ connections: 1, lastErrors: [] })
      expect(promised.outageMs).toBeLessThan(UNTOUCHED_MS_MAX)
      expect((await lab.now('RMHW131')).record).toMatchObject({ owner: 'RMHW131', roleSequence: 1 })
    },
    TEST_TIMEOUT_MS
  )
})
