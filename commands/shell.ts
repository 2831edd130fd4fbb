import { createInterface, type Interface } from 'node:readline'
import { Completer } from './complete/completer'
import type { Context } from './context'
import { reportOf } from './kit/fail'
import { fold } from './kit/text'
import { wordsOf } from './line'

const PROMPT = 'cui>'
/** Nobody may take a simulated pair for servers. */
const SIMULATED_PROMPT = 'cui(sim)>'
const HISTORY_MAX = 1000
/** Anything that looks as if it held a password stays out of the history. */
const SECRET = /pass(word|wd)?(?!word-file|-file)[=\s]|--pass(word)?(?!-file|word-file)\b/i

type Typed = { line: string } | 'end'

/** The REPL: `cui>` until `exit` or Ctrl-D. Ctrl-C gives a new prompt. */
export async function runShell(context: Context, run: (words: string[]) => Promise<void>): Promise<number> {
  context.interactive = true
  const prompt = new Prompt(context)
  context.io.stdout.write(fold(context.io.stdout, greeting(context)))
  while (!context.flow.ended) {
    const typed = await prompt.next()
    if (typed === 'end') break
    const words = split(context, typed.line)
    if (words.length === 0) continue
    prompt.remember(typed.line)
    await run(words)
  }
  return 0
}

function greeting({ simulation, store }: Context): string {
  if (simulation === null) return 'Cui Server connected!\n'
  const names = store.nodes().map(({ node }) => node)
  return `Simulated: ${names.join(' and ')} as in ${simulation.file}. No server is touched; time stands still at the prompt.\nsim shows what is there, help sim what can be done to it.\n`
}

function split(context: Context, line: string): string[] {
  try {
    return wordsOf(line)
  } catch (thrown) {
    const { message, tryThis } = reportOf(thrown)
    context.io.stdout.write(fold(context.io.stdout, `${message}\nTry: ${tryThis}\n`))
    return []
  }
}

/**
 * One readline for each prompt: questions asked in between have the terminal for themselves.
 * Lines pasted together are kept and come next.
 */
class Prompt {
  private history: string[]
  private unfinished = ''
  private readonly completer: Completer

  constructor(private readonly context: Context) {
    this.history = historyOf(context)
    this.completer = new Completer(context)
  }

  private get prompt(): string {
    return this.context.simulation === null ? PROMPT : SIMULATED_PROMPT
  }

  async next(): Promise<Typed> {
    const ahead = this.context.typedAhead.shift()
    if (ahead === undefined) return this.read()
    this.context.io.stdout.write(`${this.prompt}${ahead}\n`)
    return { line: ahead }
  }

  private read(): Promise<Typed> {
    const { stdin: input, stdout: output } = this.context.io
    const completer = (line: string, callback: (error: null, result: [string[], string]) => void): void => {
      const command = this.completer.command(line)
      if (command !== null) return callback(null, command)
      // What was typed while a node was asked (another Tab too) has made the answer one to something else.
      const fresh = (found: [string[], string]): [string[], string] => (readline.line.slice(0, readline.cursor) === line ? found : [[], line])
      this.completer.complete(line).then(
        (found) => callback(null, fresh(found)),
        () => callback(null, [[], line])
      )
    }
    const readline = createInterface({
      input,
      output,
      prompt: this.prompt,
      terminal: true,
      historySize: HISTORY_MAX,
      history: [...this.history].reverse(),
      completer
    })
    return new Promise((resolve) => this.listen(readline, resolve))
  }

  private listen(readline: Interface, resolve: (typed: Typed) => void): void {
    const lines: string[] = []
    let left = false
    readline.on('line', (line) => {
      if (left) return
      lines.push(line)
      // What was pasted with it arrives in the same turn.
      if (lines.length === 1) setImmediate(() => readline.close())
    })
    // The same readline goes on: what was typed in the same breath would be lost with it.
    readline.on('SIGINT', () => {
      readline.write(null, { ctrl: true, name: 'e' })
      this.context.io.stdout.write('^C')
      left = true
      readline.write(null, { name: 'return' })
      left = false
      readline.prompt()
    })
    readline.on('close', () => {
      const [first, ...rest] = lines
      this.unfinished = lines.length > 0 ? readline.line : ''
      this.context.typedAhead.push(...rest)
      if (first !== undefined) return resolve({ line: first })
      this.context.io.stdout.write('\n')
      return resolve('end')
    })
    readline.prompt()
    if (this.unfinished !== '') readline.write(this.unfinished)
  }

  remember(line: string): void {
    const text = line.trim()
    if (SECRET.test(text) || this.history.at(-1) === text) return
    this.history = [...this.history, text].slice(-HISTORY_MAX)
    try {
      this.context.store.writeHistory(this.history)
    } catch {
      // A history that cannot be kept is no reason to stop a command.
    }
  }
}

function historyOf(context: Context): string[] {
  try {
    return context.store.readHistory().slice(-HISTORY_MAX)
  } catch {
    return []
  }
}
