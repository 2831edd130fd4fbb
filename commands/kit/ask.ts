import { Writable } from 'node:stream'
import { fail } from './fail'

/** Questions to a person at a terminal. inquirer is loaded at the first question only, so that scripts start fast. */
export interface Terminal {
  stdin: NodeJS.ReadableStream
  stdout: NodeJS.WritableStream
}

interface Field {
  message: string
  /** A password: each character is shown as a star. */
  mask: boolean
}

/** Looks as the guide's questions do: `username: administrator`, `password: *****`. */
async function fieldPrompt() {
  const { createPrompt, isEnterKey, useKeypress, useState } = await import('@inquirer/core')
  return createPrompt<string, Field>((config, done) => {
    const [value, setValue] = useState('')
    const [ended, setEnded] = useState(false)
    useKeypress((key, readline) => {
      if (ended) return
      if (!isEnterKey(key)) return setValue(readline.line)
      setEnded(true)
      done(value)
    })
    return `${config.message} ${config.mask ? '*'.repeat([...value].length) : value}`
  })
}

/** Words that are looked at as soon as they are given. */
export interface Words {
  message: string
  /** Taken when nothing is typed. */
  initial: string
  /** What is expected instead; null: they are right. */
  check(answer: string): Promise<string | null>
}

export interface Choice {
  value: string
  name: string
  /** Shown below the list while it stands on this one. */
  description?: string
}

export const askField = (terminal: Terminal, field: Field): Promise<string> => ask(terminal, { type: 'field', ...field })

export function askWords(terminal: Terminal, { message, initial, check }: Words): Promise<string> {
  const validate = async (answer: string): Promise<string | true> => (await check(answer.trim())) ?? true
  return ask(terminal, { type: 'input', message, validate, ...(initial === '' ? {} : { default: initial }) })
}

export const askChoice = (terminal: Terminal, message: string, choices: Choice[], initial: string): Promise<string> =>
  ask(terminal, { type: 'select', message, choices, default: initial, pageSize: CHOICES_SHOWN, loop: false })

/** A terminal of 24 lines has room for these, for the question and for a description. */
const CHOICES_SHOWN = 14

async function ask(terminal: Terminal, question: object): Promise<string> {
  const { createPromptModule } = await import('inquirer')
  const prompt = createPromptModule({ input: terminal.stdin as never, output: lasting(terminal.stdout) as never }) as unknown as {
    (questions: object[]): Promise<{ answer: string }>
    registerPrompt(name: string, prompt: unknown): void
  }
  prompt.registerPrompt('field', await fieldPrompt())
  try {
    return (await prompt([{ name: 'answer', ...question }])).answer
  } catch (thrown) {
    // Ctrl-C, or the terminal went away.
    if ((thrown as Error).name === 'ExitPromptError' || (thrown as Error).name === 'AbortPromptError') throw fail('E_CANCELLED', {})
    throw thrown
  }
}

/** inquirer ends its output after each question; the terminal goes on. */
function lasting(stdout: NodeJS.WritableStream): Writable {
  // At once: what the command says next must come after the answered question.
  const write = (part: Buffer, _encoding: string, done: () => void): void => {
    stdout.write(part)
    done()
  }
  return new Writable({ write })
}
