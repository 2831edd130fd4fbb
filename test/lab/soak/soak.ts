import { type PairKind, type Plan, replayOf, type Wishes } from './plan'
import { type Outcome, SoakPair } from './soakPair'

const kindOf = ({ fileSystem, safety, work }: PairKind): string => `${work}, safety ${safety}, ${fileSystem}`

export function describePlan(plan: Plan): string {
  const moment = plan.offMs === null ? 'back when the service has gone on' : `back after ${plan.offMs} ms`
  const more = plan.what === 'link' ? ` (${plan.cables.join(' and ')})` : plan.againAfterMs !== null && plan.what !== 'both' ? ', and once more' : ''
  return `seed ${plan.seed}: ${kindOf(plan)}: ${plan.what}${more} cut after ${plan.delayMs} ms, ${moment}`
}

export interface SoakOptions {
  plans: Plan[]
  wishes: Wishes
  say(text: string): void
  /** A pair on which a run has failed stays up. */
  keep: boolean
}

/** All runs, those of one kind on one pair after the other; the failed ones. */
export async function soak({ plans, wishes, say, keep }: SoakOptions): Promise<Outcome[]> {
  const failed: Outcome[] = []
  let pair: SoakPair | null = null
  let kind = ''
  try {
    for (const plan of [...plans].sort((a, b) => kindOf(a).localeCompare(kindOf(b)))) {
      if (pair === null || kind !== kindOf(plan)) {
        await pair?.down()
        pair = null
        kind = kindOf(plan)
        pair = await SoakPair.up(plan)
      }
      const outcome: Outcome = await pair.run(plan)
      const good = outcome.problems.length === 0
      say(`${good ? 'good  ' : 'FAILED'} ${describePlan(plan)}: ${(outcome.tookMs / 1_000).toFixed(1)} s, ${outcome.told}`)
      if (good) continue
      failed.push(outcome)
      say(`${outcome.problems.join('\n')}\n${outcome.story}\nAgain: ${replayOf(plan.seed, wishes)}`)
      if (keep) say(`The pair stays up: npm run --silent lab -- status --name ${pair.name}`)
      else await pair.down()
      // What comes next must not suffer from what went wrong here.
      pair = null
    }
  } finally {
    await pair?.down()
  }
  return failed
}
