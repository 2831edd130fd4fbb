import { Lab } from '../../e2e/kit/lab'
import { QUORUM_FAULTS } from './faults'
import { QuorumPair } from './proof'

export interface QuorumSoak {
  /** Only faults whose name has this in it. */
  wanted: string
  rounds: number
  keep: boolean
  say(text: string): void
}

/** Every fault on one pair, one after the other; how many were not as they must be. */
export async function soakQuorum({ wanted, rounds, keep, say }: QuorumSoak): Promise<number> {
  const faults = QUORUM_FAULTS.filter(({ name }) => name.includes(wanted))
  const lab = Lab.named('soak')
  let failed = 0
  try {
    const pair = await QuorumPair.up(lab)
    for (let round = 0; round < rounds; round += 1) {
      for (const fault of faults) {
        const { problems, told } = await pair.prove(fault)
        say(problems.length === 0 ? `good   ${fault.name}: ${told}` : `FAILED ${fault.name}: ${told}\n${problems.join('\n')}`)
        if (problems.length > 0) failed += 1
      }
    }
  } finally {
    if (keep && failed > 0) say(`The pair stays up: npm run --silent lab -- status --name ${lab.name}`)
    else await lab.down()
  }
  say(`${faults.length * rounds - failed} good, ${failed} failed`)
  return failed
}
