import { simulateArbitrated } from './arbitrationLives'
import { simulate, simulateWork } from './simulate'
import { simulateEtcd, simulateLateChanges, simulateModes, simulateQuorum, simulateQuorumWork } from './simulateQuorum'
import { simulateWorst } from './worstLives'

export type Life = (seed: number, line: ((text: string) => void) | null) => number

const LIVES: Life[] = [
  simulateQuorum,
  simulate,
  simulateEtcd,
  simulateWork,
  simulateModes,
  (seed, line) => simulateArbitrated(seed, line),
  (seed, line) => simulateWorst(seed, line),
  simulate,
  simulateQuorumWork,
  simulateModes,
  simulateLateChanges
]

/** By turns, each with a seed of its own: a kind that stands there twice lives twice. */
export const lifeOf: Life = (seed, line) => LIVES[seed % LIVES.length]?.(seed, line) ?? 0

export function failingSeeds(live: Life, from: number, to: number): { seed: number; why: string }[] {
  const failures: { seed: number; why: string }[] = []
  for (let seed = from; seed <= to; seed++) {
    try {
      live(seed, null)
    } catch (error) {
      failures.push({ seed, why: error instanceof Error ? (process.env.STACK ? (error.stack ?? '') : error.message) : String(error) })
    }
  }
  return failures
}

/** The last lines of a failing life. */
export function story(live: Life, seed: number, count = Number(process.env.LINES ?? 80)): string {
  const lines: string[] = []
  try {
    live(seed, (text) => lines.push(text))
  } catch {
    // It is the failure that is being told.
  }
  return lines.slice(-count).join('\n')
}
