import { randomInt } from 'node:crypto'
import type { Context } from '../context'
import { askChoice, askField, askWords, type Choice, type Words } from './ask'
import { fail } from './fail'
import { COLUMNS, fold } from './text'

const TRIES_MAX = 3
const CODE_LENGTH = 4
/** Without letters that look like digits or like each other. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ'

export const isTerminal = (context: Context): boolean => context.io.stdin.isTTY === true && context.io.stdout.isTTY === true

/** A line typed at a question; what was pasted ahead answers first. */
export async function askLine(context: Context, question: string, options: { mask?: boolean; option: string }): Promise<string> {
  const message = fold(context.io.stdout, question)
  const ahead = context.typedAhead.shift()
  if (ahead !== undefined) {
    context.io.stdout.write(`${message} ${options.mask ? '*'.repeat([...ahead].length) : ahead}\n`)
    return ahead
  }
  if (!isTerminal(context)) throw fail('E_NO_TERMINAL', { asked: message.replace(/:$/, ''), option: options.option })
  return askField({ stdin: context.io.stdin, stdout: context.io.stdout }, { message, mask: options.mask === true })
}

/** Words that are checked at once, and asked for again until they are right. */
export async function askChecked(context: Context, { message, initial, check }: Words): Promise<string> {
  // Two columns are the sign before it.
  const columns = (context.io.stdout.columns || COLUMNS) - 2
  const fitted = async (answer: string): Promise<string | null> => {
    const wrong = await check(answer)
    return wrong === null ? null : fold({ isTTY: true, columns }, wrong)
  }
  for (;;) {
    const ahead = context.typedAhead.shift()
    if (ahead === undefined) break
    const answer = ahead.trim() || initial
    context.io.stdout.write(`${message} ${answer}\n`)
    const wrong = await fitted(answer)
    if (wrong === null) return answer
    context.io.stdout.write(`${wrong}\n`)
  }
  if (!isTerminal(context)) throw fail('E_NO_TERMINAL', { asked: message, option: 'the same command with options' })
  return (await askWords({ stdin: context.io.stdin, stdout: context.io.stdout }, { message, initial, check: fitted })).trim()
}

/** One of several. */
export async function choose(context: Context, message: string, choices: Choice[], initial: string): Promise<string> {
  const ahead = context.typedAhead.shift()
  const found = choices.find(({ value }) => value === (ahead?.trim() || initial))
  if (ahead !== undefined && found !== undefined) {
    context.io.stdout.write(`${message} ${found.name}\n`)
    return found.value
  }
  if (!isTerminal(context)) throw fail('E_NO_TERMINAL', { asked: message, option: 'the same command with options' })
  return await askChoice({ stdin: context.io.stdin, stdout: context.io.stdout }, message, choices, initial)
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
