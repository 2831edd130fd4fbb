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

export async function askField(terminal: Terminal, field: Field): Promise<string> {
  const { createPromptModule } = await import('inquirer')
  const prompt = createPromptModule({ input: terminal.stdin as never, output: lasting(terminal.stdout) as never }) as unknown as {
    (questions: object[]): Promise<{ answer: string }>
    registerPrompt(name: string, prompt: unknown): void
  }
  prompt.registerPrompt('field', await fieldPrompt())
  try {
    return (await prompt([{ type: 'field', name: 'answer', ...field }])).answer
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
