import type { Context } from './context'
import { askLine, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { runHands } from './kit/hands'

/** What a runbook leaves to a person: `# on RMHW132: apt-get upgrade`. */
export interface HandWork {
  node: string
  work: string
}

/** How it is known to have been done. */
export interface Consent {
  json: boolean
  /** A program that does it, called with the node and the work; null: none. */
  hands: string | null
  /** All of it has been done, or is none of this runbook's business. */
  done: boolean
  /** Such lines are looked at: not on standard input, where they are comments. */
  asked: boolean
}

const HAND_LINE = /^#\s*on\s+(\S+):\s+(\S.*)$/i

export function handLine(line: string): HandWork | null {
  const match = HAND_LINE.exec(line.trim())
  return match ? { node: match[1] ?? '', work: match[2] ?? '' } : null
}

/** Before the first line is run: is there somebody to do it? */
export function mayGoOn(context: Context, lines: string[], file: string, { hands, done }: Consent): void {
  if (hands !== null || done || context.simulation !== null || isTerminal(context)) return
  const place = lines.findIndex((line) => handLine(line) !== null)
  const first = handLine(lines[place] ?? '')
  if (first !== null) throw fail('E_BY_HAND_NEEDED', { file, line: place + 1, ...first })
}

/** Answers who says that it is done. */
export async function byHand(context: Context, hand: HandWork, { hands, done, json }: Consent): Promise<string> {
  const say = (text: string): void => {
    if (!json) context.io.stdout.write(`${text}\n`)
  }
  say(`On ${hand.node}: ${hand.work}`)
  if (context.simulation !== null) return await simulated(context, hand, say)
  if (hands !== null) {
    const why = await runHands(hands, [hand.node, hand.work], json)
    if (why !== null) throw fail('E_BY_HAND_FAILED', { hands, ...hand, why })
    return hands
  }
  if (done) return 'done before'
  const answer = await askLine(context, 'Enter when it is done, No to stop:', { option: '--hands PROGRAM, or --done' })
  if (/^n/i.test(answer.trim())) throw fail('E_CANCELLED', {})
  return 'a person'
}

const REBOOT = /^(?:sudo )?(?:systemctl )?(?:reboot|shutdown -r\b.*)$/
const POWER_OFF = /^(?:sudo )?(?:systemctl )?(?:poweroff|halt|shutdown -h\b.*)$/
/** What a person does last at a machine that is off. */
const SWITCH_ON = /switch (?:it|the machine|the server) on/i

/** Of what is done on a machine the simulation knows whether it is on. */
async function simulated({ simulation }: Context, { node, work }: HandWork, say: (text: string) => void): Promise<string> {
  const words = REBOOT.test(work)
    ? (['shutdown', 'start'] as const)
    : POWER_OFF.test(work)
      ? (['shutdown'] as const)
      : SWITCH_ON.test(work)
        ? (['start'] as const)
        : []
  for (const word of words) {
    const outcome = await simulation?.carryOut({ do: word, node })
    if (outcome !== undefined && 'refused' in outcome) throw fail('E_SIM_REFUSED', { what: outcome.refused, known: outcome.known })
    if (outcome !== undefined) say(`  simulated: ${outcome.done}`)
  }
  if (words.length === 0) say('  simulated: taken as done')
  return 'the simulation'
}
