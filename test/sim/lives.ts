import { simulate } from './simulate'
import { simulateEtcd, simulateQuorum } from './simulateQuorum'

export type Life = (seed: number, line: ((text: string) => void) | null) => void

const LIVES: Life[] = [simulateQuorum, simulate, simulateEtcd, simulate]

/** Each other life has a witness, and of these each other one etcd. */
export const lifeOf: Life = (seed, line) => LIVES[seed % LIVES.length]?.(seed >> 1, line)

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
