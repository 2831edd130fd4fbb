import { Chalk } from 'chalk'

/** Colour says again what the word says already; it is never the only carrier. */
export interface Paint {
  good(text: string): string
  paused(text: string): string
  bad(text: string): string
  faint(text: string): string
  strong(text: string): string
  /** A word of state in its colour; unknown words and old values stay plain or yellow, never green. */
  state(word: string): string
}

const GOOD = new Set(['ok', 'online', 'on line(admin)', 'idle', 'replicating', 'synchronized', 'connected', 'done'])
const BAD = new Set(['error', 'failed', 'absent', 'unreachable', 'manually', 'disconnected'])
const LICENCE = /^(Expired|WrongHost|BadSignature|Missing)( \d{4}-|$)/
const CHANGING = /^(starting|stopping|switching|pause|mirror\(|verifying|full mirror|unknown|off line|yes$|yes, |suspended|stop$|detached)/i

export function createPaint(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  const state = (word: string): string => {
    const lower = word.toLowerCase()
    if (GOOD.has(lower)) return chalk.green(word)
    if (BAD.has(lower) || lower.startsWith('error ') || lower.startsWith('failed (') || lower.startsWith('waiting ') || LICENCE.test(word))
      return chalk.red(word)
    return CHANGING.test(word) || lower.endsWith(' ago)') ? chalk.yellow(word) : word
  }
  return { good: chalk.green, paused: chalk.yellow, bad: chalk.red, faint: chalk.dim, strong: chalk.bold, state }
}
