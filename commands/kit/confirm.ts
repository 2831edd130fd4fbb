import { randomInt } from 'node:crypto'
import type { Context } from '../context'
import { askField } from './ask'
import { fail } from './fail'

const TRIES_MAX = 3
const CODE_LENGTH = 4
/** Without letters that look like digits or like each other. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ'

export const isTerminal = (context: Context): boolean => context.io.stdin.isTTY === true && context.io.stdout.isTTY === true

/** A line typed at a question; what was pasted ahead answers first. */
export async function askLine(context: Context, message: string, options: { mask?: boolean; option: string }): Promise<string> {
  const ahead = context.typedAhead.shift()
  if (ahead !== undefined) {
    context.io.stdout.write(`${message} ${options.mask ? '*'.repeat([...ahead].length) : ahead}\n`)
    return ahead
  }
  if (!isTerminal(context)) throw fail('E_NO_TERMINAL', { asked: message.replace(/:$/, ''), option: options.option })
  return askField({ stdin: context.io.stdin, stdout: context.io.stdout }, { message, mask: options.mask === true })
}

/** Yes or No on a terminal, never anywhere else. */
export async function confirmYes(context: Context, question: string): Promise<void> {
  if (!(await askYesNo(context, question, '--yes'))) throw fail('E_CANCELLED', {})
}

/** What is neither, again and again, ends the command. */
export async function askYesNo(context: Context, question: string, option: string): Promise<boolean> {
  for (let i = 0; i < TRIES_MAX; i++) {
    const answer = (await askLine(context, `${question} (Yes/No)`, { option })).trim().toLowerCase()
    if (answer === 'yes' || answer === 'y') return true
    if (answer === 'no' || answer === 'n') return false
  }
  throw fail('E_CANCELLED', {})
}

/** What may lose data needs a code that nobody types by habit. */
export async function confirmCode(context: Context): Promise<void> {
  const code = Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  const answer = await askLine(context, `Input following string (${code}) to enforce!`, { option: '--confirm JOB' })
  if (answer.trim().toUpperCase() !== code) throw fail('E_CANCELLED', {})
}
