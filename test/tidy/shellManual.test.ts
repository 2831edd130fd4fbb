import fs from 'node:fs'
import path from 'node:path'
import { type Interfaces, Parser } from '@oclif/core'
import { COMMANDS } from '../../commands'
import { changing, everywhere } from '../../commands/base'
import type { CommandClass } from '../../commands/context'
import { wordsOf } from '../../commands/line'
import { root } from './sources'

/** Everything an operator can do is in the manual with an example, and every example can be typed as it stands there. */

const lines = fs
  .readFileSync(path.join(root, 'man', 'cui.1'), 'utf8')
  .replaceAll('\\-', '-')
  .split('\n')

/** The entries of a section's list, without those of lists inside it: the words of the title, and the whole text. */
function entriesOf(section: string): { title: string; text: string }[] {
  const from = lines.indexOf(`.Sh ${section}`)
  const found: { title: string; text: string }[] = []
  let depth = 0
  for (const line of lines.slice(from + 1, lines.indexOf(lines.slice(from + 1).find((one) => one.startsWith('.Sh ')) ?? '', from + 1))) {
    if (line.startsWith('.Bl ')) depth++
    if (line.startsWith('.El')) depth--
    if (depth === 1 && line.startsWith('.It ')) found.push({ title: line, text: '' })
    const entry = found.at(-1)
    if (entry !== undefined) entry.text += `${line}\n`
    if (entry?.title === '.It Xo' && line.startsWith('.Cm ')) entry.title = `.It ${line.slice(1)}`
  }
  return found
}

const entries = [...entriesOf('COMMANDS'), ...entriesOf('A SIMULATED PAIR')]
/** Several words may have one title: `.It Cm detach Ar job`, `.It Cm config apply Ar file`. */
const textOf = (word: string): string => entries.flatMap(({ title, text }) => (new RegExp(`^\\.It Cm ${word}\\b`).test(title) ? [text] : [])).join('')

/** `.Dl line`, and the lines of a literal display; a line goes on after a backslash, and begins where the shell is in it. */
function examplesOf(all: string[]): string[] {
  const found: string[] = []
  let literal = false
  let goesOn = false
  for (const line of all) {
    if (line.startsWith('.Bd -literal')) literal = true
    else if (line.startsWith('.Ed')) literal = false
    const text = line.startsWith('.Dl ') ? line.slice(4) : literal && !line.startsWith('.') ? line : null
    if (text === null) continue
    if (goesOn) found.push(`${(found.pop() ?? '').replace(/\\e?$/, '')}${text.trim()}`)
    else found.push(text.trim())
    goesOn = /\\e$/.test(text)
  }
  return found.map((line) => line.replaceAll('\\(dq', '"').replace(/^(\$ )?(cui(\(sim\))?>|cui )/, ''))
}
const examples = examplesOf(lines).filter((line) => COMMANDS[wordsOf(line)[0] ?? ''] !== undefined)

/** What a usage line offers at its first choice: `mirror JOB start|stop [--yes]` → start, stop. */
function actionsOf({ about: { usage } }: CommandClass): string[] {
  const choice = usage
    .replace(/ \[--.*/, '')
    .split(' ')
    .find((word) => word.includes('|'))
  return choice?.split('|').filter((word) => /^[a-z][a-z-]+$/.test(word)) ?? []
}

type Grammar = CommandClass & { args: Interfaces.ArgInput }

test.each(Object.entries(COMMANDS))('%s has its entry in the manual, with each of its options and an example of each thing that it does', (word, command) => {
  expect(textOf(word)).not.toBe('')
  const own = Object.keys(command.flags).filter((flag) => !(flag in everywhere) && !(flag in changing))
  const text = textOf(word) + (textOf(word).includes('.Cm open') ? textOf('open') : '')
  expect(own.filter((flag) => !new RegExp(`\\bFl (no-)?-?${flag}\\b`).test(text))).toEqual([])
  const typed = examples.map(wordsOf).filter(([first]) => first === word)
  expect(typed).not.toEqual([])
  expect(actionsOf(command).filter((action) => !typed.some((words) => words.includes(action)))).toEqual([])
})

test('what every command takes is in the manual too', () => {
  const text = entriesOf('OPTIONS')
    .map((entry) => entry.text)
    .join('')
  expect([...Object.keys(everywhere), ...Object.keys(changing)].filter((flag) => !text.includes(`Fl -${flag}`))).toEqual([])
})

test.each([...new Set([...examples, ...Object.values(COMMANDS).map(({ about }) => about.example)])])('as an example says it: %s', async (line) => {
  const [word = '', ...argv] = wordsOf(line)
  const { flags, args } = COMMANDS[word] as Grammar
  await expect(Parser.parse(argv, { flags, args, strict: true })).resolves.toBeDefined()
})
