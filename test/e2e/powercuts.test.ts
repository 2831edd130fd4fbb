import { type Plan, planOf, type Wishes } from '../lab/soak/plan'
import { describePlan } from '../lab/soak/soak'
import { SoakPair } from '../lab/soak/soakPair'
import { describePair, tell } from './kit/needs'

/** The short set; `npm run soak` has a hundred runs and more. */
const UP_TIMEOUT_MS = 480_000
const RUN_TIMEOUT_MS = 900_000
const SEED = Number(process.env.MIRRORPAIR_SEED ?? 20261122)

const wishes = (work: Wishes['works'][number], safety: 'full' | 'off', fileSystem: 'ext4' | 'xfs', what: Wishes['whats'][number]): Wishes => ({
  works: [work],
  safeties: [safety],
  fileSystems: [fileSystem],
  whats: [what]
})

const SETS: { name: string; postgres: boolean; plans: Plan[] }[] = [
  {
    name: 'safety FULL on ext4: no acknowledged record is missing',
    postgres: false,
    plans: (['source', 'target', 'both', 'link'] as const).map((what, place) => planOf(SEED + place, wishes('records', 'full', 'ext4', what)))
  },
  { name: 'safety OFF on xfs: what survives is some moment of the past', postgres: false, plans: [planOf(SEED, wishes('records', 'off', 'xfs', 'source'))] },
  { name: 'PostgreSQL with safety FULL on xfs', postgres: true, plans: [planOf(SEED, wishes('postgres', 'full', 'xfs', 'source'))] }
]

for (const { name, postgres, plans } of SETS) {
  describePair(`power cuts, ${name}`, { postgres }, () => {
    let pair: SoakPair | null = null
    beforeAll(async () => {
      pair = await SoakPair.up(plans[0]!)
    }, UP_TIMEOUT_MS)
    afterAll(() => pair?.down(), UP_TIMEOUT_MS)

    test.each(plans.map((plan) => [describePlan(plan), plan] as const))(
      '%s',
      async (_description, plan) => {
        const outcome = await pair!.run(plan)
        tell(`power cut, ${plan.what}: ${outcome.told}, ${Math.round(outcome.tookMs)} ms`)
        expect(outcome.problems.length === 0 ? '' : `${outcome.problems.join('\n')}\n${outcome.story}`).toBe('')
      },
      RUN_TIMEOUT_MS
    )
  })
}
